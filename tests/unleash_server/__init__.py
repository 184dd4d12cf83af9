"""A real Unleash on this machine: its server from npm on a PostgreSQL of its own, installed once for all working copies."""

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from pam_rollback.http.client import fetch
from pam_sandbox.children import Children
from pam_sandbox.postgres import ADMINISTRATOR, Server, choose_runner, find_binaries
from tests.npm_packages import installed_from, node, passed_on

HERE = Path(__file__).parent
ADMIN = "*:*.an-admin-token-only-for-these-tests"
FRONTEND = "default:production.a-frontend-token-only-for-these-tests"
OTHER_FRONTEND = "default:development.another-frontend-token-only-for-these-tests"
_PASSWORD = "only-for-this-server"
_WITHIN_S = 240.0
"""A disk that is read for the first time, beside other tests, takes most of it; usually some seconds."""


@dataclass(frozen=True)
class RealUnleash:
    """Where it answers."""

    url: str


def installed() -> Path:
    """The folder with ``node_modules``."""
    return installed_from(HERE, "unleash")


@contextmanager
def real_unleash() -> Iterator[RealUnleash]:
    """Start it with an empty database; it ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="pam-unleash-tests-"))
    folder.chmod(0o711)
    children = Children()
    children.owns_folder(folder)
    try:
        with asyncio.Runner() as runner:
            database = _database(folder, children)
            runner.run(database.initialise(_PASSWORD))
            runner.run(database.start())
            try:
                with _serving(folder, _emptied(database)) as url:
                    yield RealUnleash(url)
            finally:
                runner.run(database.stop())
    finally:
        children.close()
        shutil.rmtree(folder, ignore_errors=True)


def _database(folder: Path, children: Children) -> Server:
    binaries = find_binaries({})
    runner = choose_runner(binaries, folder)
    return Server(binaries=binaries, runner=runner, children=children, data=folder / "database", logs=folder)


def _emptied(database: Server) -> str:
    where = database.dsn(user=ADMINISTRATOR, password=_PASSWORD, database="postgres")
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("CREATE DATABASE unleash")
    return f"postgresql://{ADMINISTRATOR}:{_PASSWORD}@127.0.0.1:{database.port}/unleash"


@contextmanager
def _serving(folder: Path, database: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "DATABASE_URL": database,
        "DATABASE_SSL": "false",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(port),
        "INIT_ADMIN_API_TOKENS": ADMIN,
        "INIT_FRONTEND_API_TOKENS": f"{FRONTEND},{OTHER_FRONTEND}",
        "CHECK_VERSION": "false",
        "SEND_TELEMETRY": "false",
        "LOG_LEVEL": "warn",
    }
    script = installed() / "node_modules" / "unleash-server" / "dist" / "server.js"
    log = folder / "unleash.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [node(), script], env={**passed_on(), **settings}, cwd=folder, stdout=written, stderr=written
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + _WITHIN_S
        while fetch(f"{url}/health", deadline_s=1).http_status != 200:
            said = log.read_text(errors="replace")[-2000:]
            assert process.poll() is None, f"Unleash ended: {said}"
            assert time.monotonic() < until, f"Unleash does not answer: {said}"
            time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()
