"""A running sandbox of today's product, and a person who uses it, seen through real sockets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
import pytest

from tests.sandbox.answer import Answer, asked
from tests.sessions import RunningSandbox, own_range


@dataclass(frozen=True)
class Today(RunningSandbox):
    """A running sandbox whose product is today's."""

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
    with own_range("pam-today") as made:
        yield Today(made.file, made.state, made.remote)


@pytest.fixture
def today(todays_range: Today) -> Iterator[Today]:
    """The sandbox as it was at the start, and everybody is let in."""
    todays_range.remote.forgive()
    yield todays_range
    todays_range.remote.clear_all()
    todays_range.remote.forgive()
    todays_range.remote.go_live("candidate")
