"""What one health endpoint told us: judged by the contract of the product, on the whole answer and never on one part of it alone.

Source: the plan's health checks HC-1 to HC-5, and the audit of the plan's script (a 200 from the single-page fallback, a 200 that says
unhealthy, and a 503 that says healthy all pass there).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pam_rollback.core.answer import Answer
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.target.conditions import Captured, ConditionResult, Nowhere, has_value, held_against, value_at
from pam_rollback.target.contract import ANY_STATUS, Component
from pam_rollback.target.health_body import HEALTHY, commit_named, names_a_release, objections, release_named
from pam_rollback.target.known_before import NOTHING_TOLD, Finding, JudgedFindings

_AGE_MAX_S = 60.0
"""An answer that a cache has kept for longer says nothing of now."""
_TIMESTAMP_AGE_MAX = timedelta(days=1)
"""More than any time zone that was left out, and than any clock that is merely wrong."""
_EPOCH_FROM_S, _EPOCH_FROM_MS = 1e8, 1e11
"""Smaller numbers are no moments: an uptime, say."""
_STALE_WARNINGS = ("110", "111", "112")


def kept(answer: Answer, now: datetime | None) -> str:
    """Why the answer is not of now: whoever kept it says so, or its ``timestamp`` is long past. Empty when nothing says that."""
    age = answer.headers.get("age", "")
    if age.isdecimal() and float(age[:9]) > _AGE_MAX_S:
        return f"a cache answered, with what it has kept for {age[:9]} s (Age), although it was asked not to"
    warning = answer.headers.get("warning", "")
    if warning.startswith(_STALE_WARNINGS):
        return f"a cache answered, and says that it may be stale (Warning: {warning[:40]})"
    body: Any = answer.json
    told = moment(body.get("timestamp")) if isinstance(body, dict) else None
    made = _date(answer) or now
    if told is not None and made is not None and made - told > _TIMESTAMP_AGE_MAX:
        return (
            f"its timestamp {body['timestamp']!r} is {(made - told).days} days old: a recorded answer, or a wrong clock"
        )
    return ""


def moment(told: object) -> datetime | None:
    """A moment as text, or as seconds or milliseconds since 1970; None where it is none."""
    try:
        if isinstance(told, str):
            found = datetime.fromisoformat(told)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(told, (int, float)) and not isinstance(told, bool) and told > _EPOCH_FROM_S:
            return datetime.fromtimestamp(told / 1000 if told > _EPOCH_FROM_MS else told, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _date(answer: Answer) -> datetime | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - brings socket along, which loading a contract does without

    try:
        found = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_OK = 200
_SHOWN_OBJECTIONS = 3
NO_WORD = "JSON without a status"
"""What is found where an answer does not say how it is."""


@dataclass(frozen=True)
class Judgement:
    """What came of it. ``problems`` are sentences, the most telling first; empty for a healthy answer."""

    problems: tuple[str, ...]
    results: tuple[ConditionResult, ...]
    not_known: str = ""
    """Why a good answer tells nothing of now."""

    @property
    def healthy(self) -> bool:
        """Nothing is wrong with what was answered."""
        return not self.problems

    @property
    def proves_health(self) -> bool:
        """Healthy, and of now."""
        return self.healthy and not self.not_known


def judge(component: Component, captured: Captured) -> Judgement:
    """Judge one answer. Nothing that a service can say raises."""
    results = tuple(held_against(condition, captured) for condition in component.conditions)
    problems = tuple(_problems(component, captured))
    # An answer that is bad is bad, whoever kept it.
    not_known = "" if problems or component.files else kept(captured.answer, captured.now)
    return Judgement(problems, results, not_known)


def release_of(component: Component, answer: Answer) -> str:
    """The release that the answer names; empty when it names none."""
    body: Any = answer.json
    if component.release is None:
        return release_named(body) if isinstance(body, dict) else ""
    try:
        named = value_at(body, component.release)
    except Nowhere:
        return ""
    return named.strip() if isinstance(named, str) and names_a_release(named) else ""


def word_of(answer: Answer) -> str:
    """What the answer says of itself: its ``status``, or what was found where there is none."""
    found = unreadable(answer)
    if found:
        return found
    body = answer.json
    status = body.get("status") if isinstance(body, dict) else None
    return status if isinstance(status, str) else NO_WORD


def unreadable(answer: Answer) -> str:
    """Why the answer cannot be read as JSON, in words; empty when it can."""
    if answer.problem:
        return answer.problem
    if answer.redirected_to:
        return f"a redirect to {answer.redirected_to}"
    if not answer.is_json_type:
        page = " (the single-page fallback answers 200 for any path)" if answer.http_status == _OK else ""
        return f"not JSON but {answer.content_type or 'no content type'}{page}"
    if answer.json_problem:
        return f"not JSON although its content type says so ({answer.json_problem})"
    return ""


def contradiction(component: Component, answer: Answer) -> str:
    """What in the rest of the body speaks of a fault, in words; empty when nothing does."""
    body = answer.json
    if not component.whole or not isinstance(body, dict):
        return ""
    found = objections(body, component.optional)
    more = f" (and {len(found) - _SHOWN_OBJECTIONS} more)" if len(found) > _SHOWN_OBJECTIONS else ""
    return f"{', '.join(found[:_SHOWN_OBJECTIONS])}{more}"


def body_problems(component: Component, captured: Captured) -> Iterator[str]:
    """What is wrong with what the answer says, whatever its HTTP status is."""
    results = (held_against(condition, captured) for condition in component.conditions)
    unmet = [str(result) for result in results if not result.met]
    yield from unmet
    # A body that is ill by its own word contradicts nothing.
    if not unmet and (found := contradiction(component, captured.answer)):
        yield f"healthy at its top only: {found}"


def _problems(component: Component, captured: Captured) -> Iterator[str]:
    answer = captured.answer
    if answer.problem:
        yield answer.problem
        return
    if answer.redirected_to:
        yield f"a redirect to {answer.redirected_to}"
    yield from body_problems(component, captured)
    if component.http_status not in {ANY_STATUS, answer.http_status}:
        yield f"HTTP status is {answer.http_status}, expected {component.http_status}"


_SHOWN_COMMIT = 12


@dataclass(frozen=True, repr=False)
class HealthReport(Fact):
    """One health answer, in words that a person can act on."""

    name: str
    component: Component
    captured: Captured
    judgement: Judgement
    known: bool = False
    """It is as ill as it was before, and somebody answers for that."""
    told: JudgedFindings = NOTHING_TOLD
    """Whether its illness is known, and why it counts if not."""

    @classmethod
    def of(cls, component: Component, answer: Answer, *, now: datetime | None = None) -> "HealthReport":
        """Read the answer; nothing that a service can say raises. ``now`` is when it was captured."""
        captured = Captured(answer, now or datetime.now(UTC))
        return cls(component.title, component, captured, judge(component, captured))

    @property
    def answer(self) -> Answer:
        """As it was captured."""
        return self.captured.answer

    @property
    def http_status(self) -> int | None:
        """None when nothing was answered."""
        return self.answer.http_status

    @property
    def status(self) -> str:
        """The body's own word ("healthy", "degraded", …), or what was found instead: no such word, or a body that contradicts it."""
        if self.judgement.healthy and unreadable(self.answer):
            return HEALTHY
        word = word_of(self.answer)
        against = contradiction(self.component, self.answer)
        only_at_the_top = against and not self._unmet
        return f"{word} at its top only: {against}" if only_at_the_top else word

    @property
    def release(self) -> str:
        """The release that the answer names; empty when it names none."""
        return release_of(self.component, self.answer)

    @property
    def commit(self) -> str:
        """The commit that the answer names beside its release; empty when it names none."""
        body = self.answer.json if self.component.names_release else None
        return commit_named(body) if isinstance(body, dict) else ""

    @property
    def build(self) -> str:
        """Its release, with the commit where one is named."""
        return f"{self.release or 'unknown'}{f' of commit {self.commit[:_SHOWN_COMMIT]}' if self.commit else ''}"

    @property
    def not_known(self) -> str:
        """Why a good answer tells nothing of now (a cache gave it); empty when it does tell."""
        return self.judgement.not_known

    @property
    def problems(self) -> tuple[str, ...]:
        """Where the answer is not what the contract asks for; empty where that is known of it."""
        return () if self.known else self.judgement.problems

    @property
    def healthy(self) -> bool:
        """The answer is what the contract asks for, or it is known not to be."""
        return not self.problems

    @property
    def cause(self) -> str:
        """What stood in the way of its word, and in that of others; empty where it has said itself how it is."""
        body = self.answer.json
        subjects = (one.condition.pointer for one in self.judgement.results)
        spoke = any(pointer is not None and has_value(body, pointer) for pointer in subjects)
        return "" if spoke or self.judgement.healthy else self.answer.cause

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with it; nothing when it is healthy."""
        return () if is_healthy(self) else (Finding(self.component.item, self.name, self.symptom),)

    def without(self, told: JudgedFindings) -> "HealthReport":
        """Judged without what is known of it."""
        return replace(self, known=bool(told.known), told=told)

    @property
    def reachable(self) -> bool:
        """Something answered, whatever it said."""
        return self.answer.http_status is not None

    @property
    def measured(self) -> Measured:
        """What was answered."""
        http = f"HTTP {self.http_status or 'none'}"
        word = HEALTHY if self.healthy and self.status == NO_WORD else self.status
        # The table cuts what is long: what tells it from a healthy answer comes first.
        found = f"{http}, not healthy" if word == NO_WORD else f"{word}, {http}"
        again = f"asked once more: {self.answer.earlier} the first time" if self.answer.earlier else ""
        return Measured(
            self.name, self.component.asked, found, n=1, definition=again, sentence=self._sentence, cause=self.cause
        )

    @property
    def symptom(self) -> str:
        """What is wrong, without what differs between two looks: the body's word, the HTTP status, the conditions that are not met."""
        unmet = [
            f"{one.condition.subject} is not {one.condition.asked}"
            for one in self.judgement.results
            if not one.met and one.condition.pointer != "/status"
        ]
        return ", ".join([f"{self.status}, HTTP {self.http_status or 'none'}", *unmet])

    @property
    def _unmet(self) -> list[str]:
        return [str(result) for result in self.judgement.results if not result.met]

    @property
    def _wanted(self) -> str:
        """What is missing, where the answer's own word does not say it."""
        if self.healthy or unreadable(self.answer):
            return ""
        usual = [
            str(one)
            for one in self.judgement.results
            if one.condition.pointer == "/status" and one.condition.equals == HEALTHY
        ]
        told = [unmet for unmet in self._unmet if unmet not in usual]
        if self.component.http_status not in {_OK, ANY_STATUS, self.http_status}:
            told.append(f"expected HTTP {self.component.http_status}")
        return "".join(f", {one}" for one in told)

    @property
    def _ill_parts(self) -> str:
        """Which parts say why, where the answer's own word is that it is not well: the first thing that a person wants to know."""
        found = contradiction(self.component, self.answer) if self._unmet else ""
        return f" ({found})" if found else ""

    @property
    def _sentence(self) -> str:
        release = f", release {self.release}" if self.release else ""
        kept = f", but nothing is known of now: {self.not_known}" if self.not_known else ""
        said = "gives no whole answer" if self.answer.problem else f"says {self.status}"
        if self.status == NO_WORD and self.component.http_status not in {ANY_STATUS, self.http_status}:
            said = f"answers HTTP {self.http_status}, {NO_WORD}"
        told = self.told.after(f"{self.name} {said}{self._ill_parts}{release}{self._wanted}{kept}")
        return f"{told} ({self.answer}){self.told.advice}"


@dataclass(frozen=True, repr=False)
class HealthAround(Fact):
    """What all health endpoints said before something was recorded, and after it. What is recorded while one is ill is not normal."""

    before: tuple[HealthReport, ...]
    after: tuple[HealthReport, ...]
    told: JudgedFindings = NOTHING_TOLD
    """What of it somebody answers for."""

    @property
    def well(self) -> bool:
        """Every endpoint was healthy both times, or somebody answers for it; of the same release, and there were some."""
        return bool(self.before) and bool(self.after) and not self._counting

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a baseline has of it as red."""
        return tuple(finding for report in self.red for finding in report.findings)

    def without(self, told: JudgedFindings) -> "HealthAround":
        """Judged without what somebody answers for."""
        return replace(self, told=told)

    @property
    def one_release(self) -> bool:
        """No part changed its release meanwhile: what was recorded is of one."""
        return not self._changed

    @property
    def releases(self) -> tuple[str, ...]:
        """What runs now, by those that are meant to name it: a constant is no release's name."""
        return tuple(report.release for report in self.after if report.component.names_release)

    @property
    def red(self) -> tuple[HealthReport, ...]:
        """What was not healthy, before or after; each symptom of an endpoint once."""
        ill = (report for report in (*self.before, *self.after) if not is_healthy(report))
        return tuple({(report.name, report.symptom): report for report in ill}.values())

    @property
    def measured(self) -> Measured:
        """How many answers were not healthy."""
        known = f", or known: {self.told}" if self.told.known else ""
        ill = "; ".join(self._counting) + self.told.advice if self._counting else ""
        return Measured(
            what="health, before and after",
            asked="healthy, HTTP 200",
            value=f"{len(self._counting)} not healthy",
            n=len(self.before) + len(self.after),
            sentence=ill or f"all {len(self.before)} health endpoints were healthy before and after{known}",
        )

    @property
    def _counting(self) -> list[str]:
        return [
            f"{when}: {report}"
            for when, reports in (("before", self.before), ("after", self.after))
            for report in reports
            if not all(self.told.knows(finding.text) for finding in report.findings)
        ] + self._changed

    @property
    def _changed(self) -> list[str]:
        return [
            f"{now.name} ran release {was.build} before and {now.build} after"
            for was, now in zip(self.before, self.after, strict=False)
            if (was.release, was.commit) != (now.release, now.commit)
        ]


def is_healthy(report: HealthReport) -> bool:
    """The whole body and the status agree, and they are of now."""
    return report.healthy and not report.not_known
