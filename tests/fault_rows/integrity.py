"""What turns the SQL checks red, and the test of lost rows."""

from pathlib import Path

from pam_rollback.target.invariants import parse_invariant
from tests.fault_rows.row import Row

_FOLDER = Path(__file__).resolve().parents[2] / "checks" / "integrity"


def _name(identifier: str) -> str:
    return f"test_{identifier.replace('-', '_')}"


def _of(what: str, *red: str, words: str, unknown: tuple[str, ...] = ()) -> Row:
    """Damage to the data, the checks by their ids that it turns red, and what the message says."""
    return Row(
        what,
        "data",
        frozenset(map(_name, red)),
        words,
        {"what": what},
        select="integrity",
        unknown=frozenset(map(_name, unknown)),
    )


def _in_another_table(what: str, names: str, *red: str, words: str) -> Row:
    """Damage in a table of the fault's own, which the environment names in the place of one of the product's."""
    red_names = frozenset(map(_name, red))
    setting = f'[sql.names]\n{names}\n[contract.tables]\nsettings = "wide"'
    return Row(what, "data", red_names, words, {"what": what}, select="integrity", environment=setting)


def _in_plan_dialect(what: str, *red: str, words: str) -> Row:
    red_names = frozenset(map(_name, red))
    return Row(f"{what}-plan-dialect", "data", red_names, words, {"what": what}, select="integrity", dialect="plan")


def _loss(what: str, *red: str, words: str) -> Row:
    """Rows that were there before; the session knows how many and which."""
    red_names = frozenset({"test_no_row_is_lost", *map(_name, red)})
    return Row(f"{what}-since", "data", red_names, words, {"what": what}, select="integrity", counted_before=True)


def _rewritten(what: str, words: str) -> Row:
    """The same rows with another content; every other check of the data finds them sound."""
    red = frozenset({"test_no_row_is_rewritten"})
    return Row(f"{what}-since", "data", red, words, {"what": what}, select="integrity", counted_before=True)


def _moved(what: str, words: str) -> Row:
    """The same rows, of somebody else; every other check of the data finds them sound."""
    red = frozenset({"test_no_row_is_moved"})
    return Row(f"{what}-since", "data", red, words, {"what": what}, select="integrity", counted_before=True)


def _access(what: str, *red: str, words: str, counted_before: bool = False) -> Row:
    """Who may reach which rows is not what it should be; the rows themselves are whole."""
    name = f"{what}-since" if counted_before else what
    return Row(name, "data", frozenset(red), words, {"what": what}, select="integrity", counted_before=counted_before)


OPEN, REACH, AS_BEFORE = (
    "test_no_stranger_is_shown_a_row",
    "test_the_product_can_reach_its_rows",
    "test_policies_and_privileges_are_as_before",
)


CONTENTS = "test_the_account_is_shown_what_it_had"
LOST, WEAKER, OPENED = (
    "test_nothing_of_the_schema_is_lost",
    "test_nothing_of_the_schema_is_weaker",
    "test_nothing_of_the_schema_is_more_open",
)


def _schema(what: str, *red: str, words: str) -> Row:
    """The schema is not what it was; the rows themselves are whole."""
    return _access(what, *red, words=words, counted_before=True)


def _of_the_product() -> tuple[str, ...]:
    """Every SQL check of the product's own tables."""
    files = sorted(_FOLDER.glob("*.sql"))
    found = [parse_invariant(path.read_text(encoding="utf-8"), source=path.name, stem=path.stem) for path in files]
    return tuple(invariant.id for invariant in found if "product" in invariant.dialects)


_OF_EXPENSES = ("expenses-amount", "expenses-incomplete", "expenses-orphaned", "expenses-duplicate", "sequences-behind")

ROWS = [
    _of("answers-deleted", "messages-unanswered", words="messages-unanswered: 20 of "),
    _of("answers-blanked", "messages-blank", words="messages-blank: 12 of"),
    _of("messages-orphaned", "messages-orphaned", words="messages-orphaned: 10 of"),
    _of("messages-doubled", "messages-duplicate", words="messages-duplicate: 8 of"),
    _of("messages-of-another-user", "rows-of-another-user", words="rows-of-another-user: 8 of"),
    _of("conversations-orphaned", "conversations-orphaned", words="conversations-orphaned: 6 of"),
    _of("emails-blanked", "profiles-incomplete", words="profiles-incomplete: 8 of"),
    _of("profiles-deleted", "users-without-profile", words="users-without-profile: 10 of"),
    _of("settings-deleted", "settings-missing", words="settings-missing: 10 of"),
    _of("settings-wiped", "settings-blank", words="settings-blank: 1,600 of "),
    _in_another_table(
        "settings-wide-wiped",
        '"user_settings" = "range_undo_settings_wide_wiped.user_settings"',
        "settings-blank",
        words="settings-blank: 2,800 of 2,814 rows",
    ),
    _of("settings-null", "settings-blank", words="settings-blank: 12 of"),
    _of("settings-orphaned", "settings-orphaned", words="settings-orphaned: 6 of"),
    _of("settings-duplicated", "settings-duplicate", words="settings-duplicate: 6 of"),
    _of("amounts-nan", "expenses-amount", words="expenses-amount: 12 of "),
    _of("amounts-negative", "expenses-amount", words="expenses-amount: "),
    _of("categories-blanked", "expenses-incomplete", words="expenses-incomplete: 8 of"),
    _of("expenses-orphaned", "expenses-orphaned", words="expenses-orphaned: 9 of"),
    _of("expenses-doubled", "expenses-duplicate", words="expenses-duplicate: 6 of"),
    _of("tickets-orphaned", "tickets-orphaned", words="tickets-orphaned: 5 of"),
    _of("timestamps-future", "timestamps-future", words="timestamps-future: 10 of"),
    _of("sequence-behind", "sequences-behind", words="(expenses.id)"),
    _of("key-dropped", "keys-missing", words="keys-missing: 1 of 6 rows (support_tickets)"),
    _of("index-invalid", "indexes-invalid", words="(pam_messages_by_time)"),
    _of("row-security-off", "row-security-off", words="row-security-off: 1 of 6 rows (expenses)"),
    _of("migration-ahead", "migrations-drift", words="unknown to the release: 99990101000000"),
    _of("migration-behind", "migrations-drift", words="not applied: "),
    _of("table-emptied", *_OF_EXPENSES, words="no rows at all in expenses, so nothing is proven"),
    _of(
        "column-missing",
        unknown=("expenses-incomplete", "expenses-duplicate"),
        words='column "category" does not exist; say under',
    ),
    # Not a single verdict comes, so it cannot have come in time either.
    _of(
        "role-blinded",
        unknown=(
            *_of_the_product(),
            *("integrity-verdict-came-in-time", "no-stranger-is-shown-a-row", "the-product-can-reach-its-rows"),
        ),
        words="is blind at",
    ),
    _in_plan_dialect("answers-deleted", "conversations-incomplete", words="conversations-incomplete: 20 of"),
    _in_plan_dialect("answers-blanked", "conversations-incomplete", words="conversations-incomplete: 12 of"),
    _in_plan_dialect("settings-wiped", "profiles-settings-blank", words="profiles-settings-blank: 400 of 402 rows"),
    _in_plan_dialect("settings-null", "profiles-settings-blank", words="profiles-settings-blank: 3 of"),
    _in_plan_dialect("amounts-nan", "expenses-amount", words="expenses-amount: 12 of"),
    _in_plan_dialect("timestamps-future", "plan-timestamps-future", words="plan-timestamps-future: 5 of"),
    _access("policy-opened", OPEN, words="public.expenses shows authenticated, who owns nothing there, every row"),
    _access("policy-for-everybody", OPEN, words="public.profiles shows anon, who owns nothing there, every row"),
    _access(
        "copy-left-open", OPEN, words="public.expenses_before_repair shows anon, who owns nothing there, rows such as"
    ),
    _access("view-left-open", OPEN, words="public.recent_messages shows anon, who owns nothing there, rows such as"),
    _access("policy-dropped", REACH, words="public.pam_conversations: has no policy"),
    _access("grants-revoked", REACH, words="policy own_settings lets authenticated SELECT, and no privilege does"),
    _access("policy-opened", OPEN, AS_BEFORE, words="policy own_expenses is for ALL", counted_before=True),
    _access("policy-dropped", REACH, AS_BEFORE, words="policy own_conversation was dropped", counted_before=True),
    _access("policy-changed", AS_BEFORE, words="policy own_profile_is_editable is", counted_before=True),
    _access("grants-revoked", REACH, AS_BEFORE, words="authenticated may not SELECT any more", counted_before=True),
    _access("grants-widened", AS_BEFORE, words="anon may TRUNCATE now", counted_before=True),
    _access(
        "flags-opened",
        AS_BEFORE,
        words="public.feature_flags: policy flags_are_everybodys was added",
        counted_before=True,
    ),
    _access("row-security-off", AS_BEFORE, "test_row_security_off", words="was switched off", counted_before=True),
    _schema(
        "constraint-dropped",
        LOST,
        words="constraint public.pam_messages.pam_messages_role_check",
    ),
    _schema(
        "index-dropped",
        LOST,
        words="index public.expenses.expenses_by_time (btree (created_at))",
    ),
    _schema("trigger-dropped", LOST, words="was lost: trigger public.expenses.touch"),
    _schema("constraint-invalid", WEAKER, words="profiles_id_fkey is not valid any more"),
    _schema("index-invalid", WEAKER, _name("indexes-invalid"), words="pam_messages_by_time is not valid any more"),
    _schema("null-allowed", WEAKER, words="column public.expenses.category may be null now"),
    _schema("function-replaced", WEAKER, words="touch_updated_at() was replaced by another"),
    _schema(
        "function-opened", OPENED, words="function public.spent_by(uuid) is new, is carried out with the rights of"
    ),
    _schema("function-given-away", OPENED, words="touch_updated_at() belongs to service_role, belonged to"),
    _loss("expenses-deleted", words="rows lost, rows created until"),
    _loss("profiles-deleted", "users-without-profile", words="profiles: 10 rows lost"),
    _rewritten(
        "messages-rewritten", words="pam_messages: 9 rows or more were rewritten without a trace, among the ids"
    ),
    _rewritten("amounts-rewritten", words="expenses: 11 rows or more were rewritten without a trace, among the ids"),
    Row(
        "profiles-overwritten-since",
        "data",
        frozenset(),
        "rows were changed since, more than 50 %: its contents are not compared",
        {"what": "profiles-overwritten"},
        select="integrity",
        unknown=frozenset({"test_no_row_is_rewritten"}),
        counted_before=True,
    ),
    _moved("expenses-moved", words="expenses: 14 rows or more were moved to another owner, among the ids"),
    *(
        Row(
            f"contents-{what}",
            "contents-altered",
            frozenset({CONTENTS}),
            words,
            {"what": what},
            file="test_data_loss.py",
            counted_before=True,
        )
        for what, words in (
            ("old-amounts", "has another amount"),
            ("foreign-message", "is older, and was not there"),
            ("preferences-empty", "profile has another preferences"),
        )
    ),
    _loss("messages-doubled", "messages-duplicate", words="8 rows more than before that claim to be old"),
]
