"""One turn of a watch: how long, which time nobody watched, and what it ends with."""

import re
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.ops.watch.looks import IN_A_ROW
from pam_rollback.report.watched_incident import WatchedIncident

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
