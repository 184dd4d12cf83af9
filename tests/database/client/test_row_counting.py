"""Rows are counted and summed, so that what is lost or rewritten afterwards is found."""

import psycopg
import pytest
from psycopg import sql

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.row_counting import account_id, count_rows, ids_in_groups
from pam_rollback.database.row_counts import TableCounts, lost
from pam_rollback.database.row_rewriting import moves, rewriting
from pam_rollback.http.postgres import open_snapshot
from pam_sandbox.database import TEST_ACCOUNT_EMAIL
from tests.database.client.asked_database import PATIENCE, ROWS, dsn, owner

__all__ = ["dsn", "owner"]


def test_rows_are_counted_without_the_test_account(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """It writes while others are counted. A row of somebody else that goes is a loss; one that comes is none."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        account = account_id(snapshot, TEST_ACCOUNT_EMAIL.upper(), {})
        assert isinstance(account, str)
        before = count_rows(snapshot, ROWS, test_user=account, names={})
    for statement in (
        "DELETE FROM expenses WHERE user_id = %(test)s",
        "INSERT INTO expenses (user_id, amount, category) SELECT id, 1, 'new' FROM profiles WHERE id <> %(test)s LIMIT 1",
    ):
        owner.execute(statement, {"test": account})
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        same = count_rows(snapshot, ROWS, test_user=account, names={}, before=before)
    owner.execute(
        "DELETE FROM expenses WHERE id IN (SELECT id FROM expenses WHERE category <> 'new' ORDER BY id LIMIT 2)"
    )
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        fewer = count_rows(snapshot, ROWS, test_user=account, names={}, before=before)

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
        before = count_rows(snapshot, ROWS, test_user=None, names={})
    [(secret,), (corrected,)] = owner.execute("SELECT id FROM expenses ORDER BY id LIMIT 2").fetchall()
    [(message, was)] = owner.execute("SELECT id, content FROM pam_messages ORDER BY id LIMIT 1").fetchall()
    owner.execute("UPDATE expenses SET amount = amount + 1 WHERE id = %s", (corrected,))
    owner.execute("UPDATE profiles SET full_name = 'Another' WHERE id IN (SELECT id FROM profiles LIMIT 5)")
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        used = rewriting(before, count_rows(snapshot, ROWS, test_user=None, names={}, before=before))
    owner.execute("ALTER TABLE expenses DISABLE TRIGGER touch")
    owner.execute("UPDATE expenses SET amount = amount + 1 WHERE id = %s", (secret,))
    owner.execute("ALTER TABLE expenses ENABLE TRIGGER touch")
    owner.execute("UPDATE pam_messages SET content = 'something else' WHERE id = %s", (message,))
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        now = count_rows(snapshot, ROWS, test_user=None, names={}, before=before)
        found = rewriting(before, now)
        ids = ids_in_groups(snapshot, ROWS, found.found, test_user=None, names={}, until=before.created_until)
    owner.execute("UPDATE pam_messages SET content = %s WHERE id = %s", (was, message))
    owner.execute("UPDATE expenses SET amount = amount - 1 WHERE id IN (%s, %s)", (secret, corrected))
    owner.commit()

    assert used.damaged_rows == 0
    assert next(table for table in used.tables if table.table == "expenses").changed_with_trace == 1
    assert {table: len(groups) for table, groups in found.found.items()} == {"expenses": 1, "pam_messages": 1}
    assert str(secret) in ids["expenses"]
    assert str(message) in ids["pam_messages"]
    assert lost(before, now).holds


def test_changed_rows_are_counted_where_contents_are_not_compared(
    dsn: str, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Since the counting of before, also for rows that were changed right before it; without the test account."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        account = account_id(snapshot, TEST_ACCOUNT_EMAIL, {})
        assert isinstance(account, str)
        owner.execute("UPDATE profiles SET full_name = 'Another'")
        owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        before = count_rows(snapshot, ROWS, test_user=account, names={})
        same = count_rows(snapshot, ROWS, test_user=account, names={}, before=before)
        untold = {"profiles": ROWS["profiles"].model_copy(update={"changed_at": "gone"})}
        silent = count_rows(snapshot, untold, test_user=account, names={}, before=before)
    owner.execute("UPDATE profiles SET full_name = 'Another' WHERE id IN (SELECT id FROM profiles ORDER BY id LIMIT 3)")
    owner.execute("UPDATE profiles SET full_name = 'Another' WHERE id = %s", (account,))
    owner.execute("UPDATE user_settings SET setting_value = setting_value WHERE user_id <> %s", (account,))
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        now = count_rows(snapshot, ROWS, test_user=account, names={}, before=before)

    settings = now.tables["user_settings"]
    assert [same.tables[name].changed for name in ("profiles", "user_settings")] == [0, 0]
    assert (now.tables["profiles"].changed, settings.changed) == (3, settings.rows)
    assert (before.tables["profiles"].changed, now.tables["pam_messages"].changed) == (None, None)
    assert silent.tables["profiles"].changed is None
    assert rewriting(before, same).damaged_rows == 0
    assert f"user_settings: {settings.rows:,} of {settings.rows:,} rows were changed since" in unknown(before, now)


def unknown(before: TableCounts, after: TableCounts) -> str:
    """Why it is not known whether rows were rewritten."""
    with pytest.raises(MeasurementFailed) as why:
        _ = rewriting(before, after).damaged_rows
    return str(why.value)


@pytest.mark.parametrize(
    ("table", "owner_column"),
    [
        ("user_settings", "user_id"),
        ("pam_conversations", "user_id"),
        ("pam_messages", "conversation_id"),
        ("expenses", "user_id"),
        ("support_tickets", "user_id"),
    ],
)
def test_a_row_that_was_moved_is_found(
    dsn: str, owner: psycopg.Connection[tuple[object, ...]], table: str, owner_column: str
) -> None:
    """Although a trigger says that it was changed; and it is of that class alone, neither lost nor rewritten."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        before = count_rows(snapshot, ROWS, test_user=None, names={})
    names = {"table": sql.Identifier(table), "owner": sql.Identifier(owner_column)}
    # Another owner that the table's own rules allow: one that has no row of it, or at least not this one.
    free = (
        "SELECT id FROM auth.users WHERE id NOT IN (SELECT user_id FROM {table}) LIMIT 1"
        if table in {"user_settings", "pam_conversations"}
        else "SELECT {owner} FROM {table} ORDER BY {owner} DESC LIMIT 1"
    )
    owner.execute(
        "INSERT INTO auth.users (email, encrypted_password) VALUES ('taker@example.org', '-') ON CONFLICT DO NOTHING"
    )
    [(row, was)] = owner.execute(
        sql.SQL("SELECT id, {owner} FROM {table} ORDER BY {owner} LIMIT 1").format(**names)
    ).fetchall()
    moved = f"UPDATE {{table}} SET {{owner}} = ({free}) WHERE id = %s"  # noqa: S608 - constants
    owner.execute(sql.SQL(moved).format(**names), (row,))
    owner.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        now = count_rows(snapshot, ROWS, test_user=None, names={}, before=before)
        found = moves(before, now)
        ids = ids_in_groups(snapshot, ROWS, found.found, test_user=None, names={}, until=before.created_until)
    owner.execute(sql.SQL("UPDATE {table} SET {owner} = %s WHERE id = %s").format(**names), (was, row))
    owner.execute("DELETE FROM auth.users WHERE email = 'taker@example.org'")
    owner.commit()

    assert {name: len(groups) for name, groups in found.found.items()} == {table: 1}
    assert str(row) in ids[table]
    assert rewriting(before, now).damaged_rows == 0
    assert lost(before, now).holds
    assert f"{table}: 1 rows or more were moved to another owner" in str(found)


def test_the_checksums_do_not_depend_on_the_session(dsn: str) -> None:
    """Another time zone writes moments otherwise."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        before = count_rows(snapshot, ROWS, test_user=None, names={})
    with open_snapshot(f"{dsn}&options=-c%20TimeZone%3DAsia%2FTokyo", PATIENCE) as snapshot:
        after = count_rows(snapshot, ROWS, test_user=None, names={}, before=before)

    assert rewriting(before, after).damaged_rows == 0
