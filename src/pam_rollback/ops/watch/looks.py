"""From looks to an incident: three that ask open it, three calm ones in a row close it, and a look that proves nothing counts for nothing.

A criterion *asks* for a rollback where it holds or where the gaps of the plan say "consider". "Watch" (above its limit, not for long
enough yet, or not any more) neither asks nor is calm. What comes and goes asks in three looks of ten, and not in a row.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.decision.decision import Finding, State
from pam_rollback.decision.decision_measures import DOWNTIME
from pam_rollback.decision.decision_states import MEMORY, judged_memory
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import MemoryLimit, MemoryTrigger
from pam_rollback.probe.memory import MemoryGrowth, MemoryReading
from pam_rollback.report.watched_incident import WatchedIncident

IN_A_ROW = 3
"""One look may be the watch's own trouble; Upptime tries as often before it says "down"."""
OF_TEN = 10
"""Three of so many looks that ask are an outage that comes and goes: its good minutes must not hide it."""
_REMEMBERED = 30
"""Looks: while it is only watched, a criterion is no part of the ten, and what asked longer ago is over."""
_ASKS = frozenset({State.HOLDS, State.CONSIDER})
_OF_A_TIME = frozenset({"IR-2", "IR-4", "IR-5", "CR-5"})
"""Criteria of users' answers: watched while these are bad. Memory is watched at a level where it may stay for ever."""


@dataclass(frozen=True)
class Look:
    """What was found at one moment, in seconds since 1970."""

    at_s: float
    findings: tuple[Finding, ...] = ()
    blind: str = ""
    """Why it proves nothing, such as a red control that was good. Its findings do not count then."""
    early: bool = False
    """The prober has not seen as much as the plan looks back on: what is not known yet is neither good nor the watch's fault."""
    unseen: str = ""
    """Why an outage of some part would not be seen. What asks all the same counts."""

    @property
    def unknown(self) -> str:
        """Why this look is not good, although nothing is known to be bad; empty when all is known."""
        if self.blind or self.unseen:
            return self.blind or self.unseen
        if not self.findings:
            return "nothing was looked at"
        return "; ".join(f"{one.criterion}: {one.words}" for one in self.findings if one.state is State.UNKNOWN)

    @property
    def asks(self) -> bool:
        """Whether something asks for a rollback, or for thoughts of one."""
        return not self.blind and any(one.state in _ASKS for one in self.findings)

    @property
    def troubled(self) -> bool:
        """Whether users' answers are bad, or were within the plan's times, also where that does not ask for a rollback yet."""
        bad = {State.WATCH, *_ASKS}
        return not self.blind and any(one.state in bad and one.criterion in _OF_A_TIME for one in self.findings)

    @property
    def unknown_about(self) -> str:
        """The same without figures, which move from look to look."""
        unknown = " ".join(one.criterion for one in self.findings if one.state is State.UNKNOWN)
        return re.sub(r"\d+", "N", self.blind or self.unseen) or unknown


@dataclass(frozen=True)
class Streak:
    """Looks in a row that ask, or that are calm."""

    asks: int = 0
    calm: int = 0
    since_s: float = 0.0
    """The first of those that ask."""
    latest: Finding | None = None
    """The latest that asked."""
    lately: tuple[tuple[float, State], ...] = ()
    """The latest looks at which it was known, in a row or not, with their times."""
    unknown: int = 0
    """Looks in a row at which it was not known."""
    unknown_since_s: float = 0.0
    why: Finding | None = None
    """The latest of them."""

    def after(self, finding: Finding, at_s: float) -> "Streak":
        """With one more look. What is not known goes on with nothing, and ends nothing."""
        if finding.state is State.UNKNOWN:
            since_s = self.unknown_since_s if self.unknown else at_s
            # A time in which nothing was known is not bridged: what was calm before it has to be calm again.
            calm = 0 if self.unknown + 1 >= IN_A_ROW else self.calm
            return replace(self, calm=calm, unknown=self.unknown + 1, unknown_since_s=since_s, why=finding)
        lately = (*self.lately, (at_s, finding.state))[-_REMEMBERED:]
        if finding.state in _ASKS:
            since_s = self.since_s if self.asks else at_s
            return Streak(self.asks + 1, 0, since_s, finding, lately)
        calm = self.calm + 1 if finding.state is State.CLEAR else 0
        if calm >= IN_A_ROW and self.comes_and_goes:
            lately = ()  # it was told, and is over
        return Streak(0, calm, self.since_s, self.latest, lately)

    @property
    def _of_ten(self) -> tuple[tuple[float, State], ...]:
        return tuple(one for one in self.lately if one[1] is not State.WATCH)[-OF_TEN:]

    @property
    def _asked_s(self) -> tuple[float, ...]:
        return tuple(at_s for at_s, state in self._of_ten if state in _ASKS)

    @property
    def comes_and_goes(self) -> bool:
        """It asked in three of the latest ten looks at which it asked or was calm."""
        return len(self._asked_s) >= IN_A_ROW

    @property
    def began_s(self) -> float:
        """The first look that asked, of those that make it an incident."""
        return self.since_s if self.asks >= IN_A_ROW or not self._asked_s else self._asked_s[0]

    @property
    def words(self) -> str:
        """What the latest that asked found, and that it comes and goes where it does; empty when none asked."""
        if self.latest is None:
            return ""
        if self.asks >= IN_A_ROW or not self.comes_and_goes:
            return self.latest.words
        return (
            f"{self.latest.words} (it comes and goes: {len(self._asked_s)} of the last {len(self._of_ten)} looks asked)"
        )


@dataclass(frozen=True)
class Streaks:
    """What is known of each criterion by the looks so far."""

    of: Mapping[str, Streak] = field(default_factory=dict)

    def after(self, look: Look) -> "Streaks":
        """With one more look. What is not known goes on with neither streak, and ends none."""
        findings = look.findings
        if look.blind:
            findings = tuple(Finding(name, State.UNKNOWN, look.blind) for name in dict.fromkeys((DOWNTIME, *self.of)))
        found = dict(self.of)
        for finding in findings:
            if finding.state is State.UNKNOWN and look.early and not look.blind:
                continue  # it has not seen for long enough yet
            found[finding.criterion] = found.get(finding.criterion, Streak()).after(finding, look.at_s)
        return Streaks(found)

    def confirmed(self, held: Sequence[str]) -> tuple[str, ...]:
        """The criteria of an incident: those that asked in three looks, and of those before (``held``) all that are not calm again."""
        asking = [name for name, streak in self.of.items() if streak.asks >= IN_A_ROW or streak.comes_and_goes]
        kept = [name for name in held if self.of.get(name, Streak()).calm < IN_A_ROW]
        return tuple(sorted({*asking, *kept}))

    @property
    def unseen(self) -> tuple[str, ...]:
        """The criteria of which nothing was known in three looks in a row: a watch that sees nothing says so."""
        return tuple(sorted(name for name, streak in self.of.items() if streak.unknown >= IN_A_ROW))

    @property
    def suspected(self) -> tuple[str, ...]:
        """What asks, and not for three looks yet."""
        return tuple(name for name, streak in self.of.items() if 0 < streak.asks < IN_A_ROW)


_LEAK_MB_PER_S = 10 / 60


def memory_found(readings: Sequence[MemoryReading], plan: Plan) -> Finding:
    """What the decision would say. Below the level nothing asks for a rollback: what readings cannot tell yet is looked at again.

    Raises MeasurementFailed without any reading, and for one that is no amount of memory.
    """
    alarm_mb = plan.the(MemoryTrigger).memory_mb_max
    if not readings or not all(0 < reading.mb < float("inf") for reading in readings):
        raise MeasurementFailed(f"memory is not known: {len(readings)} readings, or one that no process holds")
    try:
        found = _judged(readings, plan)
    except MeasurementFailed as too_few:
        found = Finding(MEMORY, State.UNKNOWN, f"memory {readings[-1].mb:.0f} MB, level {alarm_mb:g} MB: {too_few}")
    if found.state is State.UNKNOWN and readings[-1].mb <= alarm_mb:
        return replace(found, state=State.WATCH)
    return found


def is_red_when_it_leaks(readings: Sequence[MemoryReading], plan: Plan) -> bool:
    """Whether readings at these very moments, of a process that leaks above the level, would ask for a rollback: the eyes are open."""
    alarm_mb, first_s = plan.the(MemoryTrigger).memory_mb_max, readings[0].at_s
    leaking = [replace(one, mb=alarm_mb + 1 + _LEAK_MB_PER_S * (one.at_s - first_s)) for one in readings]
    return _judged(leaking, plan).state is State.HOLDS


def _judged(readings: Sequence[MemoryReading], plan: Plan) -> Finding:
    """Raises MeasurementFailed when they are too few."""
    growth = MemoryGrowth.of(readings, plan)
    low_below_mb = plan.the(MemoryLimit).memory_mb_max
    return judged_memory(growth, low_below_mb=low_below_mb, gaps=plan.decision.gaps).finding


_LENGTH = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_UNITS_S = (86_400, 3600, 60, 1)
UNKNOWN_PCT_MAX = 5.0
"""So many looks of a turn may prove nothing, or ask; with more of them the turn is INCONCLUSIVE."""
TROUBLED_PCT_MAX = 50.0
"""So many may see answers that were bad for less than the plan's times. A hiccup of seconds is seen for all of the five minutes that a look
looks back on: one an hour is 8 %."""
_SPARE_S = 60.0


def length_s(text: str) -> float:
    """``5h30m``, ``2d``, ``90s``: in seconds. Raises ValueError for anything else, and for nothing."""
    found = _LENGTH.fullmatch(text)
    seconds = sum(int(part or 0) * unit for part, unit in zip(found.groups(), _UNITS_S, strict=True)) if found else 0
    if not seconds:
        raise ValueError(f"{text}: expected a time such as 5h30m, 2d or 90s")
    return float(seconds)


@dataclass(frozen=True)
class Moment:
    """One moment by two clocks: seconds since this machine started, which count its sleep, too, and since 1970."""

    passed_s: float
    wall_s: float


def gap_max_s(every_s: float) -> float:
    """The longest time between two looks in which somebody still watched."""
    return IN_A_ROW * every_s + _SPARE_S


def unwatched_s(before: Moment, now: Moment, every_s: float) -> float:
    """How long nobody watched between two looks of one turn; 0 when somebody did."""
    gap_s = now.passed_s - before.passed_s
    return gap_s if gap_s > gap_max_s(every_s) else 0.0


@dataclass(frozen=True, repr=False)
class Turn(Fact):
    """What a turn ended with."""

    watched: tuple[str, ...]
    """The criteria that it looked at."""
    looks: int
    early: int
    """Looks at its beginning, at which not everything was known yet. They are not among the others."""
    unknown: int
    """Looks that proved nothing."""
    why_unknown: str
    """Of the latest of them."""
    asked: int
    """Looks that asked for a rollback, and of which no incident told."""
    troubled: int
    """Looks that saw users' answers bad, or bad within the plan's times, while no incident was open."""
    unwatched_s: float
    length_s: float
    incident: WatchedIncident | None
    suspected: tuple[str, ...]
    not_judged: tuple[str, ...]
    """The criteria that it did not look at, as was said when it began."""

    @property
    def calm(self) -> bool:
        """Nothing asks for a rollback. Raises MeasurementFailed when that is not known, or when one is to be considered."""
        if self.incident is not None and self.incident.recommendation.startswith("ROLL BACK"):
            return False
        if self.incident is not None:
            raise MeasurementFailed(str(self))
        if self.suspected:
            raise MeasurementFailed(f"{', '.join(self.suspected)} asks for a rollback, for fewer than {IN_A_ROW} looks")
        if self.asked > 1 and 100 * self.asked > UNKNOWN_PCT_MAX * self.looks:
            raise MeasurementFailed(
                f"{self.asked} of {self.looks} looks asked for a rollback (tolerated {UNKNOWN_PCT_MAX:g} %), too far apart for an incident"
            )
        if 100 * self.troubled > TROUBLED_PCT_MAX * self.looks:
            raise MeasurementFailed(
                f"users' answers were bad again and again, never for as long as the plan asks for: "
                f"{self.troubled} of {self.looks} looks saw it (tolerated {TROUBLED_PCT_MAX:g} %)"
            )
        return self.works  # what nobody saw was not calm

    @property
    def works(self) -> bool:
        """The watch itself saw. Raises MeasurementFailed when it did not for more of its time than is tolerated."""
        if not self.looks:
            early = f" ({self.early} looks came before it had seen enough)" if self.early else ""
            raise MeasurementFailed(f"nobody looked{early}")
        if 100 * self.unknown > UNKNOWN_PCT_MAX * self.looks:
            raise MeasurementFailed(
                f"{self.unknown} of {self.looks} looks proved nothing (tolerated {UNKNOWN_PCT_MAX:g} %), the latest: {self.why_unknown}"
            )
        if 100 * self.unwatched_s > UNKNOWN_PCT_MAX * self.length_s:
            raise MeasurementFailed(
                f"nobody watched for {self.unwatched_s:.0f} of {self.length_s:.0f} s (tolerated {UNKNOWN_PCT_MAX:g} %)"
            )
        return True

    @property
    def measured(self) -> Measured:
        """How many looks proved nothing."""
        return Measured("looks that proved nothing", "none", self.unknown, n=self.looks, sentence=self._sentence)

    @property
    def _sentence(self) -> str:
        seen = f"{self.looks} looks in {self.length_s:.0f} s at {', '.join(self.watched) or 'nothing'}"
        seen += f", {self.early} before it had seen enough" if self.early else ""
        seen += f"; not judged: {', '.join(self.not_judged)}" if self.not_judged else ""
        seen += f"; {self.unknown} looks proved nothing" if self.unknown else ""
        seen += f"; {self.asked} looks asked for a rollback, too few for an incident" if self.asked else ""
        if self.incident is None and self.unknown == self.looks:
            return f"whether anything asks for a rollback is not known; {seen}"
        if self.incident is None:
            return f"nothing asks for a rollback; {seen}"
        found = "; ".join(f"{one.criterion} since {one.since:%H:%M:%S} UTC: {one.words}" for one in self.incident.found)
        return f"{self.incident.recommendation} ({self.incident.key}): {found}; {seen}"
