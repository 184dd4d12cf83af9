"""Start and stop the prober.

A process of its own, so that nothing that the acting process does can disturb the measurement.
"""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.open_loop import Steady
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.http import pace
from pam_rollback.probe.child import Child
from pam_rollback.probe.journeys import ProbeConfig
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.timeline import Timeline

_MODULE = "pam_rollback.probe.probe_process"
_GRACE_S = 2.0
_MINUTE_S = 60.0


class Prober:
    """A running prober and its record. Also a context manager that stops it."""

    def __init__(
        self, child: Child, timeline: Timeline, *, timeout_s: float, over: Callable[[], None] = lambda: None
    ) -> None:
        """``over``: called when it has stopped."""
        self._child = child
        self._over = over
        self._timeout_s = timeout_s
        self.timeline = timeline

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def check(self) -> None:
        """Raise MeasurementFailed, with its last words, when it does not run any more: from then on we are blind."""
        self._child.check()

    def wait_for_first(self, n: int, within_s: float, waiter: Waiter | None = None) -> tuple[Sample, ...]:
        """Wait until ``n`` samples are recorded, and give those that are.

        Raises MeasurementFailed when the prober died or when there are fewer after ``within_s`` seconds, StopRequested
        as every wait.
        """
        try:
            return (waiter or Waiter()).until(
                self._living_samples,
                holds=lambda samples: len(samples) >= n,
                within_s=within_s,
                what=f"{n} samples of the prober",
                every_s=0.02,
            )
        except NotReached:
            found = len(self._living_samples())
            raise MeasurementFailed(
                f"{found} of {n} samples after {within_s:g} s: {self._child.last_words()}"
            ) from None

    def _living_samples(self) -> tuple[Sample, ...]:
        self.check()
        return self.timeline.samples() if self.timeline.path.exists() else ()

    def stop(self) -> None:
        """End the prober; the probes in flight are still recorded. May be called again."""
        self._child.stop(within_s=self._timeout_s + _GRACE_S)
        self._over()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_prober(config: ProbeConfig, timeline_path: Path) -> Prober:
    """Start a prober that records to ``timeline_path``, a file that must not exist yet (its log goes beside it).

    Raises MeasurementFailed when the file exists, the process cannot be started, or the product bears less.
    """
    if timeline_path.exists():
        raise MeasurementFailed(
            f"{timeline_path} exists already: a timeline belongs to one prober, choose another run folder"
        )
    over = pace.leave_room(steady_of(config))
    child = Child(_MODULE, config.model_dump_json(), timeline_path)
    return Prober(child, Timeline(timeline_path), timeout_s=config.timeout_s, over=over)


def steady_of(config: ProbeConfig) -> list[Steady]:
    """What it asks over and over."""
    whole = sum(one.weight for one in config.journeys)
    return [
        Steady(one.url, config.rate_hz * _MINUTE_S * one.weight / whole, one.signed_in, bool(one.as_browser_of))
        for one in config.journeys
    ]
