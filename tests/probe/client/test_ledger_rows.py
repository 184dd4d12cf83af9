"""The ledger's rows out of a real database: every one, as it is, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.postgres import Patience, Snapshot, open_snapshot
from pam_rollback.probe.ledger import ledger_rows, moved_rows, read_database
from pam_rollback.probe.ledger_config import Write, WriteKind, Writes
from pam_rollback.probe.ledger_verdict import FinalReading, LedgerState, LedgerVerdict, judge
from pam_sandbox.database import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, create_auditor, dsn_of
from tests.running_product import Database

PREFIX = "ledger-rows1-"
PASSWORD = "invented-for-this-test"
_BOOK = """
INSERT INTO expenses (user_id, amount, category, description)
SELECT id, %(amount)s, %(category)s, %(marker)s FROM profiles WHERE email = %(email)s
"""
_SAY = """
INSERT INTO pam_messages (conversation_id, role, content)
SELECT c.id, %(role)s, %(content)s FROM pam_conversations c JOIN profiles p ON p.id = c.user_id WHERE p.email = %(email)s LIMIT 1
"""


@pytest.fixture(scope="module")
def database(product_database: Database) -> Database:
    """Rows of the ledger, and rows that only look like it."""
    with psycopg.connect(product_database.dsn, autocommit=True) as owner:
        for marker, amount, category in (
            (f"{PREFIX}000000", "12.30", "fuel"),
            (f"{PREFIX}000001", "7", "fu\tel\\\n"),
            (f"{PREFIX}000002", "1.00", "fuel"),
            (f"{PREFIX}000002", "1.00", "fuel"),
            ("ledger-other-000003", "1.00", "fuel"),
            (f"of {PREFIX}000004", "1.00", "fuel"),
        ):
            owner.execute(
                _BOOK, {"marker": marker, "amount": amount, "category": category, "email": TEST_ACCOUNT_EMAIL}
            )
        for role, content in (
            ("user", f"{PREFIX}000005: remember 1.00 dollars"),
            ("assistant", f"{PREFIX}000005: you said so"),
        ):
            owner.execute(_SAY, {"role": role, "content": content, "email": TEST_ACCOUNT_EMAIL})
    return product_database


@contextmanager
def snapshot_of(dsn: str) -> Iterator[Snapshot]:
    """Ask as the suite does."""
    with open_snapshot(dsn, Patience(statement_timeout_s=20)) as snapshot:
        yield snapshot


def judged(writes: Writes, reading: FinalReading, snapshot: Snapshot) -> LedgerVerdict:
    """By the reading and the database."""
    whole, moved = read_database(reading, snapshot, PREFIX, email=TEST_ACCOUNT_EMAIL)
    return judge(writes, whole, moved=moved)


@pytest.fixture(scope="module")
def dsn(database: Database) -> str:
    """The database for the role that the suite is meant to have."""
    create_auditor(database.dsn, role="pam_ledger_auditor", password=PASSWORD)
    return dsn_of("pam_ledger_auditor", PASSWORD, like=database.dsn)


def test_every_row_comes_as_it_is(dsn: str) -> None:
    """Amounts have two decimals, whatever is odd in a value survives, doubles are two, and strangers stay away."""
    with snapshot_of(dsn) as snapshot:
        expenses, messages = (
            sorted((row.marker, row.value) for row in ledger_rows(snapshot, kind, PREFIX))
            for kind in (WriteKind.EXPENSE, WriteKind.CHAT)
        )

    assert expenses == [
        (f"{PREFIX}000000", "12.30 fuel"),
        (f"{PREFIX}000001", "7.00 fu\tel\\\n"),
        (f"{PREFIX}000002", "1.00 fuel"),
        (f"{PREFIX}000002", "1.00 fuel"),
    ]
    assert messages == [(f"{PREFIX}000005", f"{PREFIX}000005: remember 1.00 dollars")]


def test_a_setting_that_was_not_read_stays_unread(dsn: str) -> None:
    """The database is asked for rows only: what else is not known is not known."""
    writes = Writes([Write(0, WriteKind.SETTING, "s0", "s0", 1.0, 1.5)])
    reading = FinalReading(100.0, (), {WriteKind.SETTING: "HTTP 500"})
    with snapshot_of(dsn) as snapshot:
        verdict = judged(writes, reading, snapshot)
        with pytest.raises(MeasurementFailed, match="setting are not read out of the database"):
            list(ledger_rows(snapshot, WriteKind.SETTING, PREFIX))

    assert (verdict.state, verdict.unread) == (LedgerState.UNKNOWN, 1)


def test_a_blind_role_cannot_say_lost(database: Database) -> None:
    """A role from which row level security hides rows would find every write lost."""
    with psycopg.connect(database.dsn, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE pam_blind LOGIN PASSWORD '{PASSWORD}' IN ROLE authenticated")
    with (
        snapshot_of(dsn_of("pam_blind", PASSWORD, like=database.dsn)) as snapshot,
        pytest.raises(MeasurementFailed, match="blind"),
    ):
        list(ledger_rows(snapshot, WriteKind.EXPENSE, PREFIX))


def test_a_missing_table_is_no_loss(dsn: str) -> None:
    """Another schema in front: nothing is said about any write."""
    with snapshot_of(dsn) as snapshot:
        snapshot.connection.execute("SET LOCAL search_path = pg_catalog")
        with pytest.raises(MeasurementFailed, match="table expenses is missing at"):
            list(ledger_rows(snapshot, WriteKind.EXPENSE, PREFIX))


def test_a_row_of_another_user_is_moved(database: Database, dsn: str) -> None:
    """It is there for the database and gone for whoever wrote it: neither present nor lost, whoever gave the rows."""
    writes = Writes(
        [
            Write(0, WriteKind.EXPENSE, f"{PREFIX}000000", "12.30 fuel", 1.0, 1.5),
            Write(1, WriteKind.CHAT, f"{PREFIX}000005", f"{PREFIX}000005: remember 1.00 dollars", 2.0, 2.5),
        ]
    )
    nothing = FinalReading(100.0, ())
    unread = FinalReading(100.0, (), dict.fromkeys((WriteKind.EXPENSE, WriteKind.CHAT), "too many"))
    account = "(SELECT id FROM auth.users WHERE email = %s)"
    conversation = f"(SELECT id FROM pam_conversations WHERE user_id = {account})"  # noqa: S608 - constants
    expense = f"UPDATE expenses SET user_id = {account} WHERE description = %s", f"{PREFIX}000000"  # noqa: S608 - constants
    message = (
        f"UPDATE pam_messages SET conversation_id = {conversation} WHERE content = %s",  # noqa: S608 - constants
        f"{PREFIX}000005: remember 1.00 dollars",
    )
    with psycopg.connect(database.dsn, autocommit=True) as owner:
        for statement, marker in (expense, message):
            owner.execute(statement.encode(), (OTHER_ACCOUNT_EMAIL, marker))
        with snapshot_of(dsn) as snapshot:
            by_database = judged(writes, unread, snapshot)
            moved = moved_rows(snapshot, PREFIX, email=TEST_ACCOUNT_EMAIL)
            with pytest.raises(MeasurementFailed, match="nobody has the test account's address"):
                moved_rows(snapshot, PREFIX, email="nobody@example.org")
        for statement, marker in (expense, message):
            owner.execute(statement.encode(), (TEST_ACCOUNT_EMAIL, marker))
        with snapshot_of(dsn) as snapshot:
            healed = judged(writes, unread, snapshot)

    for verdict in (by_database, judge(writes, nothing, moved=moved)):
        assert (verdict.state, verdict.present, verdict.lost, verdict.moved) == (LedgerState.DAMAGED, 0, 0, 2)
        assert verdict.moved_markers == (f"{PREFIX}000000", f"{PREFIX}000005")
        assert not verdict.kept
    assert (healed.present, healed.moved) == (2, 0)


def test_rows_are_read_under_the_names_that_hold_here(database: Database, dsn: str) -> None:
    """Columns that are called otherwise, in another schema."""
    names = {"expenses": "money.Spent", "expenses.description": "what for", "expenses.amount": "total"}
    with psycopg.connect(database.dsn, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA money")
        owner.execute(
            'CREATE TABLE money."Spent" AS SELECT id, user_id, amount AS total, category, description AS "what for" FROM expenses'
        )
        owner.execute(
            'GRANT USAGE ON SCHEMA money TO pam_ledger_auditor; GRANT SELECT ON money."Spent" TO pam_ledger_auditor'
        )
        with snapshot_of(dsn) as snapshot:
            found = list(ledger_rows(snapshot, WriteKind.EXPENSE, PREFIX, names=names))
            moved = moved_rows(snapshot, PREFIX, email=TEST_ACCOUNT_EMAIL, names=names)
        owner.execute("DROP SCHEMA money CASCADE")

    assert len(found) == 4
    assert moved[WriteKind.EXPENSE] == []
