"""A sandbox that is a guest on somebody else's PostgreSQL server: it has a database of its own there, and takes it along."""

import asyncio
import signal
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from pam_rollback.sandbox.children import Children
from pam_rollback.sandbox.postgres import ADMINISTRATOR, Server
from pam_rollback.sandbox.postgres_binaries import choose_runner, find_binaries
from tests.sandbox.lifecycle_scene import GONE_WITHIN_S, assert_nothing_left, eventually, remote_of, running


def guest_databases(dsn: str) -> list[str]:
    """The databases that sandboxes made on a server."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'pam\\_rollback\\_%'").fetchall()
    return [name for (name,) in rows]


def guest_roles(dsn: str) -> list[str]:
    """The roles that sandboxes made for their checks on a server."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE '%auditor'").fetchall()
    return [name for (name,) in rows]


@pytest.fixture(scope="module")
def somebody_elses_server() -> Iterator[Mapping[str, str]]:
    """A server that no sandbox started."""
    children = Children()
    folder = Path(tempfile.mkdtemp(prefix="pam-guest-"))
    folder.chmod(0o711)
    children.owns_folder(folder)
    binaries = find_binaries({})
    server = Server(
        binaries=binaries,
        runner=choose_runner(binaries, folder),
        children=children,
        data=folder / "database",
        logs=folder,
    )
    asyncio.run(server.initialise("welcome"))
    asyncio.run(server.start())
    yield {"DATABASE_URL": server.dsn(user=ADMINISTRATOR, password="welcome", database="postgres")}
    asyncio.run(server.stop())
    children.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_guest_database_is_dropped_at_the_end(
    place: Path, somebody_elses_server: Mapping[str, str], number: signal.Signals
) -> None:
    """DATABASE_URL gets a database of the sandbox's own, which goes with it, also after a kill -9; no server is started."""
    url = somebody_elses_server["DATABASE_URL"]
    with running(place, somebody_elses_server) as found:
        state = tomllib.loads(found.state_file.read_text(encoding="utf-8"))
        assert len(guest_databases(url)) == 1
        assert guest_databases(url)[0] in state["sandbox"]["variables"]["PAM_DATABASE_DSN"]
        assert guest_roles(url) == [f"{guest_databases(url)[0]}_auditor"]
        found.process.send_signal(number)
        found.process.wait(GONE_WITHIN_S)

        assert_nothing_left(place, is_gone=found.is_gone)
        eventually(lambda: guest_databases(url) == [], "the guest database is left")
        eventually(lambda: guest_roles(url) == [], "the role of the checks is left")


def test_an_outage_of_a_guest_database_touches_nothing_else(
    place: Path, somebody_elses_server: Mapping[str, str]
) -> None:
    """`database-down` shuts the sandbox's own database only, and opens it again with its rows."""
    url = somebody_elses_server["DATABASE_URL"]
    with running(place, somebody_elses_server) as found:
        dsn = tomllib.loads(found.state_file.read_text(encoding="utf-8"))["sandbox"]["variables"]["PAM_DATABASE_DSN"]
        remote = remote_of(found.state_file)
        remote.plant("database-down")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn, connect_timeout=2)
        psycopg.connect(url).close()
        remote.clear("database-down")
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT count(*) FROM public.profiles").fetchone()

        assert row is not None
        assert row[0] > 0
