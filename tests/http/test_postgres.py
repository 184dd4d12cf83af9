"""The database is asked on one snapshot, read only, within limits; whatever else happens is named."""

import os
import signal
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http import postgres
from pam_rollback.http.postgres import Patience, open_snapshot
from tests.database.client.asked_database import (
    PATIENCE,
    administrator,
    dsn,
    owner,
)
from tests.running_product import Database

__all__ = ["administrator", "dsn", "owner"]


def test_it_is_one_snapshot(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """A row that is added after it began is not seen, however late somebody asks."""
    count = "SELECT count(*) FROM expenses"
    with open_snapshot(dsn, PATIENCE) as snapshot:
        before = snapshot.row(count)
        owner.execute("INSERT INTO expenses (user_id, amount, category) SELECT id, 1, 'late' FROM profiles LIMIT 1")
        owner.commit()
        seen = snapshot.row(count)
        side_by_side = snapshot.all_of([(count, {})] * 6)
    with open_snapshot(dsn, PATIENCE) as later:
        now = later.row(count)
    owner.execute("DELETE FROM expenses WHERE category = 'late'")
    owner.commit()

    assert seen == before
    assert side_by_side == [[before]] * 6
    assert now == (before[0] + 1,)


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


def test_a_frozen_server_does_not_freeze_us(
    dsn: str, product_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sends nothing any more, its own time-out neither."""
    monkeypatch.setattr(postgres, "_AFTER_TIMEOUT_S", 0.5)
    with open_snapshot(dsn, Patience(statement_timeout_s=0.5)) as snapshot:
        frozen = snapshot.connection.info.backend_pid
        os.kill(frozen, signal.SIGSTOP)
        try:
            with pytest.raises(MeasurementFailed, match=r"the connection was lost at .*timeout"):
                snapshot.rows("SELECT 1")
        finally:
            os.kill(frozen, signal.SIGCONT)


def test_what_the_second_connection_does_not_bring_is_asked_again(dsn: str, product_database: Database) -> None:
    """It is killed in the middle; where none can be had, one asks alone."""
    ends = "SELECT CASE WHEN pg_backend_pid() <> {} THEN pg_terminate_backend(pg_backend_pid()) END::text"
    with open_snapshot(product_database.dsn, PATIENCE) as snapshot:
        kill = ends.format(snapshot.connection.info.backend_pid)
        killed = snapshot.all_of([("SELECT pg_sleep(0.5)::text", {}), *[(kill, {})] * 3])
        snapshot._exported = "00000000-00000000-0"
        alone = snapshot.all_of([("SELECT 1", {})] * 3)

    assert killed == [[("",)], *[[(None,)]] * 3]
    assert alone == [[(1,)]] * 3


def test_behind_a_connection_that_is_cut_nothing_is_asked(
    dsn: str, administrator: psycopg.Connection[tuple[object, ...]]
) -> None:
    """What was answered before stands; of the rest the reason is known."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        kill = f"SELECT pg_terminate_backend({snapshot.connection.info.backend_pid}, 5000)"
        before = snapshot.all_of([("SELECT 1", {})])
        administrator.execute(kill.encode())
        after = snapshot.all_of([("SELECT 1", {})] * 3)

    assert before == [[(1,)]]
    assert len(after) == 3
    assert all("the connection was lost at" in str(answer) for answer in after)


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
