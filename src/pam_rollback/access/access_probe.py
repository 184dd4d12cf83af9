"""Asks protected paths with tokens that must be refused. Reads, and a request without content, which changes nothing when it is let in.

Where that tells nothing, because content is judged before the token, a whole request follows: as the test account, and as nobody else.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from pam_rollback.access.access import A_WRONG_PASSWORD, NO_TOKEN, THE_RIGHT_PASSWORD, Attempt, Door, routes_in
from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.client import Retries, fetch
from pam_rollback.target.contract import USER_ID

NOT_FOR_ITS_CONTENT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_DESCRIPTIONS = ("/openapi.json", "/api/openapi.json")
_ANSWERED_WITHIN_S = 20.0
"""A whole question that is let in is answered by the model, which takes longer than a refusal."""


@dataclass(frozen=True)
class Protected:
    """A path that must not open without the right token. ``empty_post``: an empty object is posted, which is refused for its content.

    ``whole``: what is posted where that refusal says nothing of the token, for tokens that name the test account.
    ``rows``: they are rows of Supabase's REST, which shows none where another would refuse.
    """

    name: str
    url: str
    empty_post: bool = False
    rows: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What each request there carries beside the token."""
    whole: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class AccessProbe:
    """Tries doors one request after the other. ``pace`` waits before each, so that the product takes nobody for a scanner."""

    pace: Callable[[], None]
    deadline_s: float = 5.0
    again: Retries = field(default_factory=Retries)

    def door(
        self,
        path: Protected,
        *,
        wrong: Mapping[str, str | None],
        right: Mapping[str, str],
        ours: Collection[str] = (),
    ) -> Door:
        """Try the right token, then the wrong ones, then the right one again. Tokens are given by what they are called.

        ``ours``: the wrong ones that name the test account.
        """
        before = [self._tried(path, name, token) for name, token in right.items()]
        tried = [self._judged(path, name, token, whole=name in ours) for name, token in wrong.items()]
        after = [self._tried(path, name, token) for name, token in right.items()]
        return Door(
            path=path.name,
            wrong=tuple(tried),
            right=(*before, *after),
            opens_with=NOT_FOR_ITS_CONTENT if path.empty_post else frozenset(),
        )

    def sign_in(self, url: str, email: str, headers: Mapping[str, str]) -> Door:
        """Try an account's sign-in with a password that it does not have; with its own it was let in just now."""
        self.pace()
        answer = fetch(
            url,
            method="POST",
            json={"email": email, "password": f"not-the-password-{secrets.token_hex(8)}"},
            headers=headers,
            deadline_s=self.deadline_s,
        )
        tried = Attempt.of(A_WRONG_PASSWORD, answer)
        if tried.http_status in NOT_FOR_ITS_CONTENT:  # as many a service says that the two do not fit
            tried = replace(tried, http_status=int(HTTPStatus.UNAUTHORIZED))
        right = Attempt(THE_RIGHT_PASSWORD, int(HTTPStatus.OK), "application/json", 0)
        return Door(path=f"POST {urlsplit(url).path}", wrong=(tried,), right=(right,))

    def read(self, url: str) -> Answer:
        """What somebody without a token is answered."""
        return self.again.ask(lambda: self._ask(Protected("", url), None, {}, self.deadline_s))

    def _judged(self, path: Protected, name: str, token: str | None, *, whole: bool) -> Attempt:
        tried = self._tried(path, name, token)
        if not whole or path.whole is None or tried.http_status not in NOT_FOR_ITS_CONTENT:
            return tried
        return Attempt.of(name, self._ask(path, token, path.whole, _ANSWERED_WITHIN_S))

    def _tried(self, path: Protected, name: str, token: str | None) -> Attempt:
        return Attempt.of(name, self.again.ask(lambda: self._ask(path, token, {}, self.deadline_s)), rows=path.rows)

    def _ask(self, path: Protected, token: str | None, content: Mapping[str, Any], deadline_s: float) -> Answer:
        self.pace()
        headers = {**path.headers, **({} if token is None else {"Authorization": f"Bearer {token}"})}
        if path.empty_post:
            return fetch(path.url, method="POST", json=dict(content), headers=headers, deadline_s=deadline_s)
        return fetch(path.url, headers=headers, deadline_s=deadline_s)


@dataclass(frozen=True)
class Described:
    """The API, asked for what it says of itself."""

    probe: AccessProbe
    api: str
    user_id: str

    def routes(self) -> tuple[str, ...]:
        """Those of its description, at both usual places; empty where it has none."""
        answers = (self.probe.read(self.api + path) for path in _DESCRIPTIONS)
        return next((found for one in answers if (found := routes_in(one.json)) is not None), ())

    def asked(self, routes: Iterable[str]) -> Mapping[str, Attempt]:
        """Each without a token. Raises MeasurementFailed when this client was shut out meanwhile: what refuses it then is no lock."""
        doors = {one: Protected(one, self.api + one.replace(USER_ID, self.user_id)) for one in routes}
        found = {one: self.probe.door(door, wrong={NO_TOKEN: None}, right={}).wrong[0] for one, door in doors.items()}
        if found and not self.routes():
            raise MeasurementFailed(
                f"after {len(found)} of its routes the API does not describe itself any more: was this client shut out?"
            )
        return found
