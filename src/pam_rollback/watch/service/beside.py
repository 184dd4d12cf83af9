"""Decision sessions beside the looks: one after the other, at their times, and what is known by them.

None is started while users are not answered: it would find that, criterion by criterion, and nothing else. What no session found out for
too long is not known, whatever came before and after.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.decision.rules.decision import Finding, State
from pam_rollback.decision.rules.decision_measures import DOWNTIME, ERRORS
from pam_rollback.report.run_record import RunRecord
from pam_rollback.watch.rules.beside import SessionFindings, findings_of, wants_another
from pam_rollback.watch.rules.looks import BESIDE, IN_A_ROW, Look, Streaks

AT_ONCE = IN_A_ROW - 1
"""So many more sessions at most in the time of one: a criterion that comes and goes must not cost more and more."""
_KEPT = 3
"""Folders of sessions that asked for something: evidence, and no more of it after a week than after a day."""
_MISSED = 2
"""Of a criterion that was not found out this often in a row nothing is known meanwhile."""
_UNANSWERED = frozenset({DOWNTIME, ERRORS})


class Running(Protocol):
    """A session that was started."""

    folder: Path

    @property
    def is_over(self) -> bool:
        """It has ended."""

    @property
    def record(self) -> RunRecord:
        """What it found. Raises MeasurementFailed."""

    def stop(self) -> None:
        """End it."""

    def forget(self) -> None:
        """Remove what it left."""


@dataclass
class Beside:
    """Of one turn. Times are by the clock of the watch, in seconds."""

    start: Callable[[int], Running]
    every_s: float
    within_s: float
    """How long a session may take."""
    say: Callable[[str], None]
    _running: Running | None = None
    _number: int = 0
    _regular_s: float | None = None
    """When the latest session was due that was not an extra one."""
    _extra: int = 0
    _left_out: Mapping[str, str] = field(default_factory=dict)
    _began_s: float | None = None
    _known_s: dict[str, float] = field(default_factory=dict)
    _longest_s: dict[str, float] = field(default_factory=dict)
    """The longest time in which a criterion was not known."""
    _why: dict[str, str] = field(default_factory=dict)
    """Of the latest session that did not find it out."""
    _said: dict[str, str] = field(default_factory=dict)
    _kept: deque[Running] = field(default_factory=deque)

    @property
    def judged(self) -> tuple[str, ...]:
        """The criteria that sessions look at here, as far as is known."""
        return tuple(name for name in BESIDE if name not in self._left_out)

    def after(self, look: Look, now_s: float, streaks: Streaks, held: Collection[str]) -> Look:
        """With what a session found since the look before. Starts the next one when it is due.

        ``streaks`` and ``held``: what is known by the looks before, and the criteria of the incident that is open.
        """
        if look.blind:
            return look
        self._began_s = now_s if self._began_s is None else self._began_s
        findings: Sequence[Finding] = ()
        if self._running is not None and self._running.is_over:
            findings = self._found(self._running, now_s)
            self._running = None
        answered = not any(one.criterion in _UNANSWERED and one.state is State.HOLDS for one in look.findings)
        if self._running is None and answered and self._is_due(now_s, again=wants_another(streaks, held)):
            self._number += 1
            self._running = self.start(self._number)
        return replace(look, findings=(*look.findings, *findings)) if findings else look

    def missing(self, now_s: float) -> tuple[str, ...]:
        """What was not known for too long, now or before in this turn."""
        found = []
        for name in self.judged:
            why = self._why.get(name, "no decision session came to its end")
            if name not in self._known_s:
                found.append(f"{name} was not judged: {why}")
                continue
            longest_s = max(self._longest_s[name], now_s - self._known_s[name])
            if longest_s > _MISSED * self.every_s + self.within_s:
                found.append(f"{name} was not judged for {longest_s:.0f} s: {why}")
        return tuple(found)

    def close(self) -> None:
        """End what runs."""
        if self._running is not None:
            self._running.stop()
            self._running.forget()
            self._running = None

    def _is_due(self, now_s: float, *, again: bool) -> bool:
        if self._regular_s is None or now_s - self._regular_s >= self.every_s:
            self._regular_s, self._extra = now_s, 0
            return True
        if again and self._extra < AT_ONCE:
            self._extra += 1
            return True
        return False

    def _found(self, session: Running, now_s: float) -> Sequence[Finding]:
        """What is known. What is not known is said, and is no part of a look: it neither asks nor is calm."""
        try:
            found = findings_of(session.record)
        except MeasurementFailed as problem:
            unknown = tuple(Finding(name, State.UNKNOWN, str(problem)) for name in self.judged)
            found = SessionFindings(unknown, self._left_out)
        self._left_out = found.left_out
        known = [one for one in found.findings if one.state is not State.UNKNOWN]
        for name in (one.criterion for one in known):
            gap_s = now_s - self._known_s.get(name, self._began_s or now_s)
            self._longest_s[name] = max(self._longest_s.get(name, 0.0), gap_s)
            self._known_s[name] = now_s
        self._tell(found)
        self._keep(session, found)
        return known

    def _tell(self, found: SessionFindings) -> None:
        self._once("left out", "; ".join(f"{name} is not judged here: {why}" for name, why in found.left_out.items()))
        self._once("in part", "; ".join(f"{name} is judged without this: {why}" for name, why in found.in_part.items()))
        unknown = {one.criterion: one.words for one in found.findings if one.state is State.UNKNOWN}
        self._why.update(unknown)
        words = "; ".join(dict.fromkeys(unknown.values()))
        self._once("unknown", " ".join(unknown), f"a decision session did not find out {', '.join(unknown)}: {words}")

    def _once(self, about: str, what: str, line: str = "") -> None:
        if what and self._said.get(about) != what:
            self.say(line or what)
        self._said[about] = what

    def _keep(self, session: Running, found: SessionFindings) -> None:
        if not found.asking:
            session.forget()
            return
        words = "; ".join(f"{one.criterion} {one.words}" for one in found.asking)
        self.say(f"a decision session found {words} ({session.folder})")
        self._kept.append(session)
        if len(self._kept) > _KEPT:
            self._kept.popleft().forget()
