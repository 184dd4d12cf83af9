"""Did the first verdict come in the time that the plan gives it?  Plan items TF-1 to TF-3; a finding, never a decision."""

from dataclasses import dataclass

from pam_rollback.base.figures import Figures, Sentence


@dataclass(frozen=True, repr=False)
class FirstVerdict(Sentence):
    """When the first verdict of a section came, in seconds from ``since``. ``due_until_s`` may be reached."""

    section: str
    came_s: float
    due_until_s: float
    since: str
    due_from_s: float = 0.0
    """From when on the plan waits for it; sooner is no fault."""

    @property
    def in_time(self) -> bool:
        """It did not come late. Early is no fault."""
        return self.came_s <= self.due_until_s

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what=f"first verdict, {self.section}",
            asked=f"{self.due_from_s:g} to {self.due_until_s:g} s",
            measured=round(self.came_s, 1),
            unit="s",
            n=1,
            margin=self.due_until_s - self.came_s,
            definition=f"from {self.since}",
        )

    def __str__(self) -> str:
        how = "in time" if self.in_time else "late"
        asked = f"the plan: {self.due_from_s:g} to {self.due_until_s:g} s"
        return f"first verdict, {self.section}: {how}, {self.came_s:.1f} s from {self.since} ({asked})"
