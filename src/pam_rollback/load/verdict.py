"""What a load test shows of a release: every threshold of the plan's load gate, judged over one record.

Where two releases were asked in one run, the thresholds are the candidate's: the stable one is what it is compared with
(``load/release_comparison.py``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pam_rollback.base.figures import Figures
from pam_rollback.load.facts import ErrorsUnderLoad, LatencyUnderLoad, LoadFact, OutageUnderLoad
from pam_rollback.load.generator import NO_DOUBTS, Doubts, LoadStep, doubts, steps_of
from pam_rollback.load.record import CANDIDATE, STABLE, AskedRate, LoadRecord, LoadRequest
from pam_rollback.plan.plan import LoadGate
from pam_rollback.plan.plan_items import LoadErrorLimit, LoadLatencyLimit, LoadReachedLimit, LoadStepLimit
from pam_rollback.stats.percentiles import nearest_rank

_STEPS_MAX = 50
"""A shape that changes all the time has no steps to be judged by themselves: it is one."""
_EVER = 10**9


@dataclass(frozen=True)
class StepOfLoad:
    """One step, with what its own answers say. The small sample decides only where it is sure (see ``load_facts``)."""

    step: LoadStep
    offset_s: float
    percentiles: tuple[LatencyUnderLoad, ...]
    errors: ErrorsUnderLoad
    fine: int
    """Requests that were answered well."""

    @property
    def broken_by(self) -> str:
        """What was reached for certain; empty when nothing was."""
        return "; ".join(str(fact) for fact in (*self.percentiles, self.errors) if fact.broken)

    @property
    def suspicious(self) -> str:
        """What was reached, but not for certain: the step is too short for that."""
        slow = [
            fact
            for fact in self.percentiles
            if fact.values is not None
            and fact.values.value >= fact.limit.response_time_ms_max
            and nearest_rank(fact.values.n, fact.limit.pct) < fact.values.n
            and not fact.broken
        ]
        reached = (self.errors.rate_pct or 0) >= self.errors.limit.error_rate_pct_max
        failing = reached and self.errors.bad > 1 and not self.errors.broken
        return "; ".join(map(str, (*slow, *([self.errors] if failing else ()))))

    @property
    def briefly(self) -> str:
        """For the table of criteria."""
        first = self.percentiles[0]
        slow = "no answer" if first.values is None else f"p{first.limit.pct:g} {first.values.value:.0f} ms"
        share = self.step.share_pct
        return (
            f"{self.step if share is None else f'{share:.0f} %'}: {slow}, {self.errors.bad} of {self.errors.n} failed"
        )

    def __str__(self) -> str:
        found = [f"p{one.limit.pct:g} {one.values.value:.0f} ms" for one in self.percentiles if one.values is not None]
        rate = self.errors.rate_pct
        errors = "no answers" if rate is None else f"{rate:.2f} % errors"
        return f"{self.step} at +{self.offset_s:.0f} s: {', '.join([*found, errors])}, n={self.errors.n}"


@dataclass(frozen=True, repr=False)
class StepsUnderLoad(LoadFact):
    """Every step of the shape."""

    limit: LoadStepLimit
    steps: tuple[StepOfLoad, ...]
    doubts: Doubts = NO_DOUBTS

    @property
    def first_broken(self) -> StepOfLoad | None:
        """The first step that was not borne."""
        return next((one for one in self.steps if one.broken_by), None)

    @property
    def broken(self) -> bool:
        """One step was not borne."""
        return self.first_broken is not None

    @property
    def unsure(self) -> str:
        """A step without enough answers, or one that may have been too much."""
        if not self.steps:
            return "no step was begun"
        for one in self.steps:
            if one.errors.n < self.limit.step_answers_min:
                few = f"at {one.step} there were {one.errors.n} answers, {self.limit.step_answers_min} are needed"
                return f"{few}: stay longer at each step"
            if one.suspicious:
                return f"at {one.step} too few answers came to be sure: {one.suspicious}"
        return ""

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        broken = self.first_broken
        borne = sum(not one.broken_by for one in self.steps)
        return Figures(
            what="steps of the load that were borne",
            asked=f"all {len(self.steps)}, n >= {self.limit.step_answers_min} each",
            measured=f"broke at {broken.step}" if broken is not None else f"{borne} of {len(self.steps)}",
            n=sum(one.errors.n for one in self.steps),
            definition="; ".join(one.briefly for one in self.steps),
        )

    def __str__(self) -> str:
        broken = self.first_broken
        told = "; ".join(map(str, self.steps)) or "nothing was asked"
        if broken is None:
            return f"steps of the load, expected all to be borne: {told}"
        return f"the load broke it at {broken.step}, {broken.offset_s:.0f} s after the start: {broken.broken_by}; all steps: {told}"


@dataclass(frozen=True, repr=False)
class ReachedLoad(LoadFact):
    """Requests that were answered well, of those that the shape asked for, at the highest load."""

    limit: LoadReachedLimit
    step: StepOfLoad | None
    doubts: Doubts = NO_DOUBTS

    @property
    def reached_pct(self) -> float | None:
        """Answered well, of those asked for."""
        if self.step is None or not self.step.step.asked:
            return None
        return 100 * self.step.fine / self.step.step.asked

    @property
    def broken(self) -> bool:
        """Of what was sent, the service answered too little well: what was never sent is not its fault."""
        if self.reached_pct is None or self.step is None:
            return False
        errors, least_pct = self.step.errors, self.limit.reached_pct_min
        sent_enough = 100 * errors.n >= least_pct * self.step.step.asked
        return (sent_enough and self.reached_pct < least_pct) or errors.low_pct > 100 - least_pct

    @property
    def unsure(self) -> str:
        """Nothing to hold it against, or too little was sent."""
        if self.reached_pct is None:
            return "no step was begun"
        if self.reached_pct < self.limit.reached_pct_min:
            return "the generator did not send enough, and what it sent was answered"
        return ""

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        reached = self.reached_pct
        return Figures(
            what="load that was reached",
            asked=f">= {self.limit.reached_pct_min:g} % of what was asked",
            measured=None if reached is None else round(reached, 1),
            unit="%",
            n=self.step.errors.n if self.step is not None else 0,
            margin=None if reached is None else round(reached - self.limit.reached_pct_min, 1),
            definition=self._where,
        )

    @property
    def _where(self) -> str:
        if self.step is None:
            return "nothing was asked"
        return f"answered well at {self.step.step}: {self.step.fine} of {self.step.errors.n} sent, {self.step.step.asked:.0f} asked"

    def __str__(self) -> str:
        reached = self.reached_pct
        found = "not known" if reached is None else f"{reached:.1f} %"
        return f"load that was reached: {found} ({self._where}), expected at least {self.limit.reached_pct_min:g} %"


def steps_under_load(
    record: LoadRecord,
    limit: LoadStepLimit,
    latencies: Sequence[LoadLatencyLimit],
    errors: LoadErrorLimit,
    doubts: Doubts,
) -> StepsUnderLoad:
    """Judge each step of a record."""
    return StepsUnderLoad(limit, tuple(_steps(record, latencies, errors, doubts)), doubts)


def reached_load(steps: StepsUnderLoad, limit: LoadReachedLimit) -> ReachedLoad:
    """Judge the highest step; of several, the last."""
    highest = max(steps.steps, key=lambda one: (one.step.rate_hz, one.step.from_s), default=None)
    return ReachedLoad(limit, highest, steps.doubts)


def _steps(
    record: LoadRecord, latencies: Sequence[LoadLatencyLimit], errors: LoadErrorLimit, doubts: Doubts
) -> Iterator[StepOfLoad]:
    steps = steps_of(record)
    if len(steps) > _STEPS_MAX:
        steps = (_as_one(steps),)
    # A step is judged by what is sure, however many answers it has: so no number of them is enough to go by the measured value alone.
    sure_errors = errors.model_copy(update={"answers_min": _EVER})
    sure = [limit.model_copy(update={"answers_min": _EVER}) for limit in latencies]
    for step in steps:
        sent = [one for one in record.requests if one.counts and step.from_s <= one.due_s < step.until_s]
        yield StepOfLoad(
            step,
            step.from_s - record.began_s,
            tuple(LatencyUnderLoad.of(sent, limit, doubts) for limit in sure),
            ErrorsUnderLoad.of(sent, sure_errors),
            sum(one.ok for one in sent),
        )


def _as_one(steps: Sequence[LoadStep]) -> LoadStep:
    whole = replace(steps[0], until_s=steps[-1].until_s, share_pct=None)
    return replace(whole, rate_hz=sum(step.asked for step in steps) / whole.duration_s)


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
