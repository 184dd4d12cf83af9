"""What was red before and is still red: somebody answers for it, until a day. What is new decides.

Two things make a finding known, and neither does alone: a baseline that has it, and a waiver of the environment that names it. A baseline
by itself may be of the incident; a waiver by itself may be of what was put right long ago. Decided in docs/decisions/baselines.md.

In one module: a finding, who answers for it and what is then new are three sides of one rule, and share its words.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final, Protocol, Self, TypeVar

from pam_rollback.target.environment_tables import Waiver, is_anchored, names_any

NEW: Final = "new: "
"""How a sentence begins that names what was not there before, one by one."""
NOTHING_NEW: Final = "nothing new"
"""How a sentence begins that tells of nothing but what was there before."""
OF_OLD: Final = "pam-nothing-new"
"""The property of a test's report: it is red, and by nothing else than that."""


_BORNE_D: Final = 90


def nobody_answers(count: int, named: str) -> str:
    """So many were there before: ``6 known before, and nobody answers for them: button-name (4), color-contrast (2)``."""
    return f"{count} known before, and nobody answers for {'it' if count == 1 else 'them'}: {named}"


def waiver_for(item: str, patterns: Iterable[str], at_most: int) -> str:
    """The waiver that would name these, but for who answers until when and why, which a person has to say."""
    return f"[[waivers]] {', '.join(_keys(item, patterns, at_most))}, until, reason, approved_by"


def to_paste(item: str, patterns: Iterable[str], at_most: int, today: date) -> list[str]:
    """The same as lines that an environment's file takes: nobody has accepted it yet, so it does not count yet."""
    until = f"until = {today + timedelta(days=_BORNE_D)}"
    nobody = 'approved_by = "provisional: name who answers"'
    return ["[[waivers]]", *_keys(item, patterns, at_most), until, 'reason = "why it is borne"', nobody]


def _keys(item: str, patterns: Iterable[str], at_most: int) -> list[str]:
    named = ", ".join(map(_quoted, dict.fromkeys(patterns)))
    return [f'item = "{item}"', f"known = [{named}]", f"at_most = {at_most}"]


def _quoted(text: str) -> str:
    """As TOML takes it: what has backslashes, as selectors do, literally."""
    literal = ("\\" in text or '"' in text) and "'" not in text
    return f"'{text}'" if literal else json.dumps(text, ensure_ascii=False)


_SHOWN = 3
_UNTIL: Final = "known until "
_NUMBER = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b|"
    r"(?<!\d)(?<!HTTP )(?i:(?<!status )(?<!status: )(?<!status of )(?<!status code )(?<!status code: ))\d+"
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
    kind: str = field(default="", compare=False)
    """As what it is counted together with others; empty where each is named."""
    pattern: str = field(default="", compare=False)
    """How a waiver names all of its kind; empty where it is named by its text."""
    by: str = field(default="", compare=False)
    """The tool that found it, with its version; empty where none did."""
    place: str = field(default="", compare=False)
    """Where it was found, as the text of another finding: for what is not called the same in each look. Empty where it is."""

    @property
    def text(self) -> str:
        """How a waiver names it."""
        return f"{self.what}: {self.said}"

    @property
    def kept(self) -> Self:
        """As a baseline keeps it: named by its text."""
        return replace(self, kind="", pattern="")

    @property
    def named(self) -> str:
        """How a waiver names all of its kind, where that says enough of what it is about; else this one alone."""
        return self.pattern if is_anchored(self.pattern) else self.text

    def __str__(self) -> str:
        return self.text + (f" ({self.count})" if self.count > 1 else "")


def answers_in(waivers: Iterable[Waiver]) -> tuple[Waiver, ...]:
    """The environment's waivers by which somebody answers for what was red before; a provisional one has nobody yet."""
    return tuple(one for one in waivers if one.known and not one.is_provisional)


def unanswered_on(day: date, waivers: Iterable[Waiver]) -> Callable[[Iterable[Finding]], tuple[Finding, ...]]:
    """Those of a baseline's findings for which nobody answers on that day."""
    answers = [one for one in answers_in(waivers) if one.until >= day]

    def left(findings: Iterable[Finding]) -> tuple[Finding, ...]:
        findings = tuple(findings)
        recorded = {(one.item, one.text) for one in findings}
        bearing = [answer for answer in answers if not answer.too_many(recorded)]
        return tuple(one for one in findings if not any(answer.names(one.item, one.text) for answer in bearing))

    return left


def without_numbers(text: str) -> str:
    """The text with an N for each id and number, which differ between two looks at the same. An HTTP status stays: another is new."""
    return _NUMBER.sub("N", text)


class HasFindings(Protocol):
    """A fact that may hold findings which were there before."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each that counts against it; none when it is good."""

    def without(self, told: "JudgedFindings") -> Self:
        """The same, judged without what is known. Its sentence names what is new first, and then why the rest counts."""


Judged = TypeVar("Judged", bound=HasFindings)


class Judge(Protocol):
    """Gives a fact without what is known of it."""

    def __call__(self, fact: Judged, /) -> Judged:
        """What is new stays."""


@dataclass(frozen=True)
class JudgedFindings:
    """What of some findings is known, and why the others count."""

    known: tuple[tuple[Finding, Waiver], ...] = ()
    unanswered: tuple[Finding, ...] = ()
    """The baseline has these, too, and nobody answers for them: they count, and are nothing new."""
    why: Mapping[Finding, str] = field(default_factory=dict)
    """Of each other that counts: empty, where it is simply new."""
    over: frozenset[Finding] = frozenset()
    """Of those that count, what somebody answered for until a day that is over."""
    compared: bool = False
    """There was a baseline to tell what is new."""
    refused: str = ""
    """Why nothing that the baseline has is known; empty when it may be."""
    aside: str = ""
    """What else to know of those that count."""
    ill: tuple[Finding, ...] = ()
    """What would have to be answered for so that the baseline is of use."""
    borne: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Item and pattern of what nobody answers for: how many findings of the baseline a waiver with it would name."""

    def knows(self, text: str) -> bool:
        """Whether somebody answers for the finding of this text."""
        return any(finding.text == text for finding, _ in self.known)

    def is_old(self, text: str) -> bool:
        """Whether the finding of this text counts, and is nothing new."""
        return any(finding.text == text for finding in (*self.unanswered, *self.over))

    @property
    def reasons(self) -> str:
        """Why the rest counts: each reason once, with the findings that it is about."""
        return self._reasons("" if self.why else f"{NOTHING_NEW}: ")

    def _reasons(self, first: str) -> str:
        by_reason: dict[str, list[Finding]] = {}
        for finding, reason in self.why.items():
            by_reason.setdefault(reason, []).append(finding)
        told = [
            reason if reason == self.refused else f"{reason}: {counted(findings)}"
            for reason, findings in by_reason.items()
            if reason
        ]
        if self.unanswered:
            told.append(f"{first}{nobody_answers(size(self.unanswered), counted(self.unanswered))}")
        return "; ".join(filter(None, (*told, self.aside)))

    def after(self, new: str, *, blind: str = "") -> str:
        """A sentence about what is new, with why the rest counts; without anything new, the reasons alone.

        ``blind``: what could not be looked at, so that nobody can say that nothing is new.
        """
        why = self._reasons("") if blind else self.reasons
        if new and not self.why and len(self.unanswered) == 1 and not self.unanswered[0].kind:
            why = why.partition(": " + self.unanswered[0].text)[0]  # the sentence is about it
        new = "; ".join(filter(None, (new, blind)))
        return (f"{new} ({why})" if new else why) if why else new

    @property
    def advice(self) -> str:
        """A line of its own with the waivers that would name what nobody answers for; empty where there is nothing to name."""
        items: dict[str, list[str]] = {}
        for finding in self.unanswered:
            items.setdefault(finding.item, []).append(finding.named)
        told = "; ".join(
            waiver_for(item, patterns, sum(self.borne.get((item, one), 1) for one in set(patterns)))
            for item, patterns in items.items()
        )
        return f"\n  to answer for it until a day: {told}" if told else ""

    def as_data(self) -> dict[str, Any]:
        """What nobody answers for, by kind, as a record keeps it; ``only`` begins the sentence where there is nothing else."""
        kinds: dict[tuple[str, str, str], list[Finding]] = {}
        for one in (*self.unanswered, *self.ill):
            kinds.setdefault((one.item, one.kind, one.named), []).append(one)
        listed = [
            {
                "item": item,
                "kind": kind,
                "pattern": pattern,
                "count": size(found),
                "borne": self.borne.get((item, pattern), len(found)),
                "findings": [str(one) if kind else one.text for one in found],
            }
            for (item, kind, pattern), found in kinds.items()
        ]
        return {"only": "" if self.why else self.reasons.partition(" known before")[0], "findings": listed}

    def __str__(self) -> str:
        """What is known, by whom who answers for it."""
        by_answer: dict[tuple[str, date], list[Finding]] = {}
        for finding, answer in self.known:
            by_answer.setdefault((answer.approved_by, answer.until), []).append(finding)
        return "; ".join(
            f"{_listed(findings)}, until {until}: {owner}" for (owner, until), findings in by_answer.items()
        )


NOTHING_TOLD: Final = JudgedFindings()
"""Of a fact that nobody has judged."""


@dataclass(frozen=True)
class KnownBefore:
    """What a baseline has, and who answers for what of it."""

    recorded: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Item and text of each finding: how much of it there was."""
    answers: tuple[Waiver, ...] = ()
    refused: str = ""
    """Why nothing that the baseline has is known; empty when it may be."""
    today: date = date.min
    found_by: Mapping[str, str] = field(default_factory=dict)
    """By item, the tools that found what the baseline has of it, with their versions."""
    ill: tuple[Finding, ...] = ()
    """What was red while it was recorded and nobody answers for, so that it is refused."""
    placed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Item and place of what is not called the same in each look: the text by which the baseline has it."""

    def told(self, findings: Iterable[Finding]) -> JudgedFindings:
        """Which of them are known, and why the others count."""
        known: list[tuple[Finding, Waiver]] = []
        unanswered: list[Finding] = []
        why: dict[Finding, str] = {}
        findings = tuple(findings)
        here = {finding.text for finding in findings}
        for finding in findings:
            found = self._judged(finding, here)
            if isinstance(found, Waiver):
                known.append((finding, found))
            elif found is None:
                unanswered.append(finding)
            else:
                why[finding] = found
        return JudgedFindings(
            tuple(known),
            tuple(unanswered),
            why,
            frozenset(finding for finding, reason in why.items() if reason.startswith(_UNTIL)),
            compared=bool(self.recorded) and not self.refused,
            refused=self.refused,
            aside=self._other_tools([*why, *unanswered]),
            ill=self.ill,
            borne={
                (one.item, one.named): max(
                    1, sum(item == one.item and names_any([one.named], text) for item, text in self.recorded)
                )
                for one in unanswered
            },
        )

    def _other_tools(self, counting: Iterable[Finding]) -> str:
        """What other tools, or versions of them, found here than in the baseline: another one may find more."""
        others = {
            one.by: self.found_by[one.item]
            for one in counting
            if one.by and one.item in self.found_by and one.by not in self.found_by[one.item].split(", ")
        }
        return "; ".join(f"found by {here}, those of the baseline by {there}" for here, there in others.items())

    def _judged(self, finding: Finding, here: Collection[str]) -> Waiver | str | None:
        """Who answers for it, or why it counts; None: it was there before, and nobody does. ``here``: the texts of all that is found."""
        named = [answer for answer in self.answers if answer.names(finding.item, finding.text)]
        before = self.recorded.get((finding.item, finding.text), 0)
        called = self.placed.get((finding.item, finding.place), "") if finding.place else ""
        if not before and called not in here:  # else what was there has moved, and this took its place
            before = self.recorded.get((finding.item, called), 0)
        if not before:
            return self._not_recorded if named else ""
        if self.refused:
            return self.refused
        if finding.count > before:
            return f"more of it than before, {finding.count} instead of {before}"
        if not named:
            return None
        latest = max(named, key=lambda answer: answer.until)
        if latest.until < self.today:
            return f"{_UNTIL}{latest.until}, and that day is over ({latest.approved_by})"
        return latest.too_many(self.recorded.keys()) or latest

    @property
    def _not_recorded(self) -> str:
        return (
            "a waiver names it, and the baseline does not have it"
            if self.recorded or self.refused
            else ("a waiver names it, and no baseline shows that it was there before (--baseline)")
        )


def size(findings: Iterable[Finding]) -> int:
    """How many they are. Only of what has a kind the count says how many there are; of the rest, how bad it is."""
    return sum(one.count if one.kind else 1 for one in findings)


def counted(findings: Iterable[Finding]) -> str:
    """Kinds with their numbers; what has no kind, by its text."""
    findings = tuple(findings)
    kinds: Counter[str] = Counter()
    for one in findings:
        if one.kind:
            kinds[one.kind] += one.count
    of_kinds = ", ".join(f"{kind} ({count})" for kind, count in kinds.items())
    return "; ".join(filter(None, (of_kinds, *(str(one) for one in findings if not one.kind))))


def _listed(findings: list[Finding]) -> str:
    more = f" and {len(findings) - _SHOWN} more" if len(findings) > _SHOWN else ""
    return "; ".join(map(str, findings[:_SHOWN])) + more
