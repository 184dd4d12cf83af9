"""One request of a journey: sent, waited for, judged and recorded."""

import json
import time
from dataclasses import dataclass

from gevent.timeout import Timeout
from locust.contrib.fasthttp import FastHttpSession, FastResponse

from pam_rollback.adapters.load_process.recorder import Recorder, Row
from pam_rollback.adapters.load_process.words import cause_of, in_words, is_ours
from pam_rollback.core.answer import Answer
from pam_rollback.core.expectation import Expect
from pam_rollback.core.load_order import LoadJourney, LoadOrder, LoadTarget

_UNAUTHORIZED = 401
_SIGN_IN_PAUSE_S = 2.0
_WHY_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A journey at a target, as far as it is the same each time."""

    name: str
    method: str
    url: str
    headers: dict[str, str]
    body: str | None
    expect: Expect
    cached: bool
    signed_in: bool
    status_only: bool
    """Nothing but the status is expected: the usual case of a plain target, and the cheap one."""


class Asker:
    """Asks the targets, as the test account where a journey is signed in."""

    def __init__(self, order: LoadOrder, session: FastHttpSession, recorder: Recorder, *, name: str) -> None:
        self._order = order
        self._session = session
        self._recorder = recorder
        self._name = f"{order.run}-{name}"
        self._prepared = [[_prepared(order, target, journey) for journey in order.journeys] for target in order.targets]
        self._tokens = [""] * len(order.targets)
        self._signed_in_s = [float("-inf")] * len(order.targets)
        self._secrets = _secrets(order)
        self._began = 0.0
        self._asked = 0
        self.in_flight = 0

    def begin_in(self, seconds: float) -> None:
        """Moments count from then."""
        self._began = time.monotonic() + seconds

    def passed_s(self) -> float:
        """How long the run has gone on."""
        return time.monotonic() - self._began

    def sign_in(self, target: int) -> str:
        """Sign in at the target. Gives why that did not work; empty when it did."""
        account = self._order.sign_in
        if account is None:
            return ""
        self._signed_in_s[target] = time.monotonic()
        url = self._order.targets[target].addresses[account.part] + account.path
        body = json.dumps({"email": account.email, "password": account.password})
        headers = {**self._order.targets[target].headers, "Content-Type": "application/json"}
        try:
            with Timeout(self._order.timeout_s):
                answer = self._session.client.urlopen(url, method="POST", payload=body, headers=headers)
                found = json.loads(answer.content or b"")
        except (Exception, Timeout) as error:  # noqa: BLE001 - whatever it was, it goes into the report
            return self._shown(f"sign-in: {in_words(cause_of(error), timeout_s=self._order.timeout_s)}")
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not token:
            return f"sign-in: HTTP {answer.status_code} without an access_token"
        self._tokens[target] = token
        return ""

    def ask(self, target: int, journey: int, due_s: float | None = None) -> None:
        """Send one request that was due then, or is now; its fate is recorded, whatever it is."""
        prepared = self._prepared[target][journey]
        self._asked += 1
        request_id = f"{self._name}-{self._asked}"
        headers = {**prepared.headers, "X-Request-Id": request_id}
        url = prepared.url
        if not prepared.cached:
            url += f"{'&' if '?' in url else '?'}probe={request_id}"
        if prepared.signed_in:
            headers["Authorization"] = f"Bearer {self._tokens[target]}"
        body = None if prepared.body is None else prepared.body.replace("{request_id}", request_id)
        status: int | None = None
        self.in_flight += 1
        left_s = self.passed_s()
        sent_s: float | None = left_s
        try:
            with (
                Timeout(self._order.timeout_s),
                self._session.request(
                    prepared.method, url, name=prepared.name, data=body, headers=headers, catch_response=True
                ) as response,
            ):
                done_s = self.passed_s()
                error = getattr(response, "error", None) or response.request_meta["exception"]
                status = response.status_code or None
                if error is not None:
                    cause = cause_of(error)
                    if is_ours(cause):
                        sent_s = None
                    why = in_words(cause, timeout_s=self._order.timeout_s, status=status)
                elif prepared.status_only:
                    why = (
                        "" if status == prepared.expect.status else f"HTTP {status} instead of {prepared.expect.status}"
                    )
                else:
                    why = _shortcomings(prepared, response)
                if why:
                    why = self._shown(why)
                    response.failure(why)
                else:
                    response.success()
        except (Exception, Timeout) as error:  # noqa: BLE001 - whatever nonsense a target answers is an observation, never the end
            done_s = self.passed_s()
            why = self._shown(in_words(cause_of(error), timeout_s=self._order.timeout_s))
        finally:
            self.in_flight -= 1
        self._recorder.add(Row(target, journey, left_s if due_s is None else due_s, sent_s, done_s, status, why))
        if status == _UNAUTHORIZED and prepared.signed_in:
            self._sign_in_again(target)

    def never_sent(self, target: int, journey: int, due_s: float, why: str) -> None:
        """Record a request that was due and did not leave."""
        self._recorder.add(Row(target, journey, due_s, None, self.passed_s(), None, why))

    def _sign_in_again(self, target: int) -> None:
        """A rollback may end sessions; one attempt in two seconds is enough for all."""
        if time.monotonic() - self._signed_in_s[target] >= _SIGN_IN_PAUSE_S:
            self.sign_in(target)

    def _shown(self, why: str) -> str:
        """On one line, short, and without anything that was sent in confidence."""
        for secret in (*self._secrets, *filter(None, self._tokens)):
            why = why.replace(secret, "[redacted]")
        return " ".join(why.split())[:_WHY_CHARACTERS_MAX]


def _prepared(order: LoadOrder, target: LoadTarget, journey: LoadJourney) -> _Prepared:
    headers = {**target.headers, "Accept-Encoding": "identity"}
    body = None
    if journey.body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(dict(journey.body))
        if order.sign_in is not None:
            for name in ("email", "password"):
                # Quoted as JSON quotes it, without the quotes that stand there already.
                body = body.replace("{" + name + "}", json.dumps(getattr(order.sign_in, name))[1:-1])
    if not journey.cached:
        headers["Cache-Control"] = "no-cache"
    return _Prepared(
        name=f"{target.name} {journey.name}".strip(),
        method=journey.method,
        url=target.addresses[journey.part] + journey.path,
        headers=headers,
        body=body,
        expect=journey.expect,
        cached=journey.cached,
        signed_in=journey.signed_in,
        status_only=journey.expect == Expect(status=journey.expect.status),
    )


def _shortcomings(prepared: _Prepared, response: FastResponse) -> str:
    kind = response.headers.get("content-type", "") if response.headers is not None else ""
    answer = Answer(
        method=prepared.method,
        url=prepared.url,
        http_status=response.status_code,
        content_type=str(kind),
        body=response.content or b"",
        elapsed_ms=0,
    )
    return prepared.expect.shortcomings(answer)


def _secrets(order: LoadOrder) -> tuple[str, ...]:
    if order.sign_in is None:
        return ()
    return tuple(filter(None, (order.sign_in.password, order.sign_in.email)))
