"""The prober as a source: what it saw, as the same points over time that the servers' own records give."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pam_rollback.observation.rules.samples import Sample
from pam_rollback.stats.histogram import Latencies
from pam_rollback.stats.series import Answers, Evidence, Point, Quantity, Series, from_evidence

_WHERE = "the prober"


@dataclass(frozen=True)
class SampledSource:
    """One quantity from samples: a ``core.series.Source``. ``samples`` gives those that were due in a time and are recorded."""

    quantity: Quantity
    samples: Callable[[float, float], Iterable[Sample]]
    step_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what nobody sees from outside."""
        if self.quantity is Quantity.MEMORY_MB:
            raise ValueError("a prober sees no memory")

    def read(self, since_s: float, until_s: float) -> Series:
        """Everything that was due from ``since_s`` until ``until_s``, in whole steps."""
        by_step: dict[int, list[Sample]] = {}
        for sample in self.samples(since_s, until_s):
            by_step.setdefault(math.floor((sample.due_s - since_s) / self.step_s), []).append(sample)
        number = max(0, math.floor((until_s - since_s) / self.step_s + 1e-9))
        return Series(self.quantity, _WHERE, self.step_s, tuple(self._points(by_step, since_s, number)))

    def _points(self, by_step: dict[int, list[Sample]], since_s: float, number: int) -> Iterator[Point]:
        for index in range(number):
            at_s = since_s + self.step_s * (index + 1)
            measured = [sample for sample in by_step.get(index, []) if sample.measured()]
            evidence = self._evidence(measured)
            yield from_evidence(at_s, evidence) if evidence else Point(at_s, None, why="no probe was measured")

    def _evidence(self, measured: list[Sample]) -> Evidence | None:
        if self.quantity is Quantity.ERROR_RATE_PCT:
            return Answers(len(measured), sum(not sample.ok for sample in measured)) if measured else None
        # An answer that failed quickly says nothing about speed.
        latencies = tuple(sample.latency_ms for sample in measured if sample.ok)
        return Latencies(latencies) if latencies else None
