"""The test account of an observing process.

Signs in, and again when its session was lost (a rollback may end sessions).
"""

import time

import aiohttp

from pam_rollback.observation.exchange import NotSent, exchange
from pam_rollback.observation.journeys import SignIn

_UNAUTHORIZED = 401
_TOO_MANY_REQUESTS = 429
_PAUSE_S = 2.0
_PAUSE_OF_A_LIMIT_S = 20.0
_BODY_BYTES_MAX = 1 << 20


class Account:
    """Keeps a bearer token. ``why`` says what the last attempt to sign in failed with; empty when it worked."""

    def __init__(self, session: aiohttp.ClientSession, sign_in: SignIn | None, *, deadline_s: float) -> None:
        self._session = session
        self._sign_in = sign_in
        self._deadline_s = deadline_s
        self._token = ""
        self._user_id = ""
        self._attempted_s = float("-inf")
        self.why = "not tried"
        self.is_limited = False
        """The last attempt was refused because there were too many (HTTP 429)."""

    @property
    def headers(self) -> dict[str, str]:
        """The authorization to send, if there is one."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    @property
    def user_id(self) -> str:
        """The account's own id; empty before it was told."""
        return self._user_id

    def filled(self, url: str) -> str:
        """The address with the account's own id, where it has a place for it."""
        return url.replace("{user_id}", self._user_id)

    def lost(self, status: int | None) -> bool:
        """Say whether this status means that it is time to sign in again (at most once in two seconds)."""
        return self._sign_in is not None and status == _UNAUTHORIZED and self.may_try

    @property
    def may_try(self) -> bool:
        """Whether enough time has passed since the last attempt; a limit is not met again and again."""
        pause_s = _PAUSE_OF_A_LIMIT_S if self.is_limited else _PAUSE_S
        return time.monotonic() - self._attempted_s >= pause_s

    async def renew(self) -> bool:
        """Sign in. Gives whether it worked."""
        if self._sign_in is None:
            return False
        self._attempted_s = time.monotonic()
        credentials = {"email": self._sign_in.email, "password": self._sign_in.password}
        try:
            answer = await exchange(
                self._session,
                "POST",
                self._sign_in.url,
                deadline_s=self._deadline_s,
                body_bytes_max=_BODY_BYTES_MAX,
                headers=self._sign_in.headers,
                body=credentials,
            )
        except NotSent as error:
            self.why = str(error)
            return False
        self.is_limited = answer.http_status == _TOO_MANY_REQUESTS and not answer.problem
        token = answer.json.get("access_token") if isinstance(answer.json, dict) else None
        if not isinstance(token, str) or not token:
            self.why = answer.problem or f"HTTP {answer.http_status} without an access_token"
            return False
        user = answer.json.get("user")
        self._token, self.why = token, ""
        self._user_id = str(user.get("id", "")) if isinstance(user, dict) else ""
        return True
