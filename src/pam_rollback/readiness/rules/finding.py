"""One answer of readiness: what holds, what does not, and what nobody could tell."""

from dataclasses import dataclass

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence


@dataclass(frozen=True, repr=False)
class Finding(Sentence):
    """What was looked at, one line each. Unknown is never ready, and neither is nothing at all."""

    what: str
    holds: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be read, each with its reason."""
    advice: str = ""
    """What to do when it is broken."""

    @property
    def ready(self) -> bool:
        """All of it holds. Raises MeasurementFailed when something could not be told, or there was nothing to look at."""
        if self.broken:
            return False
        if self.unknown or not self.holds:
            raise MeasurementFailed(str(self))
        return True

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        n = len(self.holds) + len(self.broken) + len(self.unknown)
        return Figures(what=self.what, asked="all of them", measured=len(self.holds), n=n)

    def __str__(self) -> str:
        if self.broken:
            return f"{self.what}: {'; '.join(self.broken)}" + (f". {self.advice}" if self.advice else "")
        if self.unknown:
            return f"{self.what}: not known: {'; '.join(self.unknown)}"
        return f"{self.what}: {'; '.join(self.holds) or 'not known: there is nothing to go by'}"
