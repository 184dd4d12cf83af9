"""Do more people ask for help than usual?  Plan item SC-6, and a part of MT-4.

The tickets of the latest time are held against the history: the 14 days that ended a day before. The day between keeps an incident that
began hours ago from counting as usual. The test account's own tickets count nowhere.

Rule: usual is the mean number in so much time, or that of the same time of day, whichever is greater: a busy afternoon is no alarm because
nights are quiet. Unusual is what exceeds it by 3.5 times its square root and 2 more. By chance, in a healthy service, that happens in fewer
than one of a thousand sessions.

Soon after a rollback the latest hour still holds the tickets of the incident itself. When it is unusual and what came since the rollback
is not, nothing is known yet: neither "as usual" nor "not recovered" would be true.
"""

import math
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured

HISTORY_D = 14
"""How many days are taken for usual."""
GAP_D = 1
"""How many days lie between the history and the latest tickets."""
LATEST_S_MIN = 3600.0
"""The shortest time that is looked at: in less, hardly any product gets a ticket at all."""
LATEST_S_MAX = 86400.0
"""The longest: beyond, the same time of day would overlap with itself."""
_DAY_S = 86400.0


def latest_s(since_recovery_s: float) -> float:
    """Give the time to look at: since the recovery, but an hour at least and a day at most."""
    return min(LATEST_S_MAX, max(LATEST_S_MIN, since_recovery_s))


def unusual_from(usual: float) -> int:
    """Give the smallest number of tickets that is unusual where so many are usual."""
    return math.ceil(usual + 3.5 * math.sqrt(usual) + 2)


@dataclass(frozen=True, repr=False)
class TicketVolume(Fact):
    """The tickets of the latest ``latest_s`` seconds beside those of the history.

    ``same_hours`` are those of the history at the same time of day; ``oldest_d`` is how far back tickets go at all (None: there are
    none). After a rollback of this session, ``recovered_s`` is how long ago it ended, and ``since_recovery`` were opened since.
    """

    count: int
    latest_s: float
    before: int
    same_hours: int
    oldest_d: float | None
    since_recovery: int = 0
    recovered_s: float | None = None

    def __post_init__(self) -> None:
        """Raise MeasurementFailed when nothing is known of what is usual."""
        needed_d = HISTORY_D + GAP_D
        if self.before == 0:
            raise MeasurementFailed(
                f"no support ticket in the {HISTORY_D} days of history: what is usual is not known "
                "(an empty table, or a role that sees no rows)"
            )
        oldest_d = self.oldest_d or 0.0
        if oldest_d < needed_d:
            raise MeasurementFailed(
                f"the oldest support ticket is {oldest_d:.1f} days old, {needed_d} are needed to know what is usual"
            )
        if self._is_the_incidents_own:
            raise MeasurementFailed(
                f"{self}; since the rollback, {self.recovered_s:.0f} s ago, {self.since_recovery} came: "
                "the others may be the incident's own, "
                f"look again when the rollback is {LATEST_S_MIN / 60:.0f} min old"
            )

    @property
    def usual(self) -> float:
        """The mean number of tickets in so much time."""
        return self.before * self.latest_s / (HISTORY_D * _DAY_S)

    @property
    def unusual_from(self) -> int:
        """The smallest count that would be called unusual."""
        return unusual_from(max(self.usual, self.same_hours / HISTORY_D))

    @property
    def measured(self) -> Measured:
        """The count, beside the smallest one that would be unusual."""
        limit, minutes = self.unusual_from, f"{self.latest_s / 60:.0f} min"
        return Measured(
            what=f"tickets in {minutes}",
            asked=f"below {limit}",
            value=self.count,
            unit="tickets",
            n=self.before,
            margin=limit - self.count,
            definition=f"usual {self.usual:.2g}",
            sentence=(
                f"{self.count} support tickets in {minutes}, usual are {self.usual:.2g} "
                f"(n={self.before} in {HISTORY_D} days, {self.same_hours} of them at this time of day); "
                f"unusual from {limit} on"
            ),
        )

    @property
    def _is_the_incidents_own(self) -> bool:
        """Unusual, but not since the rollback, which is younger than the time that is looked at."""
        if self.count < self.unusual_from or self.recovered_s is None or not 0 < self.recovered_s < self.latest_s:
            return False
        return self.since_recovery < unusual_from(self.usual * self.recovered_s / self.latest_s)
