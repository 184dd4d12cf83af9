"""Start and stop an observer: a prober, or the ledger's writer.

A process of its own, so that nothing that the acting process does can disturb what it sees.
"""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.open_loop import Steady
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.http import pace
from pam_rollback.probe.child import Child
from pam_rollback.probe.journeys import ObserverConfig, ProbeConfig
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.timeline import Timeline

_MODULE = "pam_rollback.probe.observing"
_GRACE_S = 2.0
_MINUTE_S = 60.0
Config = TypeVar("Config", bound=ObserverConfig)


class Observer(Generic[Config]):
    """A running observer. Also a context manager that stops it."""

    called, sends = "observer", ""

    def __init__(self, config: Config, path: Path) -> None:
        """Start one that records to ``path``, a file that must not exist yet. Raises MeasurementFailed where it cannot."""
        self.config = config
        self.path = path
        self._child = Child(self.called, _MODULE, config.model_dump_json(), path, arguments=[self.sends, str(path)])

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def check(self) -> None:
        """Raise MeasurementFailed, with its last words, when it does not run any more: from then on we are blind."""
        self._child.check()

    def stop(self) -> None:
        """End it; what is in flight is still recorded. May be called again."""
        self._child.stop(within_s=self.config.longest_s + _GRACE_S)

    def _wait_for(self, n: int, what: str, read: Callable[[], int], within_s: float, waiter: Waiter | None) -> int:
        """Wait until ``n`` of these are recorded; give how many are, which are fewer after ``within_s`` seconds.

        Raises MeasurementFailed when it died, StopRequested as every wait.
        """

        def count() -> int:
            self.check()
            return read() if self.path.exists() else 0

        try:
            return (waiter or Waiter()).until(
                count, holds=lambda found: found >= n, within_s=within_s, what=f"{n} {what}", every_s=0.02
            )
        except NotReached:
            return count()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Prober(Observer[ProbeConfig]):
    """A running prober and its record."""

    called, sends = "prober", "probes"

    def __init__(self, config: ProbeConfig, path: Path) -> None:
        """Start it. Raises MeasurementFailed, too, where the product bears less."""
        self._over = pace.leave_room(steady_of(config))
        super().__init__(config, path)
        self.timeline = Timeline(path)

    def wait_for_first(self, n: int, within_s: float, waiter: Waiter | None = None) -> tuple[Sample, ...]:
        """Wait until ``n`` samples are recorded, and give those that are. Raises MeasurementFailed when they do not come."""
        found = self._wait_for(n, "samples of the prober", lambda: len(self.timeline.samples()), within_s, waiter)
        if found < n:
            raise MeasurementFailed(f"{found} of {n} samples after {within_s:g} s: {self._child.last_words()}")
        return self.timeline.samples()

    def stop(self) -> None:
        """End it; the probes in flight are still recorded. May be called again."""
        super().stop()
        self._over()


def steady_of(config: ProbeConfig) -> list[Steady]:
    """What it asks over and over."""
    whole = sum(one.weight for one in config.journeys)
    return [
        Steady(one.url, config.rate_hz * _MINUTE_S * one.weight / whole, one.signed_in, bool(one.as_browser_of))
        for one in config.journeys
    ]
