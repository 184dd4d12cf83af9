"""Can the sign-in be bypassed? What protected paths answer to somebody without a right token. Source: the plan's IR-1.

A path is known to be closed when it opens for the right token, before and after, and refuses every wrong one: a client that was shut out
gets 403 on everything, and that is no lock. What was answered is not kept, since it may be somebody's data: status, type and size are.

Much of an API is meant for everybody, and no rule tells which part. So of the routes that the API describes itself those count that answer
now and refused when the baseline was recorded, and those that were not there before. Only what GET reads is asked for, and only what needs
nothing but a path and the test account's own id.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from random import SystemRandom
from typing import Any, Self

from pam_rollback.core.answer import Answer, read_json
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, listed
from pam_rollback.target.contract import USER_ID
from pam_rollback.target.known_before import NOTHING_TOLD, Finding, JudgedFindings

MADE_UP, FALSE_SIGNATURE, UNSIGNED, ALTERED = (
    "a made-up token",
    "a token with a false signature",
    "an unsigned token",
    "an altered token",
)
_MADE_UP = "pam-rollback-probe-that-must-be-refused"
_NOT_THE_KEY = b"pam-rollback-probe-not-the-key-of-the-product"
_PARTS = 3


def forged_from(token: str) -> Mapping[str, str]:
    """Give the forgeries by what they are called. A token that is no JWT (RFC 7519) can only be altered."""
    parts = token.split(".")
    head = _head(parts[0]) if len(parts) == _PARTS else None
    if head is None:
        return {MADE_UP: _MADE_UP, ALTERED: token[::-1] if token[::-1] != token else token + "x"}
    claims = parts[1]
    false = _encoded(hmac.new(_NOT_THE_KEY, f"{parts[0]}.{claims}".encode(), hashlib.sha256).digest())
    unsigned = _encoded(json.dumps({**head, "alg": "none"}).encode())
    return {
        MADE_UP: _MADE_UP,
        FALSE_SIGNATURE: f"{parts[0]}.{claims}.{false}",
        UNSIGNED: f"{unsigned}.{claims}.",
    }


def _head(text: str) -> dict[str, object] | None:
    try:
        head = read_json(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None
    return head if isinstance(head, dict) and "alg" in head else None


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


ITEM = "IR-1"
"""Security holes, of the plan's criteria."""
NO_TOKEN = "no token"  # noqa: S105 - what it is called
A_WRONG_PASSWORD, THE_RIGHT_PASSWORD = "a wrong password", "its own password"
_SHOWN = 4
_UNAUTHORIZED, _FORBIDDEN = 401, 403
_SUCCESS = range(200, 300)
_HTML = "text/html"


class Standing(Enum):
    """What one answer says of the door."""

    OPEN = "let in"
    REFUSED = "refused"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Attempt:
    """One request and what kind of answer came. ``problem`` says why there is no complete one."""

    credential: str
    http_status: int | None
    content_type: str
    size_bytes: int
    problem: str = ""
    empty: bool = False
    """Rows were asked for, and none was shown: row level security hides them from whoever it does not know."""

    @classmethod
    def of(cls, credential: str, answer: Answer, *, rows: bool = False) -> "Attempt":
        """Keep of the answer what says nothing of anybody."""
        problem = answer.problem
        if (
            not problem
            and answer.is_json_type
            and answer.body
            and answer.json is None
            and answer.body.strip() != b"null"
        ):
            problem = "not JSON although its content type says so"
        empty = rows and answer.json == []
        return cls(credential, answer.http_status, answer.content_type, len(answer.body), problem, empty)

    @property
    def is_page(self) -> bool:
        """A page instead of data: the front end's fallback, or somebody in between."""
        return self.content_type.partition(";")[0].strip().lower() == _HTML

    @property
    def accepted(self) -> bool:
        """A complete answer of success that is no page."""
        return self.http_status in _SUCCESS and not self.problem and not self.is_page

    @property
    def standing(self) -> Standing:
        """Let in, refused, or neither: an error, a page, or no answer says nothing of the door."""
        if self.accepted:
            return Standing.REFUSED if self.empty else Standing.OPEN
        refused = self.http_status in {_UNAUTHORIZED, _FORBIDDEN} and not self.problem
        return Standing.REFUSED if refused else Standing.UNKNOWN

    def __str__(self) -> str:
        """What came, without its content."""
        found = self.problem or f"HTTP {self.http_status} {self.content_type or 'without content type'}"
        return (
            f"{self.credential}: {found}, {self.size_bytes} bytes" if self.accepted else f"{self.credential}: {found}"
        )


@dataclass(frozen=True)
class Door:
    """One protected path: the wrong tokens, and the right one before and after them. Without ``right`` nobody had a right one."""

    path: str
    wrong: tuple[Attempt, ...]
    right: tuple[Attempt, ...] = ()
    opens_with: frozenset[int] = frozenset()
    """The statuses that the right token brings; empty: any success. A request that is refused for its content is let in first."""
    known: frozenset[str] = frozenset()
    """The wrong tokens for which it is known to be open."""

    @property
    def bypasses(self) -> tuple[Attempt, ...]:
        """The wrong tokens that were let in."""
        return tuple(one for one in self.wrong if one.standing is Standing.OPEN and one.credential not in self.known)

    def unknown(self) -> Iterator[str]:
        """Why this door is not known to be closed; nothing when it is."""
        if not self.wrong:
            yield f"{self.path}: nothing was tried"
        shut = [attempt for attempt in self.right if not self._opened(attempt)]
        if shut:
            yield f"{self.path} does not open for {shut[0]}"
        for attempt in self.wrong:
            if attempt.standing is Standing.UNKNOWN:
                yield f"{self.path} with {attempt}{self._as_with_the_right_one(attempt)}"
            elif attempt.empty and all(one.empty for one in self.right):
                yield f"{self.path} with {attempt}, and nobody had a row there that could have been shown"
            elif not self.right and attempt.http_status == _FORBIDDEN:
                yield f"{self.path} with {attempt}; without a test account nobody can tell a lock from a client that was shut out"

    def _as_with_the_right_one(self, attempt: Attempt) -> str:
        is_same = attempt.http_status in self.opens_with & {one.http_status for one in self.right}
        return ", as with the right one: a whole request, by hand, tells whether it is let in" if is_same else ""

    def _opened(self, attempt: Attempt) -> bool:
        if not self.opens_with:
            return attempt.accepted
        return attempt.http_status in self.opens_with and not attempt.problem and not attempt.is_page


@dataclass(frozen=True, repr=False)
class Access(Fact):
    """Every door that was tried, and what could not be tried."""

    doors: tuple[Door, ...]
    not_tried: tuple[str, ...] = ()
    told: JudgedFindings = NOTHING_TOLD
    """What of the doors that are open is known, and why the rest counts."""

    @property
    def bypasses(self) -> tuple[str, ...]:
        """Each wrong token that was let in, with its door."""
        return tuple(f"{door.path} with {attempt}" for door in self.doors for attempt in door.bypasses)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each wrong token that was let in, with its door."""
        return tuple(_let_in(door, attempt) for door in self.doors for attempt in door.bypasses)

    def without(self, told: JudgedFindings) -> Self:
        """Judged without the doors that are known to be open for such a token."""
        doors = tuple(
            replace(
                door,
                known=frozenset(one.credential for one in door.wrong if told.knows(_let_in(door, one).text)),
            )
            for door in self.doors
        )
        return replace(self, doors=doors, told=told)

    @property
    def tried(self) -> int:
        """How many requests must have been refused."""
        return sum(len(door.wrong) for door in self.doors)

    @property
    def let_in(self) -> int:
        """How many requests without a right token were let in. Raises MeasurementFailed when none was, and one door is not known."""
        unknown = [why for door in self.doors for why in door.unknown()] or (
            [] if self.doors else ["no path was tried"]
        )
        if unknown and not self.bypasses:
            raise MeasurementFailed(f"whether the sign-in can be bypassed is not known: {listed(unknown, _SHOWN)}")
        return len(self.bypasses)

    @property
    def measured(self) -> Measured:
        """How many wrong tokens were let in."""
        credentials = dict.fromkeys(attempt.credential for door in self.doors for attempt in door.wrong)
        definition = f"on {len(self.doors)} paths, each with {', '.join(credentials)}" if self.doors else ""
        return Measured(
            what="requests let in without a right token",
            asked="0",
            value=len(self.bypasses),
            n=self.tried,
            definition="; ".join(filter(None, (definition, *(f"not tried: {what}" for what in self.not_tried)))),
            sentence=self._sentence,
        )

    def as_csv(self) -> str:
        """Every attempt on a line, for the report: no content, no token."""
        lines = ["path,token,standing,status,content type,bytes,problem"]
        for door in self.doors:
            tried = [*((one, "right token") for one in door.right), *((one, one.standing.value) for one in door.wrong)]
            for attempt, standing in tried:
                cells = (door.path, attempt.credential, standing, attempt.http_status or "", attempt.content_type)
                lines.append(",".join(f'"{cell}"' for cell in (*cells, attempt.size_bytes, attempt.problem)))
        return "\n".join(lines) + "\n"

    @property
    def _sentence(self) -> str:
        if self.bypasses:
            new = [
                f"{door.path} with {attempt}"
                for door in self.doors
                for attempt in door.bypasses
                if not self.told.is_old(_let_in(door, attempt).text)
            ]
            unknown = [f"not known of {why}" for door in self.doors for why in door.unknown() if self.told.unanswered]
            # What a baseline tells from the rest is named one by one.
            named = "; ".join(new) if self.told.compared else listed(new, _SHOWN)
            return (
                f"{len(self.bypasses)} of {self.tried} requests without a right token were let in, expected 401 or 403 for all: "
                f"{self.told.after(named, blind=listed(unknown, _SHOWN))}{self.told.advice}"
            )
        return f"{self.tried} requests without a right token, none let in"


def _let_in(door: Door, attempt: Attempt) -> Finding:
    return Finding(ITEM, door.path, f"lets in {attempt.credential}", pattern=f"{door.path}: lets in *")


Answered = Mapping[str, bool | None]
"""By route: whether it answered without a token (True), refused (False), or neither was seen (None)."""
_SAYS = {Standing.OPEN: True, Standing.REFUSED: False, Standing.UNKNOWN: None}
_SAYS_NOTHING_FROM = 429
"""Too many requests, and what a broken service answers."""


def routes_in(description: Any) -> tuple[str, ...] | None:
    """What GET reads by its path alone; None when this is no description of an API (OpenAPI)."""
    paths = description.get("paths") if isinstance(description, dict) else None
    if not isinstance(paths, dict):
        return None
    reads = {
        path: one["get"] for path, one in paths.items() if isinstance(one, dict) and isinstance(one.get("get"), dict)
    }
    return tuple(
        sorted(
            path
            for path, read in reads.items()
            if "{" not in path.replace(USER_ID, "")
            and not any(one.get("required") and one.get("in") == "query" for one in read.get("parameters", ()))
        )
    )


@dataclass(frozen=True, repr=False)
class Routes(Fact):
    """What was answered without a token. ``described``: all that there are."""

    described: tuple[str, ...]
    before: Answered
    attempts: Mapping[str, Attempt]

    @property
    def answered(self) -> Answered:
        """As a baseline has it."""
        return dict.fromkeys(self.described) | {route: _SAYS[one.standing] for route, one in self.attempts.items()}

    @property
    def opened(self) -> tuple[str, ...]:
        """Those that answer now, and did not before."""
        return tuple(f"GET {route} with {self.attempts[route]}" for route, is_open in self.answered.items() if is_open)

    @property
    def let_in(self) -> int:
        """How many were opened. Raises MeasurementFailed when none was, and one did not answer."""
        silent = [
            f"GET {route} with {one}"
            for route, one in self.attempts.items()
            if one.http_status is None or one.http_status >= _SAYS_NOTHING_FROM
        ]
        if self.before and not self.attempts:
            raise MeasurementFailed("whether routes were opened to strangers is not known: none could be asked for")
        if silent and not self.opened:
            raise MeasurementFailed(f"whether routes were opened to strangers is not known: {listed(silent, _SHOWN)}")
        return len(self.opened)

    @property
    def unproven(self) -> str:
        """What was not looked at, because the API describes itself nowhere, or did not before."""
        return (
            "" if self.before else "without a token only the contract's paths were tried: the API describes no others"
        )

    @property
    def measured(self) -> Measured:
        """How many were opened."""
        looked = f"{len(self.attempts)} of {len(self.described)} routes were asked for without a token"
        answer = f"{len(self.opened)} answer, and did not when the baseline was recorded: {listed(self.opened, _SHOWN)}"
        return Measured(
            what="routes that answer without a token, and did not before",
            asked="0",
            value=len(self.opened),
            n=len(self.attempts),
            definition=self.unproven or f"of {len(self.described)} that GET reads by their path: new ones, then by lot",
            sentence=f"{looked}, {answer if self.opened else 'none was opened'}",
        )


def drawn(described: tuple[str, ...], before: Answered, most: int) -> list[str]:
    """Those to ask for now: what is new in the description first, then by lot of what refused before."""
    refused = [route for route in described if before.get(route) is False]
    SystemRandom().shuffle(refused)
    return [*(route for route in described if route not in before), *refused][:most]
