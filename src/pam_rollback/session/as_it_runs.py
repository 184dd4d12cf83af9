"""What is told while a session runs: a line for each phase, what is red at once, and the picture that a terminal shows. Pure."""

import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pam_rollback.report.terminal_page import WORDS
from pam_rollback.report.verdict import Outcome
from pam_rollback.report.wording import duration

_LABEL: Final = 15
"""Columns of a phase's name."""
_BODY: Final = re.compile(r"(?<=: HTTP \d\d\d) [\w/+.-]+ '[^']*'(?=\))")
_FOUND_BEFORE: Final = re.compile(r" \(found by a journey before\)$")
_BAD: Final = "! "
_RED_SHOWN: Final = 3
"""Plan items in the picture, which is as wide as a terminal."""


def line(phase: str, text: str) -> str:
    """A phase and what there is to say of it."""
    return f"{phase:<{_LABEL - 1}} {text}".rstrip()


def bad(outcome: Outcome, criteria: str, title: str, message: str, runbook: str) -> str:
    """What is red, with its reason and where to go on. The body of an answer stands on the screen in the end."""
    said = _BODY.sub("", message.removeprefix("AssertionError: "))
    where = f"; {runbook}" if runbook else ""
    return f"{_BAD}{WORDS[outcome][0]} {criteria} {title.rstrip('.')}: {said}{where}"


@dataclass
class ToldInFull:
    """What stopped one test stops others in the same words: they are named, and the words stand in the line above."""

    _found: dict[str, str] = field(default_factory=dict)
    """By the step at which it was found, what was told of it last."""

    def shortened(self, message: str) -> str:
        """The message; where all behind its first words was told, those words and the step."""
        head, _, found = message.partition(": ")
        found = _FOUND_BEFORE.sub("", found)
        step, colon, _ = found.partition(": ")
        if colon and self._found.get(step) == found:
            return f"{head}: as above ({step})"
        if colon:
            self._found[step] = found
        return message


def is_bad(text: str) -> bool:
    """Whether a line tells of something that is not good."""
    return text.startswith(_BAD)


def style(text: str) -> str:
    """How a terminal shows a line: what is broken red, what is not known yellow, as in the end."""
    if not is_bad(text):
        return ""
    unknown = text.startswith(f"{_BAD}{WORDS[Outcome.UNKNOWN][0]} ")
    return f"bold {WORDS[Outcome.UNKNOWN if unknown else Outcome.BROKEN_CRITERION][1]}"


def wrapped(text: str, width: int) -> list[str]:
    """A line for a terminal of so many columns: what does not fit stands below the text, not below the name."""
    rest = " " * (len(_BAD) if is_bad(text) else _LABEL)
    return textwrap.wrap(text, width, subsequent_indent=rest, break_on_hyphens=False, replace_whitespace=False)


@dataclass
class Groups:
    """Tests of one kind after the other: told together, when the next kind begins."""

    _running: dict[str, tuple[str, Counter[Outcome]]] = field(default_factory=dict)

    def add(self, situation: str, kind: str, outcome: Outcome) -> str:
        """Count a test; gives the line of the group that ended with it, or nothing."""
        known = self._running.get(situation)
        if known is not None and known[0] == kind:
            known[1][outcome] += 1
            return ""
        self._running[situation] = (kind, Counter([outcome]))
        return "" if known is None else self._line(situation, *known)

    def rest(self) -> list[str]:
        """The lines of the groups that were the last of their situations."""
        left = [self._line(situation, *known) for situation, known in self._running.items()]
        self._running.clear()
        return left

    def _line(self, situation: str, kind: str, found: Counter[Outcome]) -> str:
        where = f" [{situation}]" if len(self._running) > 1 else ""
        words = [f"{found[outcome]} {_COUNTED[outcome]}" for outcome in _COUNTED if found[outcome]]
        return line(kind, ", ".join(words) + where)


_COUNTED: Final = {
    Outcome.UNDO_FAILED: "UNDO FAILED",
    Outcome.ACTION_FAILED: "ACTION FAILED",
    Outcome.REFUSED: "REFUSED",
    Outcome.BROKEN_CRITERION: "BROKEN",
    Outcome.UNKNOWN: "could not be measured",
    Outcome.PASSED: "ok",
    Outcome.NOT_RUN: "not judged",
    Outcome.KNOWN: "known before",
}


@dataclass
class Picture:
    """What a terminal shows of a session that runs: renewed in place."""

    phase: str = "starting"
    since_s: float = 0.0
    """When the phase began, monotonic."""
    waiting: str = ""
    asked: int = 0
    """Tests that are selected."""
    found: Counter[Outcome] = field(default_factory=Counter)
    red: list[str] = field(default_factory=list)
    """Plan items that are not good."""

    def lines(self, now_s: float) -> Sequence[str]:
        """Phase, what is waited for, and the criteria so far."""
        bad = sum(
            count
            for outcome, count in self.found.items()
            if outcome not in {Outcome.PASSED, Outcome.NOT_RUN, Outcome.KNOWN}
        )
        so_far = f"{self.found[Outcome.PASSED]} ok, {bad} not good, of {self.asked}"
        red = list(dict.fromkeys(self.red))
        more = f" and {len(red) - _RED_SHOWN} more" if len(red) > _RED_SHOWN else ""
        told = [line("phase", f"{self.phase}, for {duration(max(0.0, now_s - self.since_s))}")]
        told += [line("waiting", self.waiting.lstrip(" …"))] if self.waiting else []
        return [*told, line("so far", f"{so_far}: {' '.join(red[:_RED_SHOWN])}{more}" if red else so_far)]
