"""How long ago each strategy was drilled to a GO (PM-10). A way back that was not tried for a month is a hope."""

from collections.abc import Sequence
from dataclasses import dataclass

from pam_rollback.base.figures import Figures, Sentence

_DAY_S = 86_400
_HOUR_S = 3_600


@dataclass(frozen=True)
class LastDrill:
    """The newest drill of a strategy that ended with GO; ``age_s`` is None when there is none."""

    strategy: str
    age_s: float | None = None
    environment: str = ""
    run: str = ""

    def __str__(self) -> str:
        if self.age_s is None:
            return f"{self.strategy} never"
        return f"{self.strategy} {_ago(self.age_s)} ago ({self.environment}, {self.run})"


@dataclass(frozen=True, repr=False)
class DrillAges(Sentence):
    """All strategies of the plan."""

    drills: Sequence[LastDrill]
    age_max_d: float

    @property
    def fresh(self) -> bool:
        """Each strategy was drilled, and none longer ago than that."""
        return bool(self.drills) and not self._old

    @property
    def _old(self) -> tuple[LastDrill, ...]:
        return tuple(one for one in self.drills if one.age_s is None or one.age_s > self.age_max_d * _DAY_S)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        ages = [one.age_s for one in self.drills if one.age_s is not None]
        oldest = round(max(ages) / _DAY_S, 1) if len(ages) == len(self.drills) and ages else "never drilled"
        return Figures(
            what="the strategy whose drill is the longest ago",
            asked=f"<= {self.age_max_d:g} d",
            measured=oldest,
            unit="d" if isinstance(oldest, float) else "",
            n=len(self.drills),
        )

    def __str__(self) -> str:
        if self._old:
            names = " and ".join(one.strategy for one in self._old)
            found = "; ".join(map(str, self.drills))
            return (
                f"{names}: no drill ended with GO in the last {self.age_max_d:g} days (drilled here: {found}); "
                "drill what is missing: pytest drills (or one file of it), and run the gate where its reports/out is"
            )
        return f"every strategy was drilled in the last {self.age_max_d:g} days: {'; '.join(map(str, self.drills))}"


def _ago(age_s: float) -> str:
    for unit, seconds in (("d", _DAY_S), ("h", _HOUR_S)):
        if age_s >= seconds:
            return f"{age_s / seconds:.0f} {unit}"
    return f"{age_s / 60:.0f} min"
