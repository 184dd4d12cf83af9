"""Asks protected paths with tokens that must be refused. Reads, and one request without content: whatever is let in changes nothing."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from http import HTTPStatus
from urllib.parse import urlsplit

from pam_rollback.base.answer import Answer
from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.exposure.rules.access import A_WRONG_PASSWORD, THE_RIGHT_PASSWORD, Attempt, Door
from pam_rollback.outside.http import fetch
from pam_rollback.outside.pace import SIGN_IN, spend
from pam_rollback.outside.retries import Retries

NOT_FOR_ITS_CONTENT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True)
class Protected:
    """A path that must not open without the right token. ``empty_post``: an empty object is posted, which is refused for its content.

    ``rows``: they are rows of Supabase's REST, which shows none where another would refuse.
    """

    name: str
    url: str
    empty_post: bool = False
    rows: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What each request there carries beside the token."""


@dataclass(frozen=True)
class AccessProbe:
    """Tries doors one request after the other. ``pace`` waits before each, so that the product takes nobody for a scanner."""

    pace: Callable[[], None]
    deadline_s: float = 5.0
    again: Retries = field(default_factory=Retries)

    def door(self, path: Protected, *, wrong: Mapping[str, str | None], right: Mapping[str, str]) -> Door:
        """Try the right token, then the wrong ones, then the right one again. Tokens are given by what they are called."""
        before = [self._tried(path, name, token) for name, token in right.items()]
        tried = [self._tried(path, name, token) for name, token in wrong.items()]
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
        spend(SIGN_IN)
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

    def _tried(self, path: Protected, name: str, token: str | None) -> Attempt:
        return Attempt.of(name, self.again.ask(lambda: self._ask(path, token)), rows=path.rows)

    def _ask(self, path: Protected, token: str | None) -> Answer:
        self.pace()
        headers = {**path.headers, **({} if token is None else {"Authorization": f"Bearer {token}"})}
        if path.empty_post:
            return fetch(path.url, method="POST", json={}, headers=headers, deadline_s=self.deadline_s)
        return fetch(path.url, headers=headers, deadline_s=self.deadline_s)
