"""The database is asked on one snapshot, read only, within limits, by a role that sees all; whatever else happens is named."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from pam_rollback.adapters import postgres
from pam_rollback.adapters.integrity import Evaluation, evaluate
from pam_rollback.adapters.postgres import Patience, Snapshot, open_snapshot
from pam_rollback.adapters.row_counting import Unavailable, account_id, count_rows, ids_in_groups
from pam_rollback.adapters.sql_reader import read_query, text_of
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.invariants import Invariant, parse_invariant
from pam_rollback.core.row_counts import lost
from pam_rollback.core.row_rewriting import rewriting
from pam_rollback.sandbox.database import TEST_ACCOUNT_EMAIL, migrations
from pam_rollback.sandbox.database.auditor import create_auditor, dsn_of
from tests.sandbox.conftest import Database, product_database

__all__ = ["product_database"]

ROOT = Path(__file__).parents[2]
PATIENCE = Patience(statement_timeout_s=20, lock_timeout_s=0.2)
PASSWORD = "invented-for-this-test"
GIVEN: dict[str, object] = {
    "grace_s": 120.0,
    "test_user": None,
    "schema_version": migrations()[-1].version,
    "compatible_migrations": [],
}


def invariants() -> list[Invariant]:
    """Every check of the product's tables."""
    files = sorted((ROOT / "checks" / "integrity").glob("*.sql"))
    found = [parse_invariant(path.read_text(encoding="utf-8"), source=path.name, stem=path.stem) for path in files]
    return [invariant for invariant in found if "product" in invariant.dialects]


def made_up(identifier: str, query: str) -> Invariant:
    """An invariant about expenses."""
    header = (
        f"-- id: {identifier}\n-- criterion: SC-4\n-- sentence: it is so\n-- severity: critical\n-- expectation: no rows\n"
        "-- dialect: product\n-- tables: expenses\n-- anchor: data-loss\n\n"
    )
    return parse_invariant(header + query, source=f"{identifier}.sql", stem=identifier)


def as_role(dsn: str, role: str, password: str = PASSWORD) -> str:
    """The same database for another role."""
    return dsn_of(role, password, like=dsn)


@pytest.fixture(scope="module")
def dsn(product_database: Database) -> str:
    """The database for the role that the checks are meant for."""
    create_auditor(product_database.dsn, role="pam_auditor", password=PASSWORD)
    return as_role(product_database.dsn, "pam_auditor")


@pytest.fixture
def owner(product_database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A session of somebody who may write; what it did not commit is undone."""
    with psycopg.connect(product_database.dsn) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def administrator(product_database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A superuser's session on the product's database."""
    parts = urlsplit(product_database.administrator_dsn)
    with psycopg.connect(urlunsplit(parts._replace(path="/pam")), autocommit=True) as connection:
        yield connection


@contextmanager
def role(administrator: psycopg.Connection[tuple[object, ...]], *statements: str) -> Iterator[str]:
    """A role for a while, with these statements about it."""
    administrator.execute(f"CREATE ROLE visitor LOGIN PASSWORD '{PASSWORD}'")
    try:
        for statement in statements:
            administrator.execute(statement.encode())
        yield "visitor"
    finally:
        administrator.execute("DROP OWNED BY visitor CASCADE")
        administrator.execute("DROP ROLE visitor")


def evaluated(
    dsn: str, *found: Invariant, names: dict[str, str] | None = None, patience: Patience = PATIENCE
) -> Evaluation:
    """What becomes of these invariants, or of all."""
    with open_snapshot(dsn, patience) as snapshot:
        return evaluate(snapshot, found or invariants(), given=GIVEN, names=names or {})


def backends(snapshot: Snapshot) -> list[int]:
    """The server's processes behind the connections."""
    return [connection.info.backend_pid for connection in snapshot.connections]


def test_a_healthy_database_holds_everything(dsn: str) -> None:
    """Every invariant, with rows that were looked at, and nothing unknown."""
    found = evaluated(dsn)

    assert found.unknown == {}
    assert [result for result in found.results.values() if not result.holds or not result.looked_at] == []
    assert set(found.results) == {invariant.id for invariant in invariants()}


def test_it_is_one_snapshot(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """A row that is added after the export is seen by no connection, however late that one asks."""
    count = "SELECT count(*) FROM expenses"
    with open_snapshot(dsn, PATIENCE, connections=3) as snapshot:
        before = snapshot.row(count)
        owner.execute("INSERT INTO expenses (user_id, amount, category) SELECT id, 1, 'late' FROM profiles LIMIT 1")
        owner.commit()
        seen = [snapshot._asked(connection, count, None)[0] for connection in snapshot.connections]
    with open_snapshot(dsn, PATIENCE) as later:
        now = later.row(count)
    owner.execute("DELETE FROM expenses WHERE category = 'late'")
    owner.commit()

    assert seen == [before] * 3
    assert now == (before[0] + 1,)


def test_it_says_who_it_is(dsn: str, administrator: psycopg.Connection[tuple[object, ...]]) -> None:
    """Whoever looks at the server's sessions knows whose they are."""
    with open_snapshot(dsn, PATIENCE):
        found = administrator.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pam-rollback' AND state = 'idle in transaction'"
        ).fetchone()

    assert found == (2,)


def test_nothing_can_be_written(product_database: Database) -> None:
    """Not even by a role that may, and the snapshot goes on."""
    with open_snapshot(product_database.dsn, PATIENCE) as snapshot:
        with pytest.raises(MeasurementFailed, match="cannot execute DELETE in a read-only transaction"):
            snapshot.rows("DELETE FROM expenses RETURNING id")
        with pytest.raises(MeasurementFailed, match="read-only transaction"):
            snapshot.rows("SELECT nextval('expenses_id_seq')")
        assert snapshot.row("SELECT 1") == (1,)


def test_a_slow_question_ends(dsn: str) -> None:
    """By the server's own limit; the next one is answered."""
    with open_snapshot(dsn, Patience(statement_timeout_s=0.2)) as snapshot:
        with pytest.raises(MeasurementFailed, match=r"not answered within 0.2 s at 127.0.0.1:\d+/pam"):
            snapshot.rows("SELECT pg_sleep(20)")
        assert snapshot.row("SELECT 1") == (1,)


def test_a_lock_of_somebody_else_is_not_waited_for(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """What reads the locked table is unknown, with the reason; all else is judged."""
    owner.execute("LOCK TABLE expenses IN ACCESS EXCLUSIVE MODE")
    found = evaluated(dsn)

    assert {"expenses-amount", "expenses-incomplete", "expenses-orphaned", "sequences-behind"} <= set(found.unknown)
    assert "a lock was not given within 0.2 s" in found.unknown["expenses-amount"]
    assert "a migration may be running" in found.unknown["expenses-orphaned"]
    assert {"messages-blank", "settings-missing", "profiles-incomplete"} <= set(found.results)


def test_a_frozen_server_does_not_freeze_us(
    dsn: str, product_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sends nothing any more, its own time-out neither."""
    monkeypatch.setattr(postgres, "_AFTER_TIMEOUT_S", 0.5)
    with open_snapshot(dsn, Patience(statement_timeout_s=0.5), connections=1) as snapshot:
        [frozen] = backends(snapshot)
        os.kill(frozen, signal.SIGSTOP)
        try:
            with pytest.raises(MeasurementFailed, match=r"the connection was lost at .*timeout"):
                snapshot.rows("SELECT 1")
        finally:
            os.kill(frozen, signal.SIGCONT)


def test_a_connection_that_is_cut_leaves_the_other(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Its question is unknown; the others are answered."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [backends(snapshot)[1]])
        answers = snapshot.all_of([("SELECT pg_sleep(0.3)::text", {})] * 4)

    lost_ones = [answer for answer in answers if isinstance(answer, MeasurementFailed)]
    assert len(lost_ones) == 1
    assert "the connection was lost at" in str(lost_ones[0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"port": 9}, "cannot ask the database at 127.0.0.1:9/pam"),
        ({"password": "wrong-and-secret"}, "password authentication failed"),
        ({"database": "elsewhere"}, 'database "elsewhere" does not exist'),
    ],
)
def test_no_connection_is_no_verdict(dsn: str, change: dict[str, object], words: str) -> None:
    """What, where and what to do, and never the password."""
    parts = urlsplit(dsn)
    password = change.get("password", parts.password)
    host = f"pam_auditor:{password}@127.0.0.1:{change.get('port', parts.port)}"
    wrong = urlunsplit(parts._replace(netloc=host, path=f"/{change.get('database', 'pam')}"))
    with pytest.raises(MeasurementFailed) as caught, open_snapshot(wrong, PATIENCE):
        pass

    assert words in str(caught.value)
    assert "is the DSN (database_dsn) right?" in str(caught.value)
    assert str(password) not in str(caught.value)


def test_a_dsn_that_is_none_is_not_shown() -> None:
    """It may hold a secret all the same."""
    with (
        pytest.raises(MeasurementFailed, match=r"cannot be read .value not shown.") as caught,
        open_snapshot("s3cret", PATIENCE),
    ):
        pass

    assert "s3cret" not in str(caught.value)


def test_a_blind_role_is_no_verdict(dsn: str, administrator: psycopg.Connection[tuple[object, ...]]) -> None:
    """It counts no bad rows, because it sees none."""
    grants = ("GRANT pg_read_all_data TO visitor",)
    with role(administrator, *grants) as visitor:
        with pytest.raises(MeasurementFailed, match=r"role visitor is blind at .* hides rows of .*expenses"):
            evaluated(as_role(dsn, visitor))
        with (
            open_snapshot(as_role(dsn, visitor), PATIENCE) as snapshot,
            pytest.raises(MeasurementFailed, match="row-level"),
        ):
            snapshot.rows("SELECT count(*) FROM expenses")


def test_a_view_that_reads_as_a_blind_owner_is_no_verdict(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """The role itself sees everything, and the view still shows less."""
    grants = ("GRANT pg_read_all_data TO visitor", "GRANT CREATE ON SCHEMA public TO visitor")
    with role(administrator, *grants):
        administrator.execute("SET ROLE visitor")
        administrator.execute("CREATE VIEW public.spent AS SELECT * FROM public.expenses")
        administrator.execute("GRANT SELECT ON public.spent TO pam_auditor")
        administrator.execute("RESET ROLE")
        with pytest.raises(MeasurementFailed, match=r"role visitor is blind at .* hides rows of expenses"):
            evaluated(dsn, made_up("a", "SELECT id FROM expenses WHERE amount < 0"), names={"expenses": "public.spent"})


def test_a_role_without_rights_is_told_which(dsn: str, administrator: psycopg.Connection[tuple[object, ...]]) -> None:
    """Each check names the table."""
    with role(
        administrator, "ALTER ROLE visitor BYPASSRLS", "GRANT SELECT ON profiles, user_settings TO visitor"
    ) as visitor:
        found = evaluated(as_role(dsn, visitor))

    assert "role visitor may not read table expenses" in found.unknown["expenses-amount"]
    assert "GRANT SELECT on it" in found.unknown["expenses-amount"]
    assert {"settings-blank", "settings-missing", "profiles-incomplete"} <= set(found.results)


def test_what_is_missing_is_named_with_the_way_out(dsn: str) -> None:
    """A table, and a column; the nearest one that is there."""
    query = "SELECT id FROM expenses WHERE amounts < 0"
    by_column = evaluated(dsn, made_up("a", query), made_up("b", "SELECT id FROM expenses WHERE amount < 0"))
    by_table = evaluated(dsn, made_up("a", query), names={"expenses": "money.expenses"})

    assert "column expenses.amounts is missing" in by_column.unknown["a"]
    assert "there is 'amount'" in by_column.unknown["a"]
    assert 'set [sql.names] "expenses.amounts" = "…"' in by_column.unknown["a"]
    assert by_column.results["b"].holds
    assert "table money.expenses (for expenses) is missing" in by_table.unknown["a"]
    assert 'set [sql.names] "expenses" = "…"' in by_table.unknown["a"]


def test_other_names_lead_to_the_same_rows(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """A table elsewhere whose columns are called differently, in a shared scan and alone."""
    owner.execute("CREATE SCHEMA money")
    owner.execute(
        "CREATE TABLE money.spent AS SELECT id, user_id, amount AS total, category, date, description, created_at FROM expenses"
    )
    owner.execute("UPDATE money.spent SET total = -1 WHERE id IN (SELECT id FROM money.spent ORDER BY id LIMIT 3)")
    owner.execute("GRANT USAGE ON SCHEMA money TO pam_auditor")
    owner.execute("GRANT SELECT ON money.spent TO pam_auditor")
    owner.commit()
    names = {"expenses": "money.spent", "expenses.amount": "total"}
    chosen = [invariant for invariant in invariants() if invariant.id in {"expenses-amount", "expenses-duplicate"}]
    try:
        found = evaluated(dsn, *chosen, names=names)
    finally:
        owner.execute("DROP SCHEMA money CASCADE")
        owner.commit()

    assert found.unknown == {}
    assert (found.results["expenses-amount"].offenders, found.results["expenses-amount"].worst) == (3, ("1", "2", "3"))
    assert found.results["expenses-duplicate"].holds


def test_a_name_that_no_check_uses_is_a_mistake(dsn: str) -> None:
    """Not a table that is silently not found."""
    with pytest.raises(MeasurementFailed, match="no check reads this table, did you mean 'expenses'"):
        evaluated(dsn, names={"expense": "spent"})


def test_a_shared_scan_counts_what_each_query_counts(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """On rows that are bad in several ways; each query alone is the measure."""
    shared = [invariant for invariant in invariants() if read_query(invariant).scans]
    administrator.execute("SET session_replication_role = replica")  # no trigger, no foreign key
    administrator.execute("CREATE TABLE expenses_were AS SELECT * FROM expenses")
    administrator.execute("CREATE TABLE messages_were AS SELECT * FROM pam_messages")
    administrator.execute("UPDATE expenses SET amount = 'NaN', category = ' ' WHERE id % 100 = 0")
    administrator.execute("UPDATE expenses SET user_id = gen_random_uuid() WHERE id % 70 = 0")
    administrator.execute("UPDATE pam_messages SET content = '' WHERE id IN (SELECT id FROM pam_messages LIMIT 5)")
    administrator.execute(
        "UPDATE pam_messages SET conversation_id = gen_random_uuid() WHERE id IN (SELECT id FROM pam_messages OFFSET 9 LIMIT 4)"
    )
    administrator.execute(
        """UPDATE pam_messages SET metadata = '{"user_id": "another"}' WHERE id IN (SELECT id FROM pam_messages LIMIT 30)"""
    )
    try:
        alone = {
            invariant.id: len(administrator.execute(text_of(read_query(invariant).query).encode(), GIVEN).fetchall())
            for invariant in shared
        }
        found = evaluated(dsn)
    finally:
        for table, was in (("expenses", "expenses_were"), ("pam_messages", "messages_were")):
            administrator.execute(f"DELETE FROM {table}".encode())  # noqa: S608 - a constant
            administrator.execute(f"INSERT INTO {table} SELECT * FROM {was}".encode())  # noqa: S608 - a constant
            administrator.execute(f"DROP TABLE {was}".encode())

    assert {invariant.id: found.results[invariant.id].offenders for invariant in shared} == alone
    assert [name for name, count in alone.items() if count] == [
        "expenses-amount",
        "expenses-incomplete",
        "expenses-orphaned",
        "messages-blank",
        "messages-orphaned",
        "rows-of-another-user",
    ]


def test_a_key_that_is_not_unique_is_not_joined(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """A user with two accounts would count every expense twice."""
    administrator.execute(
        "CREATE TABLE public.accounts AS SELECT id, created_at FROM auth.users UNION ALL SELECT id, now() FROM auth.users"
    )
    administrator.execute("GRANT SELECT ON public.accounts TO pam_auditor")
    try:
        found = evaluated(dsn, names={"auth.users": "public.accounts"})
    finally:
        administrator.execute("DROP TABLE public.accounts")
    usual = evaluated(dsn)

    assert found.results["expenses-orphaned"].holds
    assert found.results["expenses-amount"].looked_at == usual.results["expenses-amount"].looked_at


def test_a_condition_that_fails_takes_no_other_with_it(dsn: str) -> None:
    """They share a scan; the one that cannot be evaluated is unknown alone."""
    found = evaluated(
        dsn,
        made_up("bad", "SELECT id FROM expenses WHERE category::int < 0"),
        made_up("good", "SELECT id FROM expenses WHERE amount < 0"),
        made_up("fine", "SELECT id FROM expenses WHERE amount >= 1000000"),
    )

    assert set(found.results) == {"good", "fine"}
    assert "invalid input syntax for type integer" in found.unknown["bad"]


def test_one_scan_for_all_conditions_of_a_table(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted by the statements that are sent."""
    sent: list[str] = []
    asked = Snapshot._asked

    def listening(self: Snapshot, connection: postgres.Connection, statement: str, parameters: object) -> object:
        sent.append(statement)
        return asked(self, connection, statement, parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(Snapshot, "_asked", listening)
    queries = (
        "SELECT id FROM expenses WHERE amount < 0",
        "SELECT id FROM expenses WHERE amount > 900000",
        "SELECT id FROM expenses WHERE category = ''",
    )
    found = [made_up(f"x{number}", query) for number, query in enumerate(queries)]
    evaluated(dsn, *found)

    assert sum("FROM expenses" in statement for statement in sent) == 1


def test_a_query_that_writes_is_not_asked(dsn: str) -> None:
    """It is unknown, with the reason; the others are judged."""
    found = evaluated(
        dsn,
        made_up("bad", "WITH gone AS (DELETE FROM expenses RETURNING id) SELECT id FROM gone"),
        made_up("good", "SELECT id FROM expenses WHERE amount < 0"),
    )

    assert "not allowed in a query that only reads: DELETE" in found.unknown["bad"]
    assert found.results["good"].looked_at > 0


def test_what_cannot_be_given_makes_unknown_what_needs_it(dsn: str) -> None:
    """And nothing else."""
    given = {**GIVEN, "schema_version": Unavailable("the release does not say")}
    with open_snapshot(dsn, PATIENCE) as snapshot:
        found = evaluate(snapshot, invariants(), given=given, names={})

    assert found.unknown == {"migrations-drift": "migrations-drift: the release does not say"}


def test_rows_are_counted_without_the_test_account(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """It writes while others are counted. A row of somebody else that goes is a loss; one that comes is none."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        account = account_id(snapshot, TEST_ACCOUNT_EMAIL.upper(), {})
        assert isinstance(account, str)
        before = count_rows(snapshot, "product", test_user=account, names={})
    for statement in (
        "DELETE FROM expenses WHERE user_id = %(test)s",
        "INSERT INTO expenses (user_id, amount, category) SELECT id, 1, 'new' FROM profiles WHERE id <> %(test)s LIMIT 1",
    ):
        owner.execute(statement, {"test": account})
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        same = count_rows(snapshot, "product", test_user=account, names={}, until=before.created_until)
    owner.execute(
        "DELETE FROM expenses WHERE id IN (SELECT id FROM expenses WHERE category <> 'new' ORDER BY id LIMIT 2)"
    )
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        fewer = count_rows(snapshot, "product", test_user=account, names={}, until=before.created_until)

    assert lost(before, same).holds
    assert "expenses: 2 rows lost" in str(lost(before, fewer))
    assert set(before.tables) == {
        "profiles",
        "user_settings",
        "pam_conversations",
        "pam_messages",
        "expenses",
        "support_tickets",
    }


def test_rewritten_rows_are_found_by_their_groups(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """A message that says something else, an expense that was changed in secret; not one that its owner corrected, nor a profile."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        before = count_rows(snapshot, "product", test_user=None, names={})
    [(secret,), (corrected,)] = owner.execute("SELECT id FROM expenses ORDER BY id LIMIT 2").fetchall()
    [(message, was)] = owner.execute("SELECT id, content FROM pam_messages ORDER BY id LIMIT 1").fetchall()
    owner.execute("UPDATE expenses SET amount = amount + 1 WHERE id = %s", (corrected,))
    owner.execute("UPDATE profiles SET full_name = 'Another'")
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        used = rewriting(before, count_rows(snapshot, "product", test_user=None, names={}, until=before.created_until))
    owner.execute("ALTER TABLE expenses DISABLE TRIGGER touch")
    owner.execute("UPDATE expenses SET amount = amount + 1 WHERE id = %s", (secret,))
    owner.execute("ALTER TABLE expenses ENABLE TRIGGER touch")
    owner.execute("UPDATE pam_messages SET content = 'something else' WHERE id = %s", (message,))
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        now = count_rows(snapshot, "product", test_user=None, names={}, until=before.created_until)
        found = rewriting(before, now)
        ids = ids_in_groups(snapshot, "product", found.found, test_user=None, names={}, until=before.created_until)
    owner.execute("UPDATE pam_messages SET content = %s WHERE id = %s", (was, message))
    owner.execute("UPDATE expenses SET amount = amount - 1 WHERE id IN (%s, %s)", (secret, corrected))
    owner.commit()

    assert used.none
    assert next(table for table in used.tables if table.table == "expenses").changed_with_trace == 1
    assert {table: len(groups) for table, groups in found.found.items()} == {"expenses": 1, "pam_messages": 1}
    assert str(secret) in ids["expenses"]
    assert str(message) in ids["pam_messages"]
    assert lost(before, now).holds


def test_the_checksums_do_not_depend_on_the_session(dsn: str) -> None:
    """Another time zone writes moments otherwise."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        before = count_rows(snapshot, "product", test_user=None, names={})
    with open_snapshot(f"{dsn}&options=-c%20TimeZone%3DAsia%2FTokyo", PATIENCE) as snapshot:
        after = count_rows(snapshot, "product", test_user=None, names={}, until=before.created_until)

    assert rewriting(before, after).none


def test_nobody_has_the_address(dsn: str) -> None:
    """An account that is not there leaves nothing out."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        assert account_id(snapshot, "nobody@example.org", {}) is None
