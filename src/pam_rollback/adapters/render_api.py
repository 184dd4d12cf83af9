"""Render's API (``https://api.render.com/v1``), reading only: one request, and its JSON or one clear error.

Contract: https://api-docs.render.com. Errors carry ``id`` and ``message``; every answer tells the limit of requests in ``Ratelimit-Limit``,
``-Remaining`` and ``-Reset``. What ``Reset`` is, is told in two ways there (seconds from now, seconds since 1970): a small number is the
former. Nobody is asked again before it.
"""

import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from pam_rollback.adapters.http import fetch
from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.render_settings import Render

MAX_BODY_BYTES = 4 << 20
_EPOCH_FROM = 1e9
"""A reset that is larger is a moment, a smaller one a length of time."""
_PATIENCE_S = 60.0
"""How long nobody asks again when the limit was met and the answer does not say."""
_ID_HEADERS = ("x-request-id", "rndr-id", "cf-ray")
_ADVICE: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "is [render] resolution_s one that Render tells (30 s at least)?",
    HTTPStatus.UNAUTHORIZED: "the key of [secrets] render_api_key_env is not accepted: export another one",
    HTTPStatus.FORBIDDEN: "the key of [secrets] render_api_key_env may not see this service: take one of its workspace",
    HTTPStatus.NOT_FOUND: "is [render] service_id right? It stands in the address of the service's page in the Dashboard",
}


class RenderApi:
    """One key's view of Render. Raises MeasurementFailed with the operation, the answer, the request's id and what to do."""

    def __init__(self, settings: Render, key: str, *, deadline_s: float = 5.0) -> None:
        self.settings = settings
        self._key = key
        self._deadline_s = deadline_s
        self._not_before_s = 0.0
        self._date = ""
        self._service_is_right = False

    @property
    def date(self) -> str:
        """The moment that the latest answer claims (HTTP ``Date``); empty when none did."""
        return self._date

    def get(self, operation: str, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        """Ask, and give the JSON of a good answer. ``operation`` says what for, in the words of a message."""
        place = f"Render, {operation} (GET {path})"
        wait_s = self._not_before_s - time.monotonic()
        if wait_s > 0:
            raise MeasurementFailed(f"{place}: not asked: its limit of requests was met, ask again in {wait_s:.0f} s")
        answer = fetch(
            f"{self.settings.api_url}{path}?{urlencode(query)}".rstrip("?"),
            headers={"Authorization": f"Bearer {self._key}", "Accept": "application/json"},
            deadline_s=self._deadline_s,
            max_body_bytes=MAX_BODY_BYTES,
        )
        if answer.problem:
            raise MeasurementFailed(
                f"{place}: {answer.problem}; can this machine reach {self.settings.api_url}? See status.render.com"
            )
        self._date = answer.headers.get("date", "")
        if answer.http_status != HTTPStatus.OK:
            raise MeasurementFailed(self._refusal(place, answer))
        if answer.json is None:
            raise MeasurementFailed(
                f"{place}: expected JSON, found HTTP 200 {answer.content_type or 'without content type'} {answer.text!r}, "
                f"{_request_id(answer)}; does something else answer in Render's place? See [render] api_url"
            )
        return answer.json

    def check_service(self) -> None:
        """See once that the service is there, is not suspended, and belongs to whom the environment says."""
        if self._service_is_right:
            return
        service_id, owner_id = self.settings.service_id, self.settings.owner_id
        found = self.get(f"the service {service_id}", f"/services/{service_id}")
        if not isinstance(found, dict) or found.get("id") != service_id:
            raise MeasurementFailed(
                f"Render, the service {service_id}: its answer is about something else: {str(found)[:120]}"
            )
        if owner_id and found.get("ownerId") != owner_id:
            raise MeasurementFailed(
                f"Render, the service {service_id}: expected it to belong to {owner_id} ([render] owner_id), found "
                f"{found.get('ownerId')!r}: is this another environment's service?"
            )
        if found.get("suspended") == "suspended":
            raise MeasurementFailed(
                f"Render, the service {service_id}: it is suspended, so its metrics say nothing of users"
            )

    def _refusal(self, place: str, answer: Answer) -> str:
        status = answer.http_status
        said = answer.json if isinstance(answer.json, dict) else {}
        what = f"{place}: HTTP {status}, {said.get('message') or answer.text or 'no body'!s}, {_request_id(answer)}"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait_s = _reset_s(answer.headers)
            self._not_before_s = time.monotonic() + wait_s
            limit = answer.headers.get("ratelimit-limit", "unknown")
            return f"{what}; its limit ({limit} requests) was met, ask again in {wait_s:.0f} s; who else uses this key?"
        return f"{what}; {_ADVICE.get(status or 0, 'see status.render.com')}"


def _reset_s(headers: Mapping[str, str]) -> float:
    """How long until the limit is lifted."""
    try:
        reset = float(headers["ratelimit-reset"])
    except (KeyError, ValueError):
        return _PATIENCE_S
    wait_s = reset - time.time() if reset >= _EPOCH_FROM else reset
    # A clock that is off, or nonsense: neither asks at once nor waits for ever.
    return wait_s if 0 < wait_s <= 2 * _PATIENCE_S else _PATIENCE_S


def _request_id(answer: Answer) -> str:
    said = answer.json if isinstance(answer.json, dict) else {}
    found = said.get("id") or next((answer.headers[name] for name in _ID_HEADERS if name in answer.headers), "")
    return f"request {found}" if found else "without a request id"
