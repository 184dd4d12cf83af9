"""The success criteria over one window, which every criterion waits for as long as it needs itself."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Telling, Waiter
from pam_rollback.probe.measure import Window, WindowState
from pam_rollback.probe.memory import MemoryGrowth, MemoryWindow, confirmed_growth
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.parts import Coverage, Judge, by_part, judge_parts, window_unnoticed, without_health
from pam_rollback.probe.until_the_end import HeldReleases
from pam_rollback.probe.window import WindowSpec, judge_without_prober_lag

Verdict = TypeVar("Verdict", Window, MemoryWindow, HeldReleases)


_EVERY_S = 0.5


@dataclass(frozen=True)
class Standings:
    """How each criterion stands. ``memory`` is None where the environment declares no metrics."""

    at_s: float
    """Seconds since the window began."""
    longest_s: float
    error_rate: Window
    latency_p95: Window
    memory: MemoryWindow | None
    releases: HeldReleases | None = None
    """None where no answer names a release."""

    @property
    def all(self) -> tuple[Window, ...]:
        """Those that there are."""
        return tuple(verdict for verdict in (self.error_rate, self.latency_p95, self.memory) if verdict is not None)

    def __str__(self) -> str:
        standing = ", ".join(_briefly(verdict) for verdict in self.all)
        return f"  … window {min(self.at_s, self.longest_s):.0f} of {self.longest_s:.0f} s: {standing}"


class Answers(NamedTuple):
    """Both measures of users' answers, each of its worst part."""

    error_rate: Window
    latency_p95: Window


class AnswersJudge:
    """Judges error rate and p95 of an observation, part by part. The worst part decides; health is no experience of users' speed."""

    def __init__(
        self, observation: Observation, errors_at: Callable[[float], WindowSpec], p95_at: Callable[[float], WindowSpec]
    ) -> None:
        """``errors_at`` and ``p95_at`` are what is asked of a part, by its rate of probes."""
        self._observation = observation
        self._errors_at, self._p95_at = errors_at, p95_at
        self._coverage = Coverage(observation.series, window_unnoticed(errors_at))

    def __call__(self, *, start_s: float, now_s: float, judge: Judge = judge_without_prober_lag) -> Answers:
        """Judge what is known now of the time since ``start_s``. Raises MeasurementFailed when the prober is gone."""
        observation, settled_s = self._observation, self._observation.settled_s
        series = observation.series
        samples = observation.samples_of_parts(since_s=start_s)
        lacking = self._coverage.lacking(by_part(samples, series))
        judged = partial(
            judge_parts, samples, lacking=lacking, judge=judge, start_s=start_s, now_s=now_s, settled_s=settled_s
        )
        return Answers(judged(series, self._errors_at), judged(without_health(series), self._p95_at))


class HeldWindow:
    """One window for all. A criterion that is broken is known at once and keeps no other one from its whole time."""

    def __init__(
        self,
        judge: Callable[[], Standings],
        *,
        later_memory: Callable[[int], MemoryWindow] | None = None,
        within_s: float,
        waiter: Waiter,
        progress: Telling,
    ) -> None:
        """``later_memory`` judges memory over the first, second… window of the same length after this one."""
        self._judge = judge
        self._later_memory = later_memory
        self._within_s = within_s
        self._waiter = waiter
        self._progress = progress
        self._announced: set[str] = set()
        self._known: dict[str, Any] = {}

    def error_rate(self) -> Window:
        """SC-1, when more observation cannot change it."""
        return self._final("error rate", lambda standings: standings.error_rate)

    def latency_p95(self) -> Window:
        """SC-2, when more observation cannot change it."""
        return self._final("p95", lambda standings: standings.latency_p95)

    def memory(self) -> MemoryWindow:
        """SC-3, when more observation cannot change it. Raises MeasurementFailed where memory is not read."""
        why = "memory was not read: the environment declares no metrics"
        return self._final("memory", lambda standings: standings.memory, why)

    def releases(self) -> HeldReleases:
        """HC-1 and HC-2, when more observation cannot change it. Raises MeasurementFailed where no answer names a release."""
        why = "no health answer that is asked for in the window names a release"
        return self._final("releases", lambda standings: standings.releases, why)

    def memory_trend(self) -> MemoryGrowth:
        """Where memory leads. Growth in a window shorter than the plan asks for is looked at again in the windows after it.

        Raises MeasurementFailed where memory is not read, or its window is not complete.
        """
        window = self.memory()
        if window.spec.duration_s >= window.asked_s:
            return window.trend

        def look(number: int) -> MemoryGrowth | None:
            if not number:
                return window.trend
            assert self._later_memory is not None, "asked for where memory is read"
            later = self._waiter.until(
                partial(self._later_memory, number),
                holds=lambda window: window.final,
                within_s=self._within_s + window.spec.duration_s,
                what="a window more over memory, which grows, is complete",
                every_s=_EVERY_S,
            )
            return later.trend if later.state is WindowState.MET else None

        return confirmed_growth(look)

    def wait_for_its_end(self) -> None:
        """Wait until the whole window has passed, broken or not. Raises MeasurementFailed when nobody watches any more."""
        self.until(lambda standings: standings.at_s >= standings.longest_s)

    def _final(self, name: str, pick: Callable[[Standings], Verdict | None], why_none: str = "") -> Verdict:
        def picked(standings: Standings) -> Verdict:
            verdict = pick(standings)
            if verdict is None:
                raise MeasurementFailed(why_none)
            return verdict

        # Whoever asks again learns the same, also where more is known by then.
        if name not in self._known:
            self._known[name] = picked(self.until(lambda standings: picked(standings).final))
        known: Verdict = self._known[name]
        return known

    def until(self, holds: Callable[[Standings], bool]) -> Standings:
        """Wait until it stands like that. Raises MeasurementFailed when nobody watches any more."""
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
        for verdict in (*standings.all, *filter(None, [standings.releases])):
            name = verdict.measured.what
            if verdict.state is WindowState.BROKEN and name not in self._announced:
                self._announced.add(name)
                # Whoever waits for another criterion need not learn of this one a quarter of an hour later.
                self._progress.announce(f"  broken already: {verdict}")
        self._progress.tell(str(standings))
        return standings


def _briefly(verdict: Window) -> str:
    figures = verdict.measured
    value = "nothing yet" if verdict.value is None else f"{verdict.value:.3g} {figures.unit}"
    return f"{figures.what} {value} ({verdict.state})"
