"""Migrations without ways back, on a real PostgreSQL: only what an older release can live with may be deployed."""

import psycopg
import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.gate.migration_copy import MigrationCopy
from pam_rollback.redeploy.gate.migration_files import MigrationFile, ToApply, to_apply
from pam_rollback.redeploy.gate.migration_trial import MigrationTrial, tried
from pam_rollback.redeploy.gate.migrations import copy_integrity


def trial(copy: MigrationCopy, up: str) -> MigrationTrial:
    """One migration, tried."""
    migration = MigrationFile("20270101000000", "a b", up, None, "-")
    return tried(
        copy,
        ToApply((migration,)),
        known=9,
        one_way=True,
        integrity=lambda: copy_integrity(1, ()),
        narrate=lambda _: None,
    )


EXPANDS = {
    "a table and a column that refers to it": (
        "CREATE TABLE public.trips (id uuid PRIMARY KEY, name text NOT NULL);"
        "ALTER TABLE public.trips ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE public.expenses ADD COLUMN trip_id uuid REFERENCES public.trips (id)"
    ),
    "a column that fills itself": "ALTER TABLE public.expenses ADD COLUMN currency text NOT NULL DEFAULT 'AUD'",
    "a new column is filled from the old one": (
        "ALTER TABLE public.expenses ADD COLUMN kind text; UPDATE public.expenses SET kind = category"
    ),
    "an index": "CREATE INDEX x ON public.expenses (category)",
    "one more role": (
        "ALTER TABLE public.pam_messages DROP CONSTRAINT pam_messages_role_check;"
        "ALTER TABLE public.pam_messages ADD CONSTRAINT pam_messages_role_check"
        " CHECK (role IN ('user', 'assistant', 'system', 'tool'))"
    ),
    "the same policy by another name": (
        "DROP POLICY own_expenses ON public.expenses;"
        "CREATE POLICY mine ON public.expenses TO authenticated USING (auth.uid() = user_id)"
    ),
    "a policy that says the same otherwise": (
        "DROP POLICY own_expenses ON public.expenses;"
        "CREATE POLICY mine ON public.expenses TO authenticated USING (user_id = (SELECT auth.uid()))"
    ),
}
TOGETHER = "; ".join(up for name, up in EXPANDS.items() if name != "the same policy by another name")
"""One policy can be replaced once."""
CONTRACTS = {
    "renamed": (
        "ALTER TABLE public.support_tickets RENAME COLUMN subject TO title",
        "column public.support_tickets.subject is gone",
    ),
    "has to be filled": (
        (
            "ALTER TABLE public.expenses ADD COLUMN currency text NOT NULL DEFAULT 'AUD';"
            "ALTER TABLE public.expenses ALTER currency DROP DEFAULT"
        ),
        "INSERT INTO public.expenses (amount, category, created_at, …): null value in column",
    ),
    "a policy lets in fewer": (
        "CREATE POLICY little ON public.expenses AS RESTRICTIVE TO authenticated USING (amount < 0)",
        "rows and meets 0",
    ),
    "a privilege goes": (
        "REVOKE INSERT ON public.expenses FROM authenticated",
        "as authenticated, user 1: permission denied for table expenses",
    ),
    "a rule for what was there": (
        "ALTER TABLE public.expenses ADD CONSTRAINT little CHECK (amount < 1000000)",
        "constraint public.expenses.little is new and binds what was there",
    ),
    "a key for what was there": (
        "CREATE UNIQUE INDEX one_each ON public.expenses (id, category)",
        "index public.expenses.one_each is new and binds what was there",
    ),
    "one role less": (
        (
            "ALTER TABLE public.pam_messages DROP CONSTRAINT pam_messages_role_check;"
            "ALTER TABLE public.pam_messages ADD CONSTRAINT pam_messages_role_check CHECK (role IN ('user', 'assistant'))"
        ),
        "constraint public.pam_messages.pam_messages_role_check was CHECK",
    ),
    "a policy goes": (
        "DROP POLICY own_expenses ON public.expenses",
        "FROM public.expenses, as authenticated, user 1: met",
    ),
    "a trigger refuses": (
        (
            "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more'; END $$;"
            "CREATE TRIGGER no BEFORE INSERT ON public.expenses FOR EACH ROW EXECUTE FUNCTION public.no()"
        ),
        "INSERT INTO public.expenses (amount, category, created_at, …): no more",
    ),
    "a trigger refuses a row that is in": (
        (
            "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more'; END $$;"
            "CREATE CONSTRAINT TRIGGER no AFTER INSERT ON public.expenses DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION public.no()"
        ),
        "INSERT INTO public.expenses (amount, category, created_at, …): no more",
    ),
    "a trigger swallows rows": (
        (
            "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
            "CREATE TRIGGER no BEFORE INSERT ON public.pam_messages FOR EACH ROW EXECUTE FUNCTION public.no()"
        ),
        "INSERT INTO public.pam_messages (confidence, content, conversation_id, …): met 1 rows and meets 0",
    ),
    "a trigger goes": ("DROP TRIGGER touch ON public.expenses", "trigger public.expenses.touch is gone"),
}
"""On a commit one by the catalogue, one by a statement that fails, one by rows that are not met, one of a role."""


@pytest.mark.long_matrix
@pytest.mark.parametrize("up", [TOGETHER, *EXPANDS.values()], ids=["together", *EXPANDS])
def test_what_only_expands_may_be_deployed(copy: MigrationCopy, up: str) -> None:
    """On the condition that nothing leads back; on a commit all of them as one migration, each alone at night."""
    found = trial(copy, up)

    assert not found["applied"].number, found["applied"]
    assert not found["kept"].number, found["kept"]
    assert not found["stable release"].number, found["stable release"]
    assert not found["reversal"].number, found["reversal"]
    assert "no way down: 20270101000000-a b" in found["reversal"].rests_on


@pytest.mark.long_matrix(first=4)
@pytest.mark.parametrize(("up", "words"), CONTRACTS.values(), ids=CONTRACTS)
def test_what_takes_something_from_the_stable_release_is_named_with_its_statement(
    copy: MigrationCopy, up: str, words: str
) -> None:
    """It may not be deployed."""
    found = trial(copy, up)

    assert not found["applied"].number, found["applied"]
    assert found["stable release"].number
    assert words in found.as_text()
    assert "[20270101000000-a b: " in str(found["stable release"])


def test_numbers_that_begin_anew_are_seen(copy: MigrationCopy) -> None:
    """The next row of each release would have the number of one that is there."""
    found = trial(copy, "ALTER SEQUENCE public.expenses_id_seq RESTART WITH 1")

    assert found["stable release"].number
    assert "INSERT INTO public.expenses (amount, category, created_at, …): duplicate key" in str(
        found["stable release"]
    )


WATCHED = (
    "CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
    "CREATE TRIGGER watch AFTER INSERT ON public.{} FOR EACH ROW EXECUTE FUNCTION public.watch()"
)


def test_a_trigger_that_meets_a_new_row_and_lets_it_in_is_a_condition(copy: MigrationCopy) -> None:
    """It was tried."""
    found = trial(copy, WATCHED.format("expenses"))

    assert not found["stable release"].number
    assert "trigger public.expenses.watch is new on a table that was there" in found["stable release"].rests_on


def test_a_trigger_that_no_new_row_can_be_sent_through_is_not_known(copy: MigrationCopy) -> None:
    """A profile belongs to an account that has none yet, and each account of the copy has one."""
    found = trial(copy, WATCHED.format("profiles"))

    with pytest.raises(MeasurementFailed, match=r"public\.profiles\.watch is new, and no new row .* duplicate key"):
        found["stable release"].number  # noqa: B018 - it raises


def test_what_users_wrote_is_not_overwritten(copy: MigrationCopy) -> None:
    """Nothing brings it again."""
    found = trial(copy, "UPDATE public.expenses SET category = 'x'")

    assert not found["stable release"].number
    assert found["reversal"].number
    assert "overwrites what was there: column public.expenses.category says something else" in str(found["reversal"])


def test_the_statements_leave_nothing_behind(copy: MigrationCopy) -> None:
    """They are sent to a copy, and yet it is as it was: what is compared afterwards is the migration's doing."""
    before = copy.picture()

    found = copy.sent(copy.statements(copy.picture()))

    assert copy.picture() == before
    able = {(one.table, one.sender.role) for one, ran in found.items() if not ran.problem and ran.rows}
    assert {("public.expenses", ""), ("public.expenses", "authenticated"), ("public.expenses", "service_role")} <= able
    new = {one.table for one, ran in found.items() if one.counted and ran.rows == 1}
    assert {"auth.users", "public.expenses", "public.pam_messages", "public.feature_flags"} <= new
    assert len(found) > 100


def test_two_files_of_one_version_can_never_both_be_applied(copy: MigrationCopy) -> None:
    """Said before anything is touched."""
    twins = tuple(MigrationFile("20270101000000", name, "SELECT 1", None) for name in ("a", "b"))
    before = copy.picture()

    found = tried(
        copy,
        to_apply(twins, copy.applied(), None),
        known=2,
        one_way=True,
        integrity=lambda: copy_integrity(1, ()),
        narrate=lambda _: None,
    )

    assert found["applied"].number
    assert "20270101000000_a, 20270101000000_b have the same version" in str(found["applied"])
    assert copy.picture() == before


def test_a_list_of_migrations_as_supabase_keeps_it_is_found(copy: MigrationCopy) -> None:
    """Also where there is none: then nothing is noted as applied, and nothing is noted."""
    with psycopg.connect(copy.dsn) as connection:
        connection.execute("DROP TABLE public.schema_migrations")
    assert MigrationCopy(copy.dsn).applied() == frozenset()
    assert not trial(MigrationCopy(copy.dsn), "CREATE INDEX x ON public.expenses (category)")["applied"].number

    with psycopg.connect(copy.dsn) as connection:
        connection.execute("CREATE SCHEMA supabase_migrations")
        connection.execute(
            "CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text)"
        )
        connection.execute("INSERT INTO supabase_migrations.schema_migrations VALUES ('1', NULL, 'one')")
    found = MigrationCopy(copy.dsn)
    assert found.applied() == {"1"}
    assert not trial(found, "CREATE INDEX y ON public.expenses (category)")["applied"].number
    assert found.applied() == {"1", "20270101000000"}
