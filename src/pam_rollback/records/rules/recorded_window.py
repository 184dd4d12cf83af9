"""What the servers' own records say about a window. Records without the requests that we made ourselves are about something else."""

from dataclasses import dataclass, replace

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.observation.rules.window_state import WindowState
from pam_rollback.records.rules.series_window import SeriesWindow
from pam_rollback.stats.series import Answers, Quantity

SEEN_SHARE_MIN = 0.8
"""Of our own requests, records must have so many: what lies at the edges of their steps, or was lost by a restart, may be missing."""


@dataclass(frozen=True, repr=False)
class RecordedWindow(Sentence):
    """A window over the records. ``own`` are our own requests to the same servers in that time; None: not to be told apart there."""

    window: SeriesWindow
    own: Answers | None = None

    @property
    def held(self) -> bool:
        """Whether the criterion held for its time. Raises MeasurementFailed when the records do not say, or not about this service."""
        if self.cut_short:
            raise MeasurementFailed(str(self))
        if not self.window.met:
            return False
        # What was not answered to us may never have arrived there.
        answered = 0.0 if self.own is None else self.own.n - self.own.bad
        if self.window.n < SEEN_SHARE_MIN * answered:
            raise MeasurementFailed(
                f"{self}: expected our own {answered:g} requests of that time among them; are these the records of this service?"
            )
        return True

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        figures = self.window.figures
        return replace(figures, definition=f"{figures.definition}{self._beside}")

    @property
    def _beside(self) -> str:
        if self.own is None:
            return ""
        if self.window.spec.quantity is Quantity.ERROR_RATE_PCT:
            return f"; the prober saw {self.own.value:.2f} %, n={self.own.n:g}"
        return f"; {self.own.n:g} requests were the prober's"

    @property
    def cut_short(self) -> bool:
        """Whether the wait ended before the window did, because another measure was broken."""
        return self.window.state is WindowState.HOLDING

    def __str__(self) -> str:
        return f"{self.window}{self._beside}" + (
            "; not waited for: another measure is broken" if self.cut_short else ""
        )
