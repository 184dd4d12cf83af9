"""The database behind the API is told from a replica and from another environment's, whatever is broken besides."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from pam_rollback.database.database_link import DatabaseLink, Link, LinkProbe, replica_problem, same_project
from pam_rollback.http.postgres import Patience
from pam_rollback.target.accounts import AccountApi
from pam_rollback.target.pam_api import Account
from pam_rollback.target.settings_loss import LINK_SETTING
from pam_sandbox import postgres
from pam_sandbox.database import TEST_ACCOUNT_EMAIL, account_id, create, dsn_of
from pam_sandbox.postgres import APPLICATION, Server
from tests.running_product import PASSWORD, SERVER_PASSWORD, Database, Product

FIRST = str(account_id(TEST_ACCOUNT_EMAIL))
AUDITOR_PASSWORD = "invented-for-this-test"
LEFT = "SELECT count(*) FROM expenses WHERE description LIKE 'pam-rollback-link-%%'"

Judge = Callable[..., DatabaseLink]


@pytest.fixture(scope="module")
def dsn(auditor_dsn: str) -> str:
    """The database for the role that the checks are meant for."""
    return auditor_dsn


@pytest.fixture
def judge(candidate: Product, dsn: str) -> Judge:
    """Judges the database of a DSN, or the right one, as the test account."""
    api, own_token, own_dsn = f"http://127.0.0.1:{candidate.port}/api/v1", candidate.sign_in(), dsn

    def run(
        dsn: str = own_dsn, names: dict[str, str] | None = None, token: str = own_token, **paths: str
    ) -> DatabaseLink:
        client = AccountApi(
            history_url=f"{api}/pam/history",
            expenses_url=api + paths.get("expenses_url", "/expenses"),
            settings_url=api + paths.get("settings_url", "/settings"),
            token=token,
        )
        return LinkProbe(client, Account(FIRST, token), dsn, Patience(), names or {}).judged()

    return run


@contextmanager
def statements(product_database: Database, before: str, after: str) -> Iterator[None]:
    """Something is changed for a while, by a superuser."""
    parts = urlsplit(product_database.administrator_dsn)
    with psycopg.connect(urlunsplit(parts._replace(path="/pam")), autocommit=True) as connection:
        connection.execute(before.encode())
        try:
            yield
        finally:
            connection.execute(after.encode())


def test_the_right_database_is_shown(judge: Judge, product_database: Database) -> None:
    """By a setting of its own, which is one row however often this is asked; no expense is written for it."""
    before = product_database.rows("SELECT last_value FROM expenses_id_seq")
    found = [judge() for _ in range(3)]

    assert {one.link for one in found} == {Link.SHOWN}
    assert "a setting of the test account was written through the API and seen at 127.0.0.1:" in found[0].why
    assert product_database.rows("SELECT count(*) FROM user_settings WHERE setting_name = %s", LINK_SETTING) == [(1,)]
    assert product_database.rows("SELECT last_value FROM expenses_id_seq") == before


def test_another_environments_database_is_refuted(judge: Judge, product_database: Database) -> None:
    """It has the same tables, the same accounts with the same ids, and old rows alike: a copy, as staging often is."""
    with statements(product_database, f"CREATE DATABASE other OWNER {APPLICATION}", "DROP DATABASE other WITH (FORCE)"):
        other = urlunsplit(urlsplit(product_database.dsn)._replace(path="/other"))
        create(other, password=PASSWORD)
        found = judge(dsn=other)

    assert found.link is Link.REFUTED
    assert "is database_dsn another environment's?" in found.why


def test_a_replica_is_refuted(judge: Judge, product_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real standby of the very database, with every row that there was."""
    server = product_database.server
    folder = server.data.parent / "replica"
    monkeypatch.setattr(postgres, "_says_ready", _serves)
    with product_database.outage():
        shutil.copytree(server.data, folder)
    replica = Server(
        binaries=server._binaries, runner=server._runner, children=server._children, data=folder, logs=folder.parent
    )
    try:
        with (folder / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write("wal_level = replica\nhot_standby = on\n")
        replica.adopt()
        asyncio.run(replica.start())  # once as a primary, so that its log says what a standby has to find in it
        asyncio.run(replica.stop())
        (folder / "standby.signal").touch()
        replica.adopt()
        asyncio.run(replica.start())
        of_replica = replica.dsn(user=APPLICATION, password=SERVER_PASSWORD, database=APPLICATION)
        found, alone = judge(dsn=of_replica), replica_problem(of_replica, Patience())
        without_api = judge(dsn=of_replica, settings_url="/nowhere", expenses_url="/nowhere")
    finally:
        asyncio.run(replica.stop())
        shutil.rmtree(folder)

    assert alone is not None
    for one in (found, alone, without_api):
        assert one.link is Link.REFUTED, one
        assert "is a replica (pg_is_in_recovery)" in one.why


def _serves(pid_file: Path, pid: int) -> bool:
    lines = pid_file.read_text(encoding="utf-8").splitlines() if pid_file.exists() else []
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() in {"ready", "standby"}


@pytest.mark.parametrize(
    ("broken", "healed"),
    [
        (
            "ALTER TABLE user_settings RENAME COLUMN setting_value TO value_of",
            "ALTER TABLE user_settings RENAME COLUMN value_of TO setting_value",
        ),
        ("ALTER TABLE user_settings RENAME TO settings_of", "ALTER TABLE settings_of RENAME TO user_settings"),
    ],
)
def test_an_expense_does_where_a_setting_does_not(
    judge: Judge, product_database: Database, broken: str, healed: str
) -> None:
    """A damage to one table must not make unknown what is known of the others; the expense is deleted again."""
    with statements(product_database, broken, healed):
        found = judge()

    assert found.link is Link.SHOWN
    assert "an expense of the test account" in found.why
    assert product_database.rows(LEFT) == [(0,)]


@pytest.mark.parametrize("what", ["settings", "expenses"])
def test_one_kind_of_write_that_is_lost_does_not_refute(judge: Judge, candidate: Product, what: str) -> None:
    """The other kind shows it."""
    with candidate.fault("writes-forgotten", what=what):
        assert judge().link is Link.SHOWN


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token": "wrong"}, "no setting could be written through the API: PUT"),
        ({"settings_url": "/nowhere", "expenses_url": "/nowhere"}, "HTTP 404"),
        ({"dsn": "postgresql://nobody:secret-0815@127.0.0.1:9/pam"}, "cannot ask the database at 127.0.0.1:9/pam"),
    ],
)
def test_what_keeps_us_from_looking_is_a_reason(judge: Judge, changes: dict[str, Any], words: str) -> None:
    """Not shown, and neither is a password."""
    found = judge(**changes)

    assert found.link is Link.NOT_SHOWN
    assert words in found.why
    assert "secret-0815" not in found.why


def test_a_blind_role_is_a_reason(judge: Judge, product_database: Database) -> None:
    """It would not see the row in the right database either."""
    make = f"CREATE ROLE blind LOGIN PASSWORD '{AUDITOR_PASSWORD}'; GRANT SELECT ON user_settings, expenses TO blind"
    with statements(product_database, make, "DROP OWNED BY blind CASCADE; DROP ROLE blind"):
        found = judge(dsn=dsn_of("blind", AUDITOR_PASSWORD, like=product_database.dsn))

    assert found.link is Link.NOT_SHOWN
    assert "row-level security" in found.why


PROJECT = "https://abcdefgh.supabase.co"


@pytest.mark.parametrize(
    ("dsn", "supabase", "project"),
    [
        ("postgresql://checks:x@db.abcdefgh.supabase.co:5432/postgres", PROJECT, "abcdefgh"),
        ("postgresql://checks.abcdefgh:x@aws-0-eu-central-1.pooler.supabase.com:5432/postgres", PROJECT, "abcdefgh"),
        ("postgresql://checks.hgfedcba:x@aws-0-eu-central-1.pooler.supabase.com:5432/postgres", PROJECT, ""),
        ("postgresql://checks.abcdefgh:x@db.example.com/postgres", PROJECT, ""),
        ("postgresql://checks:x@db.hgfedcba.supabase.co/postgres", PROJECT, ""),
        ("postgresql://checks:x@127.0.0.1:5432/pam", "http://127.0.0.1:54321", ""),
        ("postgresql://checks.:x@aws-0.pooler.supabase.com/postgres", "", ""),
    ],
)
def test_both_may_name_the_same_project(dsn: str, supabase: str, project: str) -> None:
    """By Supabase's own addresses; what is called otherwise proves nothing."""
    assert same_project(dsn, supabase) == project
