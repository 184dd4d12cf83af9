"""A drill without damage, on staging: how long a rollback takes there, and what it costs users. Whether it cures is not judged."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.plan.stories import NOT_JUDGED

if TYPE_CHECKING:
    from pam_rollback.observation.recovery import Recovery


@dataclass(frozen=True, repr=False)
class UndamagedRollback(Sentence):
    """From the decision until all of it was done and users were well, against the objective for recovery. Seconds."""

    recovery: "Recovery"
    done_s: float
    """From the decision until the last step was over."""
    objective_s: float

    @property
    def took_s(self) -> float | None:
        """None: users were not well in the end."""
        found_s = self.recovery.from_decision_s
        return None if found_s is None else max(self.done_s, found_s)

    @property
    def exposure_s(self) -> float:
        """How long users were unwell by the rollback itself: at most, as far as the probes can tell."""
        return sum(outage.at_most_s for outage in self.recovery.outages)

    @property
    def in_time(self) -> bool:
        """All was done, and users were well, within the objective."""
        return self.took_s is not None and self.took_s <= self.objective_s

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        took_s = self.took_s
        return Figures(
            what="the rollback, with nothing to recover from",
            asked=f"within {self.objective_s:g} s",
            measured="users not well" if took_s is None else round(took_s, 2),
            unit="s",
            n=self.recovery.n,
            margin=None if took_s is None else self.objective_s - took_s,
            definition=f"from the decision until it was done; users unwell for {self.exposure_s:.1f} s of it; {NOT_JUDGED}",
        )

    def __str__(self) -> str:
        return f"{self.figures}; {self.recovery}"
