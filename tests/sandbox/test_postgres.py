"""The database server of the sandbox: where its programs come from, as whom it runs, what survives a stop."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pam_sandbox.children import Children
from pam_sandbox.postgres import ADMINISTRATOR, Runner, Server, choose_runner, find_binaries

PASSWORD = "only-for-this-server"
AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    """A janitor for what these tests start."""
    found = Children()
    yield found
    found.close()


@pytest.fixture
def folder(children: Children) -> Iterator[Path]:
    """A folder that every account can pass through, as the sandbox's own."""
    found = Path(tempfile.mkdtemp(prefix="pam-postgres-tests-"))
    found.chmod(0o711)
    children.owns_folder(found)
    yield found
    shutil.rmtree(found, ignore_errors=True)


def server_in(folder: Path, children: Children, runner: Runner | None = None) -> Server:
    """A server with an empty data folder."""
    binaries = find_binaries({})
    return Server(
        binaries=binaries,
        runner=runner or choose_runner(binaries, folder),
        children=children,
        data=folder / "database",
        logs=folder,
    )


def test_what_was_acknowledged_survives_an_outage_on_the_same_port(folder: Path, children: Children) -> None:
    """A drill that stops the database loses nothing by itself, and nobody has to learn a new address."""

    async def story() -> tuple[int, int, int]:
        server = server_in(folder, children)
        await server.initialise(PASSWORD)
        await server.start()
        before = server.port
        dsn = server.make_application_database(PASSWORD)
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
        await server.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn, connect_timeout=2)
        await server.start()
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT count(*) FROM kept").fetchone()
        await server.stop()
        assert row is not None
        return before, server.port, row[0]

    before, after, rows = asyncio.run(story())

    assert (after, rows) == (before, 1000)


def test_only_loopback_with_a_password_gets_in(folder: Path, children: Children) -> None:
    """Another user of the machine is refused: no trust, no socket file, the template's password is of no use any more."""

    async def story() -> list[str]:
        server = server_in(folder, children)
        await server.initialise(PASSWORD)
        await server.start()
        server.make_application_database(PASSWORD)
        server.change_passwords(PASSWORD)
        refusals = []
        for user, password in ((ADMINISTRATOR, PASSWORD), ("pam", PASSWORD), ("pam", "")):
            try:
                psycopg.connect(server.dsn(user=user, password=password, database="pam"), connect_timeout=2)
            except psycopg.OperationalError as error:
                refusals.append(str(error))
        with (server.data / "postgresql.conf").open(encoding="utf-8") as configuration:
            settings = configuration.read()
        await server.stop()
        assert "listen_addresses = '127.0.0.1'" in settings
        assert "unix_socket_directories = ''" in settings
        return refusals

    refusals = asyncio.run(story())

    assert len(refusals) == 3, refusals


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user needs no other account")
def test_root_uses_an_unprivileged_account(folder: Path) -> None:
    """PostgreSQL refuses root, so root lends it an account that has nothing else."""
    runner = choose_runner(find_binaries({}), folder)

    assert runner.account is not None
    assert runner.account.uid != 0


@pytest.mark.skipif(not AS_ROOT or shutil.which("unshare") is None, reason="needs root and the program unshare")
def test_root_uses_a_user_namespace_where_no_account_can_go(tmp_path: Path, children: Children) -> None:
    """With everything below a home of mode 0700 the server still starts, and nothing is opened to others."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    runner = choose_runner(find_binaries({}), closed)

    async def story() -> int | None:
        server = server_in(closed, children, runner)
        await server.initialise(PASSWORD)
        await server.start()
        pid = server.pid
        await server.stop()
        return pid

    assert runner.account is None
    assert "unshare" in runner.prefix[0]
    assert asyncio.run(story()) is not None
    assert closed.stat().st_mode & 0o777 == 0o700
