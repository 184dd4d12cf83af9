"""What was red before and is still red: somebody answers for it, until a day. What is new decides.

Two things make a finding known, and neither does alone: a baseline that has it, and a waiver of the environment that names it. A baseline
by itself may be of the incident; a waiver by itself may be of what was put right long ago. Decided in docs/decisions/0038.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Protocol, Self, TypeVar

from pam_rollback.environment.environment_tables import Waiver

_SHOWN = 3
_NUMBER = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b|(?<!\d)(?<!HTTP )(?<!status of )\d+"
)


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, in words that do not differ between two looks at the same."""

    item: str
    """The plan item that asks for it."""
    what: str
    """Which part, page or table."""
    said: str
    count: int = 1
    """How much of it there is: more than before is new."""

    @property
    def text(self) -> str:
        """How a waiver names it."""
        return f"{self.what}: {self.said}"

    def __str__(self) -> str:
        """For a sentence."""
        return self.text + (f" ({self.count})" if self.count > 1 else "")


@dataclass(frozen=True)
class Answer:
    """Somebody answers for findings of a plan item, until a day (included)."""

    item: str
    patterns: tuple[str, ...]
    """Texts of findings, with ``*`` for whatever may stand there."""
    until: date
    owner: str

    def names(self, finding: Finding) -> bool:
        """Whether this is one of those that it is about."""
        return self.item == finding.item and any(_expression(one).fullmatch(finding.text) for one in self.patterns)


def answers_in(waivers: Iterable[Waiver]) -> tuple[Answer, ...]:
    """Who answers for what that was red before, by the environment's waivers; a provisional one has nobody yet."""
    accepted = (one for one in waivers if one.known and not one.is_provisional)
    return tuple(Answer(one.item, one.known, one.until, one.approved_by) for one in accepted)


def answered_on(day: date, waivers: Iterable[Waiver]) -> Callable[[Finding], bool]:
    """Whether somebody answers for a finding on that day."""
    answers = [one for one in answers_in(waivers) if one.until >= day]
    return lambda finding: any(answer.names(finding) for answer in answers)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def without_numbers(text: str) -> str:
    """The text with an N for each id and number, which differ between two looks at the same. An HTTP status stays: another is new."""
    return _NUMBER.sub("N", text)


class HasFindings(Protocol):
    """A fact that may hold findings which were there before."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each that counts against it; none when it is good."""

    def without(self, known: tuple[Finding, ...], why: str) -> Self:
        """The same, judged without what is known. ``why`` tells of the rest why it counts; it may be empty."""


Judged = TypeVar("Judged", bound=HasFindings)


class Judge(Protocol):
    """Gives a fact without what is known of it."""

    def __call__(self, fact: Judged, /) -> Judged:
        """What is new stays."""


@dataclass(frozen=True)
class JudgedFindings:
    """What of some findings is known, and why the others count."""

    known: tuple[tuple[Finding, Answer], ...]
    why: Mapping[Finding, str]
    """Of each that counts: empty, where it is simply new."""

    @property
    def reasons(self) -> str:
        """Why the rest counts, each reason once."""
        return "; ".join(dict.fromkeys(filter(None, self.why.values())))

    def __str__(self) -> str:
        """What is known, by whom who answers for it."""
        by_answer: dict[tuple[str, date], list[Finding]] = {}
        for finding, answer in self.known:
            by_answer.setdefault((answer.owner, answer.until), []).append(finding)
        return "; ".join(
            f"{_listed(findings)}, until {until}: {owner}" for (owner, until), findings in by_answer.items()
        )


@dataclass(frozen=True)
class KnownBefore:
    """What a baseline has, and who answers for what of it."""

    recorded: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Item and text of each finding: how much of it there was."""
    answers: tuple[Answer, ...] = ()
    refused: str = ""
    """Why nothing that the baseline has is known; empty when it may be."""
    today: date = date.min
    asides: Mapping[str, str] = field(default_factory=dict)
    """By item, what else to know where something of it counts."""

    def told(self, findings: Iterable[Finding]) -> JudgedFindings:
        """Which of them are known, and why the others count."""
        known, why = [], {}
        for finding in findings:
            found = self._judged(finding)
            if isinstance(found, Answer):
                known.append((finding, found))
            else:
                why[finding] = "; ".join(filter(None, (found, self.asides.get(finding.item, ""))))
        return JudgedFindings(tuple(known), why)

    def _judged(self, finding: Finding) -> Answer | str:
        """Who answers for it, or why it counts."""
        named = [answer for answer in self.answers if answer.names(finding)]
        before = self.recorded.get((finding.item, finding.text), 0)
        if not before:
            return f"{self._not_recorded}: {finding}" if named else ""
        if self.refused:
            return self.refused
        if finding.count > before:
            return f"more of it than before, {finding.count} instead of {before}: {finding}"
        if not named:
            return (
                f"the baseline has it, and nobody answers for it: {finding}; a waiver would name it: [[waivers]] "
                f'item = "{finding.item}", known = ["{finding.text}"], until, reason, approved_by'
            )
        latest = max(named, key=lambda answer: answer.until)
        if latest.until < self.today:
            return f"known until {latest.until}, and that day is over ({latest.owner}): {finding}"
        return latest

    @property
    def _not_recorded(self) -> str:
        return (
            "a waiver names it, and the baseline does not have it"
            if self.recorded or self.refused
            else ("a waiver names it, and no baseline shows that it was there before (--baseline)")
        )


def _listed(findings: list[Finding]) -> str:
    more = f" and {len(findings) - _SHOWN} more" if len(findings) > _SHOWN else ""
    return "; ".join(map(str, findings[:_SHOWN])) + more
