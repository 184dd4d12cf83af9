"""What a load test shows of a release: every threshold of the plan's load gate, judged over one record.

Where two releases were asked in one run, the thresholds are the candidate's: the stable one is what it is compared with
(``load/release_comparison.py``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pam_rollback.plan.plan import LoadGate
from pam_rollback.plan.plan_items import LoadErrorLimit, LoadLatencyLimit, LoadReachedLimit, LoadStepLimit
from pam_rollback.redeploy.load.facts import LoadFinding, error_rate, finding, latency, lowest_pct, outage
from pam_rollback.redeploy.load.generator import Doubts, doubts
from pam_rollback.redeploy.load.record import CANDIDATE, STABLE, LoadRecord, LoadStep
from pam_rollback.stats.percentiles import nearest_rank

_EVER = 10**9


@dataclass(frozen=True)
class StepOfLoad:
    """One step, with what its own answers say. The small sample decides only where it is sure (see ``load/facts.py``)."""

    step: LoadStep
    offset_s: float
    percentiles: tuple[tuple[float, LoadFinding], ...]
    errors: LoadFinding
    n: int
    fine: int
    """Requests that were answered well."""

    @property
    def broken_by(self) -> str:
        """What was reached for certain; empty when nothing was."""
        found = (*(fact for _, fact in self.percentiles), self.errors)
        return "; ".join(str(fact) for fact in found if fact.broken)

    @property
    def suspicious(self) -> str:
        """What was reached, but not for certain: the step is too short for that."""
        found = [
            fact
            for pct, fact in self.percentiles
            if fact.figure is not None
            and fact.n is not None
            and fact.figure >= fact.limit
            and nearest_rank(fact.n, pct) < fact.n
            and not fact.broken
        ]
        failing = (self.errors.figure or 0) >= self.errors.limit and self.n - self.fine > 1 and not self.errors.broken
        return "; ".join(map(str, (*found, *([self.errors] if failing else ()))))

    @property
    def briefly(self) -> str:
        """For the table of criteria."""
        pct, first = self.percentiles[0]
        slow = "no answer" if first.figure is None else f"p{pct:g} {first.figure:.0f} ms"
        return f"{self.step.share_pct:.0f} %: {slow}, {self.n - self.fine} of {self.n} failed"

    def __str__(self) -> str:
        found = [f"p{pct:g} {one.figure:.0f} ms" for pct, one in self.percentiles if one.figure is not None]
        rate = self.errors.figure
        errors = "no answers" if rate is None else f"{rate:.2f} % errors"
        return f"{self.step} at +{self.offset_s:.0f} s: {', '.join([*found, errors])}, n={self.n}"


def steps_borne(steps: Sequence[StepOfLoad], limit: LoadStepLimit, doubts: Doubts) -> LoadFinding:
    """Return how many steps of the load were borne, and say at which load it broke."""
    broken = next((one for one in steps if one.broken_by), None)
    borne = sum(not one.broken_by for one in steps)
    told = "; ".join(map(str, steps)) or "nothing was asked"
    sentence = f"steps of the load, expected all to be borne: {told}"
    if broken is not None:
        sentence = f"the load broke it at {broken.step}, {broken.offset_s:.0f} s after the start: {broken.broken_by}; all steps: {told}"
    return LoadFinding(
        what="steps of the load that were borne",
        asked=f"all {len(steps)}, n >= {limit.step_answers_min} each",
        value=f"broke at {broken.step}" if broken is not None else f"{borne} of {len(steps)}",
        n=sum(one.n for one in steps),
        definition="; ".join(one.briefly for one in steps),
        sentence=sentence,
        figure=borne,
        limit=len(steps),
        broken=broken is not None,
        unsure=_unsure_steps(steps, limit),
        doubts=doubts,
    )


def _unsure_steps(steps: Sequence[StepOfLoad], limit: LoadStepLimit) -> str:
    """A step without enough answers, or one that may have been too much."""
    for one in steps:
        if one.n < limit.step_answers_min:
            few = f"at {one.step} there were {one.n} answers, {limit.step_answers_min} are needed"
            return f"{few}: stay longer at each step"
        if one.suspicious:
            return f"at {one.step} too few answers came to be sure: {one.suspicious}"
    return "" if steps else "no step was begun"


def reached_load(steps: Sequence[StepOfLoad], limit: LoadReachedLimit, doubts: Doubts) -> LoadFinding:
    """Return how much was answered well of what was asked for at the highest step, of several the last, in per cent.

    It is broken where the service answered too little well of what was sent: what was never sent is not its fault.
    """
    highest = max(steps, key=lambda one: (one.step.rate_hz, one.step.from_s), default=None)
    least_pct, reached, broken = limit.reached_pct_min, None, False
    where, n = "nothing was asked", 0
    if highest is not None:
        asked, n = highest.step.asked, highest.n
        where = f"answered well at {highest.step}: {highest.fine} of {n} sent, {asked:.0f} asked"
        if asked:
            reached = 100 * highest.fine / asked
            sent_enough = 100 * n >= least_pct * asked
            broken = (sent_enough and reached < least_pct) or lowest_pct(n - highest.fine, n) > 100 - least_pct
    unsure = "no step was begun" if reached is None else ""
    if reached is not None and reached < least_pct:
        unsure = "the generator did not send enough, and what it sent was answered"
    found = "not known" if reached is None else f"{reached:.1f} %"
    return finding(
        figure=reached,
        limit=least_pct,
        digits=1,
        least=True,
        what="load that was reached",
        asked=f">= {least_pct:g} % of what was asked",
        unit="%",
        n=n,
        definition=where,
        sentence=f"load that was reached: {found} ({where}), expected at least {least_pct:g} %",
        broken=broken,
        unsure=unsure,
        doubts=doubts,
    )


def steps_judged(
    record: LoadRecord, latencies: Sequence[LoadLatencyLimit], errors: LoadErrorLimit, doubts: Doubts
) -> Iterator[StepOfLoad]:
    """Judge each step of a record."""
    # A step is judged by what is sure, however many answers it has: so no number of them is enough to go by the measured value alone.
    sure_errors = errors.model_copy(update={"answers_min": _EVER})
    sure = [limit.model_copy(update={"answers_min": _EVER}) for limit in latencies]
    for step in record.begun:
        sent = [one for one in record.requests if one.counts and step.from_s <= one.due_s < step.until_s]
        yield StepOfLoad(
            step,
            step.from_s - record.began_s,
            tuple((limit.pct, latency(sent, limit, doubts)) for limit in sure),
            error_rate(sent, sure_errors),
            len(sent),
            sum(one.ok for one in sent),
        )


def latency_limits(limits: LoadGate) -> tuple[LoadLatencyLimit, LoadLatencyLimit]:
    """Of the p95, and of the p99. What took the first of them is slow."""
    return limits["LG-1"], limits["LG-2"]


@dataclass(frozen=True)
class LoadVerdict:
    """One record against the plan: a finding for each threshold that a release is held against by itself."""

    doubts: Doubts
    p95: LoadFinding
    """LG-1, in ms."""
    p99: LoadFinding
    """LG-2, in ms."""
    errors: LoadFinding
    """LG-3, in per cent."""
    outage: LoadFinding
    """LG-4, in seconds."""
    steps: LoadFinding
    """LG-5, in steps."""
    reached: LoadFinding
    """LG-6, in per cent."""


def judge(record: LoadRecord, limits: LoadGate) -> LoadVerdict:
    """Judge a record: what left and says something about the service. The generator's doubts are those of the whole run."""
    doubted = doubts(record, limits["LG-6"])
    own = _of_the_candidate(record)
    sent = [one for one in own.requests if one.counts]
    steps = tuple(steps_judged(own, latency_limits(limits), limits["LG-3"], doubted))
    return LoadVerdict(
        doubts=doubted,
        p95=latency(sent, limits["LG-1"], doubted),
        p99=latency(sent, limits["LG-2"], doubted),
        errors=error_rate(sent, limits["LG-3"], doubted),
        outage=outage(sent, limits["LG-4"], began_s=own.began_s, doubts=doubted),
        steps=steps_borne(steps, limits["LG-5"], doubted),
        reached=reached_load(steps, limits["LG-6"], doubted),
    )


def _of_the_candidate(record: LoadRecord) -> LoadRecord:
    """Give what concerns the candidate: its requests, and its half of the load."""
    if not any(one.target == STABLE for one in record.requests):
        return record
    half = tuple(replace(one, rate_hz=one.rate_hz / 2) for one in record.steps)
    return replace(record, steps=half, requests=tuple(one for one in record.requests if one.target == CANDIDATE))
