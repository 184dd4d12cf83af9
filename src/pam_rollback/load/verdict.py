"""What a load test shows of a release: every threshold of the plan's load gate, judged over one record.

Where two releases were asked in one run, the thresholds are the candidate's: the stable one is what it is compared with
(``load/release_comparison.py``).
"""

from dataclasses import dataclass, replace
from functools import cached_property

from pam_rollback.load.facts import ErrorsUnderLoad, LatencyUnderLoad, OutageUnderLoad
from pam_rollback.load.generator import Doubts, doubts
from pam_rollback.load.record import CANDIDATE, STABLE, AskedRate, LoadRecord, LoadRequest
from pam_rollback.load.steps import ReachedLoad, StepsUnderLoad, reached_load, steps_under_load
from pam_rollback.plan.plan import LoadGate
from pam_rollback.plan.plan_items import LoadLatencyLimit


def latency_limits(limits: LoadGate) -> tuple[LoadLatencyLimit, LoadLatencyLimit]:
    """Of the p95, and of the p99. What took the first of them is slow."""
    return limits["LG-1"], limits["LG-2"]


@dataclass(frozen=True)
class LoadVerdict:
    """One record against the plan. Facts are made when they are asked for, and kept."""

    record: LoadRecord
    """As judged: of the candidate where there are two."""
    limits: LoadGate
    doubts: Doubts

    @cached_property
    def sent(self) -> tuple[LoadRequest, ...]:
        """What left and says something about the service, in the order of the due times."""
        return tuple(sorted((one for one in self.record.requests if one.counts), key=lambda one: one.due_s))

    @cached_property
    def p95(self) -> LatencyUnderLoad:
        """LG-1."""
        return LatencyUnderLoad.of(self.sent, self.limits["LG-1"], self.doubts)

    @cached_property
    def p99(self) -> LatencyUnderLoad:
        """LG-2."""
        return LatencyUnderLoad.of(self.sent, self.limits["LG-2"], self.doubts)

    @cached_property
    def errors(self) -> ErrorsUnderLoad:
        """LG-3."""
        return ErrorsUnderLoad.of(self.sent, self.limits["LG-3"], self.doubts)

    @cached_property
    def outage(self) -> OutageUnderLoad:
        """LG-4."""
        return OutageUnderLoad.of(self.sent, self.limits["LG-4"], began_s=self.record.began_s, doubts=self.doubts)

    @cached_property
    def steps(self) -> StepsUnderLoad:
        """LG-5."""
        limits = self.limits
        return steps_under_load(self.record, limits["LG-5"], latency_limits(limits), limits["LG-3"], self.doubts)

    @cached_property
    def reached(self) -> ReachedLoad:
        """LG-6."""
        return reached_load(self.steps, self.limits["LG-6"])


def judge(record: LoadRecord, limits: LoadGate) -> LoadVerdict:
    """Judge a record. The generator's doubts are those of the whole run, whomever it asked."""
    return LoadVerdict(_of_the_candidate(record), limits, doubts(record, limits["LG-6"]))


def _of_the_candidate(record: LoadRecord) -> LoadRecord:
    """Give what concerns the candidate: its requests, and its half of the load."""
    if not any(one.target == STABLE for one in record.requests):
        return record
    asked = tuple(AskedRate(one.from_s, one.rate_hz / 2) for one in record.asked)
    return replace(record, asked=asked, requests=tuple(one for one in record.requests if one.target == CANDIDATE))
