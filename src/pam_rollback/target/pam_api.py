"""PAM's own HTTP surface beside its health: sign-in, and the admin API of the plan.

What PAM answers is a value, however wrong; only what the suite itself must be able to do (change a flag, sign in) raises.
Contracts: the plan's health checks and admin commands; flag evaluation is OFREP (OpenFeature Remote Evaluation Protocol).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

from pam_rollback.core.answer import Answer, limited
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, ProviderError, UnreadableAnswer
from pam_rollback.core.outside_text import cut
from pam_rollback.core.wait import before_change
from pam_rollback.http.client import fetch
from pam_rollback.plan.flags import Flag, FlagName


class ProductDown(ActionFailed):
    """The product gave no answer, or one that says that it is broken: what is asked of it cannot be done by it."""


class EmergencyCall(Protocol):
    """Who takes the one request."""

    def call(self, reason: str, initiated_by: str) -> str:
        """Ask for the emergency rollback; gives what was answered. Raises ProductDown, or ActionFailed when it refuses."""


_CREDENTIALS_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY})
_READS_MAX = 3
_REASON_MAX = 1000
NAME_MAX = 200
"""The endpoint takes no longer texts; a rollback must not fail because somebody explained it at length."""


@dataclass(frozen=True)
class Account:
    """A signed-in test account. The token is a secret and not part of the repr."""

    user_id: str
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a request of this account carries."""
        return {"Authorization": f"Bearer {self.token}"}


class SignInLimited(MeasurementFailed):
    """There were too many sign-ins: nothing is known of signing in."""


def sign_in(
    url: str, email: str, password: str, *, deadline_s: float, headers: Mapping[str, str] | None = None
) -> Account:
    """Sign the environment's own test account in. Raises MeasurementFailed with what was answered instead."""
    credentials = {"email": email, "password": password}
    answer = fetch(url, method="POST", json=credentials, headers=headers, deadline_s=deadline_s)
    body = answer.json
    try:
        return Account(user_id=str(body["user"]["id"]), token=str(body["access_token"]))
    except (TypeError, KeyError):
        if answer.http_status == HTTPStatus.TOO_MANY_REQUESTS and not answer.problem:
            raise SignInLimited(
                f"POST {url}: {limited(answer.retry_after)}: no error of the service; sign in again later"
            ) from None
        # The answer is not shown whole: it may carry a token under another name.
        found = answer.problem or f"HTTP {answer.http_status} {answer.content_type}"
        refused = answer.http_status in _CREDENTIALS_REFUSED and not answer.problem
        raise MeasurementFailed(
            f"POST {url}: the test account could not sign in: expected access_token and user.id, found {found}"
            + ("; check the account's variables in the environment file" if refused else ""),
            cause=answer.cause or f"the test account cannot sign in: POST {url}: {found}",
        ) from None


@dataclass(frozen=True)
class FlagApi:
    """The plan's admin API for feature flags: JSON, bearer token, partial changes."""

    url: str
    token: str = field(repr=False)
    initiated_by: str = "pam-rollback-suite"
    deadline_s: float = 5.0

    def read_flags(self) -> dict[FlagName, Flag]:
        """All flags as the admin API says. Raises ActionFailed when it does not say, UnreadableAnswer when nobody understands it.

        An answer that cannot be read is asked for again: one that broke on its way is no reason to stop a rollback.
        """
        for attempt in range(1, _READS_MAX + 1):
            answer = fetch(self.url, headers=self._headers, deadline_s=self.deadline_s)
            if answer.problem or answer.http_status != HTTPStatus.OK:
                raise ActionFailed(f"the flags could not be read: {_with_hint(answer)}")
            try:
                return _flags_in(answer)
            except UnreadableAnswer:
                if attempt == _READS_MAX:
                    raise
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def set_flags(self, changes: Mapping[FlagName, Flag]) -> None:
        """Ask for the changes; raises ProviderError unless the API accepts them. Whether they took effect is for read-back to tell."""
        body = {
            name: {"enabled": flag.enabled, "rolloutPercentage": flag.rollout_pct} for name, flag in changes.items()
        }
        before_change(f"the flags {', '.join(sorted(changes))}")
        answer = fetch(self.url, method="POST", json=body, headers=self._headers, deadline_s=self.deadline_s)
        # A redirect is a failure too: following it would repeat the POST without its body.
        if answer.problem or answer.http_status != HTTPStatus.OK:
            raise ProviderError(
                f"the flag change was not accepted: {_with_hint(answer)}",
                provider="PAM",
                operation="set the flags",
                http_status=answer.http_status,
                sent=answer.sent,
            )

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "X-Initiated-By": cut(self.initiated_by, NAME_MAX, sign="")}


@dataclass(frozen=True)
class EmergencyApi:
    """The product's one-call endpoint: JSON with the reason and who starts it, with a token of its own."""

    url: str
    token: str = field(repr=False)
    deadline_s: float = 10.0

    def call(self, reason: str, initiated_by: str) -> str:
        """Make the call, once: it may be repeated safely, but a second one would only hide what the first one met.

        Raises ProductDown when there is no answer or one that says that the product is broken, ActionFailed when it refuses,
        UnreadableAnswer when nobody understands what it says: whether it was done is not known then.
        """
        before_change("the emergency call")
        answer = fetch(
            self.url,
            method="POST",
            json={"reason": cut(reason, _REASON_MAX, sign=""), "initiated_by": cut(initiated_by, NAME_MAX, sign="")},
            headers={"Authorization": f"Bearer {self.token}"},
            deadline_s=self.deadline_s,
        )
        if answer.problem or answer.http_status is None or answer.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ProductDown(f"the emergency call was not answered: {answer}")
        body = answer.json
        if answer.http_status == HTTPStatus.OK and not isinstance(body, dict):
            raise UnreadableAnswer(f"the emergency call was not accepted in words that can be understood: {answer}")
        if answer.http_status != HTTPStatus.OK or not isinstance(body, dict) or body.get("status") != "ok":
            raise ActionFailed(f"the emergency call was not accepted: {_with_hint(answer, holder='emergency')}")
        return f"accepted as change {body.get('change_id')}, by {body.get('initiated_by')}"


@dataclass(frozen=True)
class CacheApi:
    """The product's call that empties its caches: JSON, bearer token."""

    url: str
    token: str = field(repr=False)
    initiated_by: str = "pam-rollback-suite"
    deadline_s: float = 5.0

    def clear(self) -> str:
        """Ask for it; gives what came of it in words. Raises ActionFailed unless it is accepted."""
        headers = {"Authorization": f"Bearer {self.token}", "X-Initiated-By": cut(self.initiated_by, NAME_MAX, sign="")}

        def ask() -> Answer:
            before_change("the caches")
            return fetch(self.url, method="POST", json={}, headers=headers, deadline_s=self.deadline_s)

        answer = ask()
        if answer.problem:
            answer = ask()  # it was lost: what is empty is emptied again
        if answer.problem or answer.http_status != HTTPStatus.OK:
            raise ActionFailed(f"the caches were not emptied: {_with_hint(answer)}")
        dropped = answer.json.get("cleared") if isinstance(answer.json, dict) else None
        return f"emptied: {dropped} answers dropped" if isinstance(dropped, int) else "accepted"


@dataclass(frozen=True)
class FlagEvaluationApi:
    """What a given user gets, by OFREP's bulk evaluation. ``headers``: those of whoever asks for a user, such as a page."""

    url: str
    deadline_s: float = 5.0
    headers: Mapping[str, str] = field(default_factory=dict)

    def flags_of(self, user_id: str) -> dict[FlagName, bool]:
        """Every flag as this user gets it. Raises MeasurementFailed when there is no such answer."""
        asked = {"context": {"targetingKey": user_id}}
        answer = fetch(self.url, method="POST", json=asked, headers=self.headers, deadline_s=self.deadline_s)
        try:
            # A value that is no boolean is not "off": it is left out, and whoever asks for that flag learns that nothing is known.
            return {
                str(flag["key"]): flag["value"] for flag in answer.json["flags"] if isinstance(flag.get("value"), bool)
            }
        except (TypeError, KeyError, AttributeError):
            raise MeasurementFailed(
                f"what a user gets is not known: expected OFREP's flags, found {answer}", cause=answer.cause
            ) from None


def _flags_in(answer: Answer) -> dict[FlagName, Flag]:
    body: Any = answer.json
    flags = body.get("flags", body) if isinstance(body, dict) else None
    if not isinstance(flags, dict):
        why = f" ({answer.json_problem})" if answer.json_problem else ""
        raise UnreadableAnswer(f"the flags could not be read: expected a JSON object of flags, found {answer}{why}")
    try:
        return {name: _flag(state) for name, state in flags.items()}
    except (TypeError, KeyError, ValueError) as error:
        raise UnreadableAnswer(f"the flags could not be read: {error!r} is wrong in {answer}") from None


def _flag(state: Mapping[str, Any]) -> Flag:
    enabled, share = state["enabled"], state["rolloutPercentage"]
    if not isinstance(enabled, bool) or isinstance(share, bool) or not isinstance(share, int):
        raise TypeError(f"enabled={enabled!r}, rolloutPercentage={share!r}")
    return Flag(enabled=enabled, rollout_pct=share)


def _with_hint(answer: Answer, holder: str = "admin") -> str:
    hints: dict[int | None, str] = {
        HTTPStatus.UNAUTHORIZED: f"the {holder} token is not valid: check its variable and whether it has expired",
        HTTPStatus.FORBIDDEN: f"the {holder} token may not do this, or there is no such API (the product answers 403 to unknown calls)",
        HTTPStatus.NOT_FOUND: "this environment has no such path: set it under [paths] in the environment file",
        HTTPStatus.UNPROCESSABLE_ENTITY: "a flag of the plan is not known there: compare the names",
    }
    hint = hints.get(answer.http_status, "")
    return f"{answer}" + (f"; {hint}" if hint else "")
