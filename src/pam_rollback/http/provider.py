"""One way of asking a provider: a good answer, or one ProviderError that can be acted on at 3 a.m.

* A read is asked again after no answer, a broken one, one that cannot be read, a 429 and the errors of a gateway. A change is sent
  again only when nothing of it was sent, or when it was refused with a 429 and so was not done; after anything else it may have been
  done, and whoever asked looks first.
* After a 429 nobody asks the same before the moment that the provider's own header names; where it names none, waits double, with
  jitter. The limit of one kind of change holds up no other one, and no reads.
* All tries of an operation together have a time limit. Redirects are failures: following one would repeat a change without its body.

In one module: tries, limits and words are of one request: what may be sent again depends on how it failed.
"""

import random
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import ProviderError
from pam_rollback.core.outside_text import cut
from pam_rollback.core.wait import Waiter, before_change
from pam_rollback.http.client import fetch

Complaint = Callable[[str, object], ProviderError]
"""Makes the error from what was expected and what was found."""


@dataclass(frozen=True)
class JsonObject:
    """One JSON object, and who complains about it. ``what`` names it in messages, such as "a deploy"."""

    document: Mapping[str, Any]
    what: str
    complaint: Complaint

    @classmethod
    def of(cls, document: object, what: str, complaint: Complaint) -> "JsonObject":
        """Take what should be an object."""
        if not isinstance(document, dict):
            raise complaint(f"expected {what} as a JSON object", _shown(document))
        return cls(document, what, complaint)

    def text(self, name: str) -> str:
        """A text that has to be there."""
        value = self.document.get(name)
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "a text", value)
        return value

    def text_or_none(self, name: str) -> str:
        """A text; empty where it is null or absent."""
        value = self.document.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "a text or null", value)
        return value or ""

    def truth(self, name: str) -> bool:
        """A truth value; false where it is null or absent."""
        value = self.document.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true, false or null", value)
        return bool(value)

    def moment(self, name: str) -> datetime | None:
        """A moment with its time zone; None where it is null or absent."""
        value = self.text_or_none(name)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise self._wrong(name, "a moment (RFC 3339)", value) from None
        if moment.tzinfo is None:
            raise self._wrong(name, "a moment with its time zone", value)
        return moment

    def inner(self, name: str) -> "JsonObject | None":
        """An object in it; None where it is null or absent."""
        value = self.document.get(name)
        return None if value is None else JsonObject.of(value, f"{self.what} with {name!r}", self.complaint)

    def inside(self, name: str) -> "JsonObject":
        """An object in it that has to be there."""
        found = self.inner(name)
        if found is None:
            raise self._wrong(name, "an object", None)
        return found

    def same(self, name: str, expected: str) -> None:
        """Refuse an answer about something else."""
        found = self.text(name)
        if found != expected:
            raise self.complaint(
                f"expected {self.what} with {name} {expected}", f"{name} {found}: its answer is about something else"
            )

    def _wrong(self, name: str, expected: str, found: object) -> ProviderError:
        shown = (
            _shown(found) if name in self.document else f"none among {', '.join(sorted(self.document)) or 'no fields'}"
        )
        return self.complaint(f"expected {self.what} with {name!r} as {expected}", shown)


def _shown(value: object) -> str:
    return repr(value)


MAX_BODY_BYTES = 16 << 20
"""A page of a hundred deploys is far smaller."""
DEADLINE_S = 10.0
"""One request, from the name look-up to the end of the body."""
PATIENCE_S = 60.0
"""All tries of one operation. It is also how long nobody asks again when a limit was met and the answer does not say."""
_TRIES_MAX = 6
_UNREADABLE_MAX = 3
"""Reads of an answer that is no JSON although its content type says so: a hiccup is over by then, and nobody waits long for a bug."""
_SHORTEST_S = 0.1
_FIRST_WAIT_S, _WAIT_MAX_S = 0.25, 8.0
_EPOCH_FROM = 1e9
"""A reset that is larger is a moment, a smaller one a length of time."""
_RESET_MAX_S, _TOLD_MAX_S = 120.0, 86_400.0
"""Longer is nonsense: of a moment, and of a length of time."""
_GATEWAY = frozenset({500, 502, 503, 504})
_SHOWN_CHARACTERS = 200
_UNCLEAR = "; it may have been done all the same: look before you do it again"
_TOKEN = re.compile(r"[\x21-\x7e]+")

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Provider:
    """What differs between providers: names, addresses, headers, and what to do about a status."""

    name: str
    api_url: str
    reset_header: str
    """In lower case: when the limit of requests is lifted, as seconds since 1970 or from now."""
    limit_header: str
    status_page: str
    settings: str
    """Where its address is set, such as ``[tracker] api_url``."""
    secret: str
    """Where its token comes from, such as ``[secrets] tracker_token_env``."""
    advice: Mapping[int, str]
    id_header: str = "x-request-id"
    """In lower case: how it names a request, for whoever asks its support."""
    changes_users: bool = True
    """What is written there changes what users see, so whoever lost the lock may not."""


@dataclass(frozen=True)
class Asking:
    """How a provider is asked. ``patience_s`` is for tries after the first; 0: one try, no wait."""

    waiter: Waiter = field(default_factory=Waiter)
    deadline_s: float = DEADLINE_S
    patience_s: float = PATIENCE_S


@dataclass
class ProviderApi:
    """One token's view of a provider. The token is in no message. Waits end when a stop is asked for (StopRequested)."""

    provider: Provider
    token: str = field(repr=False)
    deadline_s: float = DEADLINE_S
    patience_s: float = PATIENCE_S
    """0: one try, no wait."""
    waiter: Waiter = field(default_factory=Waiter)
    date: str = ""
    """The moment that the latest answer claims (HTTP ``Date``); empty when none did."""
    before_first_change: Callable[[], object] | None = None
    """Asked before anything is changed there: raises when that is not what may be changed."""
    _not_before_s: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def ask(
        self,
        operation: str,
        path: str,
        *,
        method: str = "GET",
        query: Query = (),
        json: Any = None,
        body: bytes | None = None,
        expected: Collection[int] = (HTTPStatus.OK,),
        repeatable: bool | None = None,
        reads: bool | None = None,
        deadline_s: float | None = None,
    ) -> Answer:
        """Ask until there is an answer with an expected status; ``operation`` says what for, in the words of a message.

        ``repeatable`` says that doing it twice is the same as doing it once; without it only what reads is. ``reads`` says that nothing is
        changed; without it only a GET does none.
        """
        reads = method == "GET" if reads is None else reads
        request = _Request(operation, path, method, query, json, body, deadline_s or self.deadline_s, reads)
        repeatable = reads if repeatable is None else repeatable
        self._check_token(request)
        end_s = self._now_s() + self.patience_s
        for attempt in range(1, _TRIES_MAX + 1):
            self._hold(request, end_s)
            if not request.reads and self.provider.changes_users:
                if self.before_first_change is not None:
                    self.before_first_change()
                    self.before_first_change = None
                before_change(f"{operation} ({self.provider.name})")
            left_s = end_s - self._now_s() if attempt > 1 else request.deadline_s
            answer = self._send(request, min(request.deadline_s, max(left_s, _SHORTEST_S)))
            good = answer.complete and answer.http_status in expected
            # A body that cannot be read says nothing of what is there: a read is made again, a change is looked for by whoever asked.
            read_again = good and reads and bool(answer.json_problem) and attempt < _UNREADABLE_MAX
            if good and not read_again:
                return answer
            wait_s = self._wait_s(request, answer, attempt, repeatable=repeatable)
            if read_again and (wait_s is None or self._now_s() + wait_s >= end_s):
                return answer
            if wait_s is None or attempt == _TRIES_MAX or self._now_s() + wait_s >= end_s:
                raise self._refusal(request, answer, attempt, expected)
            self.waiter.pause(wait_s)
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def ask_told(self, operation: str, path: str, what: str, **options: Any) -> JsonObject:
        """Ask, and give the JSON object of the answer; ``what`` names it in messages."""
        return self.told(operation, self.ask(operation, path, **options), what)

    def told(self, operation: str, answer: Answer, what: str) -> JsonObject:
        """Give the JSON object of a good answer. Raises ProviderError when it has none."""
        return JsonObject.of(self.document(operation, answer), what, self._complaint(operation, answer))

    def told_list(self, operation: str, answer: Answer, what: str) -> list[JsonObject]:
        """Give the JSON objects of a good answer that is a list."""
        complaint, document = self._complaint(operation, answer), self.document(operation, answer)
        if not isinstance(document, list):
            raise complaint(f"expected a list, each {what}", document)
        return [JsonObject.of(item, what, complaint) for item in document]

    def document(self, operation: str, answer: Answer) -> Any:
        """Give the JSON of a good answer, whatever it is."""
        if answer.json is None:
            found = f"HTTP {answer.http_status} {answer.content_type or 'without content type'} {answer.text!r}"
            why = f" ({answer.json_problem})" if answer.json_problem else ""
            raise self._unexpected(operation, answer, "expected JSON", found + why)
        return answer.json

    def part_of_path(self, operation: str, text: str) -> str:
        """Quote an id for a path. Raises ProviderError for one that would ask for something else, such as an empty one for the list."""
        if not text or text in {".", ".."} or not text.isprintable():
            raise ProviderError(
                f"{self.provider.name}, {operation}: not asked: expected an id, found {text!r}; give the one that the provider shows",
                provider=self.provider.name,
                operation=operation,
                sent=False,
            )
        return quote(text, safe="")

    def _complaint(self, operation: str, answer: Answer) -> Complaint:
        return lambda expected, found: self._unexpected(operation, answer, expected, found)

    def _unexpected(self, operation: str, answer: Answer, expected: str, found: object) -> ProviderError:
        """Give the error for an answer that came, and that is not what the provider's document says."""
        name = self.provider.name
        path = answer.url.removeprefix(self.provider.api_url).partition("?")[0]
        done = "" if answer.method == "GET" else _UNCLEAR
        return ProviderError(
            f"{name}, {operation} ({answer.method} {path}): {expected}, found {self._clean(str(found))}, {self._request_id(answer)}; "
            f"does something else answer in {name}'s place ({self.provider.settings}), or has its API changed?{done}",
            provider=name,
            operation=operation,
            http_status=answer.http_status,
        )

    def _now_s(self) -> float:
        return self.waiter.clock.monotonic_s()

    def _send(self, request: "_Request", deadline_s: float) -> Answer:
        answer = fetch(
            f"{self.provider.api_url}{request.path}?{urlencode(request.query)}".rstrip("?"),
            method=request.method,
            headers=request.headers | {"Authorization": f"Bearer {self.token}"},
            json=request.json,
            body=request.body,
            deadline_s=deadline_s,
            max_body_bytes=MAX_BODY_BYTES,
        )
        self.date = answer.headers.get("date", self.date if answer.problem else "")
        return answer

    def _check_token(self, request: "_Request") -> None:
        if _TOKEN.fullmatch(self.token):
            return
        found = "it is empty" if not self.token else "it has blanks, a line break or other characters that no token has"
        raise self._error(
            request, f"not asked: the token of {self.provider.secret} is none: {found}; export it again", sent=False
        )

    def _hold(self, request: "_Request", end_s: float) -> None:
        """Wait until the limit of requests is lifted, if that is within the time; else do not ask."""
        wait_s = self._not_before_s.get(request.kind, 0.0) - self._now_s()
        if wait_s <= 0:
            return
        if self._now_s() + wait_s >= end_s:
            what = f"not asked: its limit of requests was met, ask again in {wait_s:.0f} s"
            raise self._error(request, what, status=HTTPStatus.TOO_MANY_REQUESTS, sent=False)
        self.waiter.pause(wait_s)

    def _wait_s(self, request: "_Request", answer: Answer, attempt: int, *, repeatable: bool) -> float | None:
        """How long to wait before the next try; None when there must be none."""
        backoff_s = min(_WAIT_MAX_S, _FIRST_WAIT_S * 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
        if self._limited(answer):
            told_s = self._reset_s(answer)
            hold_s = told_s or (PATIENCE_S if self.patience_s <= 0 else backoff_s)
            self._not_before_s[request.kind] = self._now_s() + hold_s
            return hold_s
        if not answer.sent:
            return backoff_s
        failed = answer.http_status is None or bool(answer.problem) or answer.http_status in _GATEWAY
        failed = failed or bool(answer.json_problem)
        return backoff_s if repeatable and failed else None

    def _limited(self, answer: Answer) -> bool:
        """A limit was met. GitHub says so with a 403, too: by what is left, or by its words about a secondary limit."""
        if answer.http_status != HTTPStatus.FORBIDDEN:
            return answer.http_status == HTTPStatus.TOO_MANY_REQUESTS
        spent = answer.headers.get(self.provider.limit_header) == "0"
        return spent or "retry-after" in answer.headers or "rate limit" in answer.text.lower()

    def _reset_s(self, answer: Answer) -> float | None:
        """How long until the limit is lifted, by the later of what is told; None when nothing is, or only nonsense."""
        own, later = (answer.headers.get(name, "") for name in (self.provider.reset_header, "retry-after"))
        # With a 403 the limit of an hour stands beside it, which may be far from met.
        told = [later] if answer.http_status == HTTPStatus.FORBIDDEN and later else [own, later]
        return max((lasts_s for one in told if (lasts_s := _lasts_s(one, answer)) is not None), default=None)

    def _refusal(self, request: "_Request", answer: Answer, attempts: int, expected: Collection[int]) -> ProviderError:
        status = answer.http_status
        tried = f" ({attempts} tries)" if attempts > 1 else ""
        if answer.problem or status is None:
            what = f"{answer.problem or 'no answer'}{tried}"
            advice = f"can this machine reach {self.provider.api_url}? See {self.provider.status_page}"
        else:
            what = f"HTTP {status}, {self._words(answer)}, {self._request_id(answer)}{tried}"
            advice = self._advice(request, status, answer, expected)
        refused = status is not None and not answer.problem and status < HTTPStatus.INTERNAL_SERVER_ERROR
        unclear = not request.reads and answer.sent and not refused
        return self._error(request, f"{what}; {advice}{_UNCLEAR if unclear else ''}", sent=answer.sent, status=status)

    def _request_id(self, answer: Answer) -> str:
        said = answer.json if isinstance(answer.json, dict) else {}
        failed = answer.http_status is not None and answer.http_status >= HTTPStatus.BAD_REQUEST
        names = ("x-request-id", self.provider.id_header, "cf-ray")
        found = (said.get("id") if failed else None) or next(filter(None, map(answer.headers.get, names)), "")
        return f"request {found}" if found else "without a request id"

    def _advice(self, request: "_Request", status: int, answer: Answer, expected: Collection[int]) -> str:
        """What to do about an answer that is not the expected one."""
        if self._limited(answer):
            limit = answer.headers.get(self.provider.limit_header, "unknown")
            wait_s = max(1.0, self._not_before_s[request.kind] - self._now_s())
            return f"its limit ({limit} requests) was met, ask again in {wait_s:.0f} s; who else uses this token?"
        if status < HTTPStatus.MULTIPLE_CHOICES:
            good = " or ".join(str(int(one)) for one in expected)
            return f"expected HTTP {good}: look at {self.provider.name} before you do it again"
        if status < HTTPStatus.BAD_REQUEST:
            elsewhere = answer.headers.get("location", "without an address")
            return f"it points elsewhere ({elsewhere}), which is not followed: see {self.provider.settings}"
        return self.provider.advice.get(status, f"see {self.provider.status_page}")

    def _words(self, answer: Answer) -> str:
        """The provider's own words: of its envelope, or the text as it came."""
        said = answer.json
        if isinstance(said, dict):
            found = next((said[name] for name in ("message", "error", "errors") if said.get(name)), None)
            if found is not None:
                return self._clean(str(found))
        return self._clean(answer.text) or "no body"

    def _clean(self, text: str) -> str:
        line = " ".join(text.split())
        if self.token:
            line = line.replace(self.token, "(the token)")
        return cut(line, _SHOWN_CHARACTERS)

    def _error(self, request: "_Request", what: str, *, status: int | None = None, sent: bool = True) -> ProviderError:
        place = f"{self.provider.name}, {request.operation} ({request.method} {request.path})"
        return ProviderError(
            f"{place}: {what}",
            provider=self.provider.name,
            operation=request.operation,
            http_status=status,
            sent=sent,
        )


@dataclass(frozen=True)
class _Request:
    operation: str
    path: str
    method: str
    query: Query
    json: Any
    body: bytes | None
    deadline_s: float
    reads: bool

    @property
    def kind(self) -> str:
        """What shares a limit: all reads, or one change."""
        return "GET" if self.reads else f"{self.method} {self.path}"

    @property
    def headers(self) -> dict[str, str]:
        """Beside the token."""
        raw = {"Content-Type": "application/octet-stream"} if self.body is not None else {}
        return {"Accept": "application/json", **raw}


def _lasts_s(told: str, answer: Answer) -> float | None:
    try:
        reset = float(told)
    except ValueError:
        return None
    # A moment is as good as two clocks; a length of time is what the provider says.
    moment = reset >= _EPOCH_FROM
    wait_s = reset - _claimed_now(answer) if moment else reset
    return wait_s if 0 < wait_s <= (_RESET_MAX_S if moment else _TOLD_MAX_S) else None


def _claimed_now(answer: Answer) -> float:
    """The provider's own clock, so that one that is off here does not matter."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()
