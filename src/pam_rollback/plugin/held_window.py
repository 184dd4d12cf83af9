"""The success criteria over one window, which every criterion waits for as long as it needs itself."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.memory import LOOKS_MAX, restart
from pam_rollback.core.memory_window import MemoryTrend, MemoryWindow
from pam_rollback.core.wait import Waiter
from pam_rollback.core.window import WindowVerdict
from pam_rollback.core.window_state import WindowState
from pam_rollback.plugin.progress import Progress

Judged = WindowVerdict | MemoryWindow
Verdict = TypeVar("Verdict", WindowVerdict, MemoryWindow)

_EVERY_S = 0.5


@dataclass(frozen=True)
class Standings:
    """How each criterion stands. ``memory`` is None where the environment declares no metrics."""

    at_s: float
    """Seconds since the window began."""
    longest_s: float
    error_rate: WindowVerdict
    latency_p95: WindowVerdict
    memory: MemoryWindow | None

    @property
    def all(self) -> tuple[Judged, ...]:
        """Those that there are."""
        return tuple(verdict for verdict in (self.error_rate, self.latency_p95, self.memory) if verdict is not None)

    def __str__(self) -> str:
        """For a person who waits."""
        standing = ", ".join(_briefly(verdict) for verdict in self.all)
        return f"  … window {min(self.at_s, self.longest_s):.0f} of {self.longest_s:.0f} s: {standing}"


class HeldWindow:
    """One window for all. A criterion that is broken is known at once and keeps no other one from its whole time."""

    def __init__(
        self,
        judge: Callable[[], Standings],
        *,
        later_memory: Callable[[int], MemoryWindow],
        within_s: float,
        waiter: Waiter,
        progress: Progress,
    ) -> None:
        """``later_memory`` judges memory over the first, second… window of the same length after this one."""
        self._judge = judge
        self._later_memory = later_memory
        self._within_s = within_s
        self._waiter = waiter
        self._progress = progress
        self._announced: set[str] = set()

    def error_rate(self) -> WindowVerdict:
        """SC-1, when more observation cannot change it."""
        return self._final(lambda standings: standings.error_rate)

    def latency_p95(self) -> WindowVerdict:
        """SC-2, when more observation cannot change it."""
        return self._final(lambda standings: standings.latency_p95)

    def memory(self) -> MemoryWindow:
        """SC-3, when more observation cannot change it. Raises MeasurementFailed where memory is not read."""

        def picked(standings: Standings) -> MemoryWindow:
            if standings.memory is None:
                raise MeasurementFailed("memory was not read: the environment declares no metrics")
            return standings.memory

        return self._final(picked)

    def memory_trend(self) -> MemoryTrend:
        """Where memory leads. Growth in a window shorter than the plan asks for is looked at again in the windows after it.

        Raises MeasurementFailed where memory is not read, or its window is not complete.
        """
        trend = self.memory().trend
        for number in range(1, LOOKS_MAX):
            spec = trend.window.spec
            if spec.duration_s >= spec.asked_s or trend.growth.surely_settled:
                break
            later = self._waiter.until(
                partial(self._later_memory, number),
                holds=lambda window: window.final,
                within_s=self._within_s + spec.duration_s,
                what="a window more over memory, which grows, is complete",
                every_s=_EVERY_S,
            )
            # A process that began anew clears nobody: what grew before it stands.
            if later.state is not WindowState.MET or restart((*trend.window.readings, *later.readings)):
                break
            trend = later.trend
        return trend

    def wait_for_its_end(self) -> None:
        """Wait until the whole window has passed, broken or not. Raises MeasurementFailed when nobody watches any more."""
        self._wait(lambda standings: standings.at_s >= standings.longest_s)

    def _final(self, pick: Callable[[Standings], Verdict]) -> Verdict:
        return pick(self._wait(lambda standings: pick(standings).final))

    def _wait(self, holds: Callable[[Standings], bool]) -> Standings:
        found = self._waiter.until(
            self._look,
            holds=holds,
            within_s=self._within_s,
            what="the window is complete",
            every_s=_EVERY_S,
        )
        self._progress.done()
        return found

    def _look(self) -> Standings:
        standings = self._judge()
        for verdict in standings.all:
            name = verdict.figures.what
            if verdict.state is WindowState.BROKEN and name not in self._announced:
                self._announced.add(name)
                # Whoever waits for another criterion need not learn of this one a quarter of an hour later.
                self._progress.announce(f"  broken already: {verdict}")
        self._progress.tell(str(standings))
        return standings


def _briefly(verdict: Judged) -> str:
    figures = verdict.figures
    value = "nothing yet" if verdict.value is None else f"{verdict.value:.3g} {figures.unit}"
    return f"{figures.what} {value} ({verdict.state})"
