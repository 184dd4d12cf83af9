"""How long ago each strategy was drilled, and whether it worked (PM-10). A way back that was not tried for a month is a hope."""

from collections.abc import Sequence
from dataclasses import dataclass

from pam_rollback.base.figures import Figures, Sentence

_DAY_S = 86_400
_HOUR_S = 3_600


@dataclass(frozen=True)
class LastDrill:
    """The newest drill that showed whether a strategy works; ``age_s`` is None when there is none."""

    strategy: str
    age_s: float | None = None
    environment: str = ""
    run: str = ""
    failed: str = ""
    """What it ended with; empty for GO."""

    @property
    def good_d(self) -> float | None:
        """How many days ago it was good; None when it was never drilled, or failed."""
        return None if self.failed or self.age_s is None else self.age_s / _DAY_S

    def __str__(self) -> str:
        if self.age_s is None:
            return f"{self.strategy} never"
        failed = f" with {self.failed}" if self.failed else ""
        return f"{self.strategy} {_ago(self.age_s)} ago{failed} ({self.environment}, {self.run})"


@dataclass(frozen=True, repr=False)
class DrillAges(Sentence):
    """All strategies of the plan."""

    drills: Sequence[LastDrill]
    age_max_d: float

    @property
    def fresh(self) -> bool:
        """Each strategy was drilled, none longer ago than that, and none of the newest drills failed."""
        return bool(self.drills) and not self._old and not self._failed

    @property
    def _old(self) -> tuple[LastDrill, ...]:
        return tuple(
            one for one in self.drills if not one.failed and (one.good_d is None or one.good_d > self.age_max_d)
        )

    @property
    def _failed(self) -> tuple[LastDrill, ...]:
        return tuple(one for one in self.drills if one.failed)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        ages = [one.age_s for one in self.drills if one.age_s is not None]
        oldest = round(max(ages) / _DAY_S, 1) if len(ages) == len(self.drills) and ages else "never drilled"
        if self._failed:
            oldest = f"{len(self._failed)} failed"
        return Figures(
            what="the strategy whose drill is the longest ago",
            asked=f"<= {self.age_max_d:g} d",
            measured=oldest,
            unit="d" if isinstance(oldest, float) else "",
            n=len(self.drills),
        )

    def __str__(self) -> str:
        wrong = [f"{' and '.join(_names(self._failed))}: the newest drill failed"] if self._failed else []
        if self._old:
            wrong.append(
                f"{' and '.join(_names(self._old))}: no drill ended with GO in the last {self.age_max_d:g} days"
            )
        if wrong:
            found = "; ".join(map(str, self.drills))
            return (
                f"{'; '.join(wrong)} (drilled here: {found}); "
                "drill what is missing: pytest drills (or one file of it), and run the gate where its reports/out is"
            )
        return f"every strategy was drilled in the last {self.age_max_d:g} days: {'; '.join(map(str, self.drills))}"


def _names(drills: Sequence[LastDrill]) -> list[str]:
    return [one.strategy for one in drills]


def _ago(age_s: float) -> str:
    for unit, seconds in (("d", _DAY_S), ("h", _HOUR_S)):
        if age_s >= seconds:
            return f"{age_s / seconds:.0f} {unit}"
    return f"{age_s / 60:.0f} min"
