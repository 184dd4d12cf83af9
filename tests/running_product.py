"""A real database and real processes of the product: one server and two releases for all tests of a worker that need no whole range."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from subprocess import PIPE
from typing import Any

import psycopg
import pytest

import pam_rollback
from pam_sandbox.children import Children
from pam_sandbox.database import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, create, create_auditor, dsn_of
from pam_sandbox.planting import read_fault
from pam_sandbox.postgres import ADMINISTRATOR, Server, choose_runner, find_binaries
from tests.sandbox.answer import Answer, asked

PASSWORD = "wheels-and-wins-2026"
AUDITOR_PASSWORD = "invented-for-this-test"
SERVER_PASSWORD = "only-for-this-server"
ADMIN_TOKEN = "admin-token-of-the-tests"
EMERGENCY_TOKEN = "emergency-token-of-the-tests"
INTERNAL_TOKEN = "internal-token-of-the-tests"
JWT_SECRET = "a-signing-secret-of-these-tests-that-is-long-enough-for-every-hmac-of-jwt"
FRONTEND_ORIGIN = "http://127.0.0.1:9"
VERSIONS = {"stable": "1.41.3", "candidate": "1.42.0"}
END_WITHIN_S = 15


@dataclass(frozen=True)
class Product:
    """One running release."""

    process: subprocess.Popen[str]
    port: int
    _tokens: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Answer:
        """Send one request."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return asked(f"http://127.0.0.1:{self.port}{path}", method, body, headers)

    def sign_in(self, email: str = TEST_ACCOUNT_EMAIL) -> str:
        """Give a token of the account."""
        if email not in self._tokens:
            answer = self.call("POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD})
            assert answer.status == 200, answer
            self._tokens[email] = answer.json["access_token"]
        return self._tokens[email]

    def sign_in_other(self) -> str:
        """Give a token of the second account."""
        return self.sign_in(OTHER_ACCOUNT_EMAIL)

    def flags(self) -> dict[str, Any]:
        """The flags as the admin API gives them."""
        flags: dict[str, Any] = self.call("GET", "/admin/feature-flags", token=ADMIN_TOKEN).json["flags"]
        return flags

    def set_flags(self, *names: str, on: bool) -> None:
        """Switch flags for everybody."""
        state = {"enabled": on, "rolloutPercentage": 100 if on else 0}
        answer = self.call("POST", "/admin/feature-flags", dict.fromkeys(names, state), token=ADMIN_TOKEN)
        assert answer.status == 200, answer

    @contextmanager
    def fault(self, name: str, **parameters: object) -> Iterator[None]:
        """Have a fault planted for a while."""
        planted = self.call(
            "PUT", f"/__range__/faults/{name}", read_fault(name, parameters).inside, token=INTERNAL_TOKEN
        )
        assert planted.status == 200, planted
        try:
            yield
        finally:
            self.call("DELETE", f"/__range__/faults/{name}", token=INTERNAL_TOKEN)


@dataclass(frozen=True)
class Database:
    """The server behind the product."""

    server: Server
    dsn: str
    administrator_dsn: str

    def rows(self, query: str, *parameters: object, options: str = "") -> list[tuple[Any, ...]]:
        """Run one statement as the operator."""
        with psycopg.connect(self.dsn, options=options) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Have the server stopped for a while."""
        asyncio.run(self.server.stop())
        try:
            yield
        finally:
            asyncio.run(self.server.start())


def configuration(release: str, dsn: str) -> dict[str, Any]:
    """The line that a release reads."""
    return {
        "release": release,
        "version": VERSIONS[release],
        "commit": "0123abc",
        "dsn": dsn,
        "admin_token": ADMIN_TOKEN,
        "emergency_token": EMERGENCY_TOKEN,
        "jwt_secret": JWT_SECRET,
        "internal_token": INTERNAL_TOKEN,
        "frontend_origin": FRONTEND_ORIGIN,
    }


@contextmanager
def running(line: object) -> Iterator[Product]:
    """One release that has been told `line` and answers."""
    command = [sys.executable, "-m", "pam_sandbox.product"]
    environment = {**os.environ, "PYTHONPATH": str(Path(pam_rollback.__file__).parents[1])}
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
            said = process.stdout.readline()
            assert said.startswith("listening "), process.stderr.read()
            yield Product(process, int(said.split()[1]))
        finally:
            process.stdin.close()
            try:
                process.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def eventually(holds: Callable[[], bool], *, within_s: float, what: str) -> float:
    """Wait until `holds`, and give how long that took."""
    began_s = time.monotonic()
    while not holds():
        assert time.monotonic() - began_s < within_s, f"{what}: not within {within_s:g} s"
        time.sleep(0.01)
    return time.monotonic() - began_s


@pytest.fixture(scope="session")
def product_database() -> Iterator[Database]:
    """A PostgreSQL server of its own with the product's tables and rows."""
    children = Children()
    # Not one of pytest's folders: those are closed to the unprivileged account that runs the server for root.
    folder = Path(tempfile.mkdtemp(prefix="pam-product-tests-"))
    folder.chmod(0o711)
    children.owns_folder(folder)
    binaries = find_binaries(os.environ)
    runner = choose_runner(binaries, folder)
    server = Server(binaries=binaries, runner=runner, children=children, data=folder / "data", logs=folder)
    try:
        asyncio.run(server.initialise(SERVER_PASSWORD))
        asyncio.run(server.start())
        dsn = server.make_application_database(SERVER_PASSWORD)
        create(dsn, password=PASSWORD)
        yield Database(server, dsn, server.dsn(user=ADMINISTRATOR, password=SERVER_PASSWORD, database="postgres"))
    finally:
        asyncio.run(server.stop())
        children.close()


@pytest.fixture(scope="session")
def auditor_dsn(product_database: Database) -> str:
    """The product's database for the role that the suite is meant to have: it may read."""
    create_auditor(product_database.dsn, role="pam_auditor", password=AUDITOR_PASSWORD)
    return dsn_of("pam_auditor", AUDITOR_PASSWORD, like=product_database.dsn)


@pytest.fixture(scope="session")
def candidate_process(product_database: Database) -> Iterator[Product]:
    """The release with the new features."""
    with running(configuration("candidate", product_database.dsn)) as product:
        yield product


@pytest.fixture
def candidate(candidate_process: Product) -> Product:
    """It, with every flag on."""
    # A test before may have taken its database away.
    is_back = lambda: candidate_process.call("GET", "/health/db").status == HTTPStatus.OK  # noqa: E731
    eventually(is_back, within_s=30, what="its database")
    candidate_process.set_flags(*candidate_process.flags(), on=True)
    return candidate_process
