"""A running sandbox of today's product, and a person who uses it, seen through real sockets."""

import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pam_sandbox.launch import launch
from pam_sandbox.remote import Remote
from tests.sandbox.answer import Answer, asked


@dataclass(frozen=True)
class Today:
    """A running sandbox whose product is today's."""

    state: Mapping[str, Any]
    remote: Remote
    file: Path = Path()
    """Where the state was read."""

    @property
    def variables(self) -> Mapping[str, str]:
        """The invented secrets."""
        found: Mapping[str, str] = self.state["sandbox"]["variables"]
        return found

    @cached_property
    def key(self) -> str:
        """Of the pages."""
        return self.variables["SUPABASE_ANON_KEY"]

    @cached_property
    def account(self) -> Mapping[str, Any]:
        """What the test account is told when it signs in."""
        found: Mapping[str, Any] = self.sign_in(self.variables["TEST_USER_PASSWORD"]).json
        return found

    @property
    def user_id(self) -> str:
        """Of the test account."""
        return str(self.account["user"]["id"])

    def sign_in(self, password: str) -> Answer:
        """Ask for a token of the test account."""
        body = {"email": self.variables["TEST_USER_EMAIL"], "password": password}
        return self.call("POST", "supabase", "/auth/v1/token?grant_type=password", body, apikey=self.key)

    def call(self, method: str, server: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request to `api`, `frontend` or `supabase`."""
        return asked(self.state["urls"][server] + path, method, body, headers)

    def api(self, path: str, body: object = None, *, token: str | None = None, method: str = "") -> Answer:
        """One request of the test account to the API, or of whoever has this token; an empty one is none."""
        token = str(self.account["access_token"]) if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.call(method or ("GET" if body is None else "POST"), "api", path, body, **headers)

    def rows(self, path: str, body: object = None, *, method: str = "GET", signed_in: bool = True) -> Answer:
        """Rows by Supabase's REST, as the test account or as nobody."""
        signed = {"Authorization": f"Bearer {self.account['access_token']}"} if signed_in else {}
        prefer = "count=exact" if method == "GET" else "return=representation"
        return self.call(method, "supabase", f"/rest/v1/{path}", body, apikey=self.key, Prefer=prefer, **signed)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """What the role of the checks reads."""
        with psycopg.connect(self.variables["PAM_DATABASE_DSN"]) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def todays_range() -> Iterator[Today]:
    """One sandbox for all tests of this module."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.toml"
        with launch(file, product="pam-today", ready_within_s=180):
            state = tomllib.loads(file.read_text(encoding="utf-8"))
            yield Today(state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]), file)


@pytest.fixture
def today(todays_range: Today) -> Iterator[Today]:
    """The sandbox as it was at the start, and everybody is let in."""
    todays_range.remote.forgive()
    yield todays_range
    todays_range.remote.clear_all()
    todays_range.remote.forgive()
    todays_range.remote.go_live("candidate")
