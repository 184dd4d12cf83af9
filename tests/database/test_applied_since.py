"""Before a back end goes back it is told which migrations its target does not know: named, and never in the way."""

import threading
import time
from contextlib import nullcontext
from types import SimpleNamespace

import psycopg
import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.plugin.topics import hosts
from pam_rollback.rollback import running_migrations
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.provider_access import api_host
from pam_rollback.rollback.running_migrations import applied_since
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.fault_rows.matrix import ROOT
from tests.sessions import RunningSandbox

NEWER = "20991231235959"


@pytest.fixture
def environment(running_sandbox: RunningSandbox) -> Environment:
    """Of a running sandbox, with its repository, its hosts and its database."""
    return load_environment(str(running_sandbox.file), ROOT / "environments", {})


@pytest.fixture
def deploys(environment: Environment) -> tuple[Deploy, Deploy]:
    """What could be gone back to, and what runs."""
    host = api_host(environment, Waiter())
    newest, *_, oldest = host.deploys()
    return oldest, newest


def test_what_the_database_has_and_the_target_has_not_is_named(
    environment: Environment, deploys: tuple[Deploy, Deploy]
) -> None:
    """Whoever applied it, and whether what runs knows it or not."""
    target, live = deploys
    commits = target.commit, live.commit
    assert applied_since(environment, *commits) == "none (by the database)"

    owner = environment.secret("staging_copy_dsn").replace("/pam_copy", "/pam")
    with psycopg.connect(owner, autocommit=True) as connection:
        columns = connection.execute("SELECT * FROM schema_migrations LIMIT 1").description or []
        rest = [column.name for column in columns if column.name != "version"]
        values = ", ".join(["%s", *rest])
        connection.execute(
            f"INSERT INTO schema_migrations (version{''.join(f', {one}' for one in rest)})"  # noqa: S608 - names of its own columns
            f" SELECT {values} FROM schema_migrations LIMIT 1".encode(),
            [NEWER],
        )
        try:
            assert applied_since(environment, *commits) == f"{NEWER} (by the database)"
        finally:
            connection.execute("DELETE FROM schema_migrations WHERE version = %s", [NEWER])


def test_without_the_database_the_files_of_what_runs_tell(
    environment: Environment, deploys: tuple[Deploy, Deploy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By their names; that the database is down keeps nobody from knowing them."""
    target, live = deploys
    shown = {target.commit: ("0001_first.up.sql",), live.commit: ("0001_first.up.sql", "0002-add words.sql")}
    repository = SimpleNamespace(names=lambda commit, _: shown[commit])

    def down(_: object) -> frozenset[str]:
        raise MeasurementFailed("the database is down")

    monkeypatch.setattr(running_migrations, "open_repository", lambda _: nullcontext(repository))
    monkeypatch.setattr(running_migrations, "_applied", down)

    assert applied_since(environment, target.commit, live.commit) == "0002-add words.sql (by the files of what runs)"


@pytest.mark.parametrize("how", ["hangs", "fails"])
def test_it_never_stands_in_the_way(
    how: str, environment: Environment, deploys: tuple[Deploy, Deploy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever rolls back reads that it is not known, and goes on."""
    over = threading.Event()

    def asked(*_: object) -> str:
        if how == "fails":
            raise MeasurementFailed("no commit is known")
        over.wait(60)
        return ""

    monkeypatch.setattr(hosts, "applied_since", asked)
    monkeypatch.setattr(hosts, "_NAMED_WITHIN_S", 0.2)
    began_s = time.monotonic()
    told = hosts._migrations(environment, *deploys)
    over.set()

    assert time.monotonic() - began_s < 30
    assert (
        told
        == {
            "hangs": "migrations applied since: not known, no answer within 0.2 s",
            "fails": "migrations applied since: not known, no commit is known",
        }[how]
    )
