"""A real database and real processes of the product: one server and two releases for all tests of a worker that need no whole range."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pam_rollback
from pam_rollback.sandbox.children import Children
from pam_rollback.sandbox.database import OTHER_ACCOUNT_EMAIL, TEST_ACCOUNT_EMAIL, create
from pam_rollback.sandbox.database.auditor import create_auditor, dsn_of
from pam_rollback.sandbox.planting import read_fault
from pam_rollback.sandbox.postgres import ADMINISTRATOR, Server, choose_runner, find_binaries
from tests.sandbox.answer import Answer

PASSWORD = "wheels-and-wins-2026"
AUDITOR_PASSWORD = "invented-for-this-test"
SERVER_PASSWORD = "only-for-this-server"
ADMIN_TOKEN = "admin-token-of-the-tests"
EMERGENCY_TOKEN = "emergency-token-of-the-tests"
INTERNAL_TOKEN = "internal-token-of-the-tests"
JWT_SECRET = "a-signing-secret-of-these-tests-that-is-long-enough-for-every-hmac-of-jwt"
FRONTEND_ORIGIN = "http://127.0.0.1:9"
VERSIONS = {"stable": "1.41.3", "candidate": "1.42.0"}
ANSWER_WITHIN_S = 15


@dataclass(frozen=True)
class Product:
    """One running release."""

    process: subprocess.Popen[str]
    port: int
    _tokens: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        content_type: str | None = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; bytes go out as they are, everything else as JSON."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if payload is not None and content_type is not None:
            sent["Content-Type"] = content_type
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_WITHIN_S)
        try:
            connection.request(method, path, payload, sent)
            response = connection.getresponse()
            lowered = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, lowered, response.read().decode())
        finally:
            connection.close()

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

    def admin(self, method: str, path: str, body: object = None, *, token: str = ADMIN_TOKEN, **more: Any) -> Answer:
        """Call the admin API with its token."""
        return self.call(method, f"/admin{path}", body, token=token, **more)

    def flags(self) -> dict[str, Any]:
        """The flags as the admin API gives them."""
        flags: dict[str, Any] = self.admin("GET", "/feature-flags").json["flags"]
        return flags

    def set_flags(self, *names: str, on: bool) -> None:
        """Switch flags for everybody."""
        state = {"enabled": on, "rolloutPercentage": 100 if on else 0}
        answer = self.admin("POST", "/feature-flags", dict.fromkeys(names, state))
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
        "port": 0,
        "admin_token": ADMIN_TOKEN,
        "emergency_token": EMERGENCY_TOKEN,
        "jwt_secret": JWT_SECRET,
        "internal_token": INTERNAL_TOKEN,
        "frontend_origin": FRONTEND_ORIGIN,
    }


def start_process() -> subprocess.Popen[str]:
    """Start the product's process, which waits for its line."""
    return subprocess.Popen(
        [sys.executable, "-m", "pam_rollback.sandbox.product"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(pam_rollback.__file__).parents[1])},
        text=True,
    )


@contextmanager
def running(line: object) -> Iterator[Product]:
    """One release that has been told `line` and answers."""
    with start_process() as process:
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
                process.wait(ANSWER_WITHIN_S)
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
def releases(product_database: Database) -> Iterator[Mapping[str, Product]]:
    """Both releases on the same database."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(running(configuration(name, product_database.dsn))) for name in VERSIONS}


@pytest.fixture(scope="session")
def start_release() -> Callable[[object], AbstractContextManager[Product]]:
    """Start a release of one's own: a context that gives it and ends it."""
    return running


@pytest.fixture(scope="session")
def release_line(product_database: Database) -> dict[str, Any]:
    """The line that the candidate reads."""
    return configuration("candidate", product_database.dsn)


@pytest.fixture
def candidate(releases: Mapping[str, Product]) -> Product:
    """The release with the new features, every flag on."""
    product = releases["candidate"]
    # A test before may have taken their database away.
    for each in releases.values():
        eventually(lambda: each.call("GET", "/health/db").status == HTTPStatus.OK, within_s=30, what="its database")  # noqa: B023 - called at once
    product.set_flags(*product.flags(), on=True)
    return product


@pytest.fixture
def stable(releases: Mapping[str, Product], candidate: Product) -> Product:
    """The release before, on the same database; every flag is on."""
    product = releases["stable"]
    every_flag_on = dict.fromkeys(candidate.flags(), True)
    eventually(
        lambda: product.call("GET", "/api/v1/flags?user_id=a").json["flags"] == every_flag_on,
        within_s=30,
        what="flags on",
    )
    return product
