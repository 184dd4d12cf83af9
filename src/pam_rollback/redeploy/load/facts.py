"""What answers under load say: how long they took, how many failed, and the longest time in which most of them did.

Every finding is one of three: **broken** by the service's own answers, good, or not known (MeasurementFailed). Broken comes first: what a
generator failed to ask does not excuse errors, and where it was fit, slow answers neither. Good comes last: it needs enough answers for
the limit to lie outside the confidence interval, and a generator without a doubt (``load/generator.py``).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.plan.plan_items import LoadErrorLimit, LoadLatencyLimit, LoadOutageLimit
from pam_rollback.probe.measure import Bin, bad_runs, seconds
from pam_rollback.redeploy.load.generator import NO_DOUBTS, Doubts
from pam_rollback.redeploy.load.record import LoadRequest
from pam_rollback.stats.binomial import share_above, share_below
from pam_rollback.stats.percentiles import DEFINITION, QuantileBounds, bounds_of

CONFIDENCE_PCT = 95.0
_MISS_PCT = 100 - CONFIDENCE_PCT
_BAD_SHARE = 0.5
"""A second is bad when so much of it is."""
_RUN_ANSWERS_MIN = 5
"""A run of fewer bad answers, of a rare journey, is no outage yet: of 100 answers with 12 % errors, chance alone makes three in a row."""
_SHOWN = 3


@dataclass(frozen=True, repr=False, kw_only=True)
class LoadFinding(Measured):
    """One thing that a load test shows, as exact as it was measured, and the plan's limit."""

    figure: float | None
    limit: float
    broken: bool
    """The service's own answers break the limit."""
    unsure: str = ""
    """Why the answers themselves do not show that the limit is kept; empty when they do."""
    doubts: Doubts = NO_DOUBTS
    """About the generator: nothing good follows while there is one, and where it was unfit, nothing about speed."""

    @property
    def number(self) -> float:
        """The figure, to compare. Raises MeasurementFailed when the limit is not broken and not known to be kept: unknown is neither."""
        unknown = [] if self.broken else [*self.doubts.all, *filter(None, [self.unsure])]
        if unknown or self.figure is None:
            more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
            raise MeasurementFailed(f"{self}; not known: {unknown[0] if unknown else 'nothing was measured'}{more}")
        return self.figure


def finding(*, figure: float | None, limit: float, digits: int, least: bool = False, **more: Any) -> LoadFinding:
    """Return a figure with its row of the table: rounded, and by how much it keeps its limit (``least``: from above)."""
    value = margin = None
    if figure is not None:
        value, margin = round(figure, digits), round(figure - limit if least else limit - figure, digits)
    return LoadFinding(value=value, margin=margin, figure=figure, limit=limit, **more)


def latency(sent: Sequence[LoadRequest], limit: LoadLatencyLimit, doubts: Doubts = NO_DOUBTS) -> LoadFinding:
    """Return one percentile of the time from the due moment to the end of the answer, in ms, of what left.

    An answer that failed quickly says nothing about speed and is left out; one that failed after the limit was slow and counts. The limit
    is broken where the percentile reaches it, also without the generator's own lag; by a small sample only when it is sure.
    """
    most_ms = limit.response_time_ms_max
    counted = [one for one in sent if math.isfinite(one.latency_ms) and (one.ok or one.latency_ms >= most_ms)]
    values = _bounds([one.latency_ms for one in counted], limit.pct)
    without_lag = _bounds([one.latency_ms - max(0.0, one.lag_ms or 0.0) for one in counted], limit.pct)
    bound, found, broken = "no value", "nothing to tell it by", False
    if values is not None and without_lag is not None:
        high = "anything" if math.isinf(values.high) else f"{values.high:.0f} ms"
        bound = f"with {CONFIDENCE_PCT:g} % confidence below {high}"
        found = f"{values.value:.0f} ms (n={values.n}, {DEFINITION})"
        enough = values.n >= limit.answers_min
        slow = ((one.value if enough else one.low) >= most_ms for one in (values, without_lag))
        broken = not doubts.unfit and all(slow)
    return finding(
        figure=None if values is None else values.value,
        limit=most_ms,
        digits=1,
        what=f"p{limit.pct:g} under load",
        asked=f"< {most_ms:g} ms, n >= {limit.answers_min}",
        unit="ms",
        n=0 if values is None else values.n,
        definition=f"{DEFINITION}, from the due time, {bound}",
        sentence=f"p{limit.pct:g} under load from the due time: {found}, expected below {most_ms:g} ms; {bound}",
        broken=broken,
        unsure=_unsure_latency(values, limit, len(sent)),
        doubts=doubts,
    )


def _bounds(times_ms: Sequence[float], pct: float) -> QuantileBounds | None:
    """Each bound by itself with 95 % confidence; None without an answer to tell it by."""
    return bounds_of([max(0.0, value) for value in times_ms], pct, miss_pct=_MISS_PCT) if times_ms else None


def _unsure_latency(values: QuantileBounds | None, limit: LoadLatencyLimit, answered: int) -> str:
    """Too few answers, an interval that holds the limit, or a lag that makes the difference."""
    most_ms = limit.response_time_ms_max
    if values is None:
        return f"none of {answered} requests was answered well, or late: there is nothing to tell the speed by"
    if values.n < limit.answers_min:
        return f"{values.n} answers, {limit.answers_min} are needed"
    if values.value >= most_ms:
        return "without the generator's own lag it would be below the limit"
    if values.high >= most_ms:
        return f"with {CONFIDENCE_PCT:g} % confidence it is below {values.high:.0f} ms, which is not below {most_ms:g}: ask more"
    return ""


def lowest_pct(bad: int, n: int) -> float:
    """Return the share that the true one is above, with 95 % confidence (exact, Clopper and Pearson)."""
    return 100 * share_above(bad, n, miss_pct=_MISS_PCT) if n else 0.0


def error_rate(sent: Sequence[LoadRequest], limit: LoadErrorLimit, doubts: Doubts = NO_DOUBTS) -> LoadFinding:
    """Return the share of requests that left and were not answered as expected, in per cent.

    It is broken where the share reaches the limit; by a small sample only when it is sure.
    """
    reasons = Counter(f"{one.journey}: {one.why or f'HTTP {one.status}'}" for one in sent if not one.ok)
    n, bad, most_pct = len(sent), reasons.total(), limit.error_rate_pct_max
    rate = 100 * bad / n if n else None
    low, high = lowest_pct(bad, n), 100 * share_below(bad, n, miss_pct=_MISS_PCT) if n else 100.0
    unsure = f"the true share may be {high:.2f} %: ask more" if high >= most_pct else ""
    if n < limit.answers_min:
        unsure = f"{n} requests, {limit.answers_min} are needed"
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:_SHOWN]
    most = "; most of all " + ", ".join(f"{why} ({times})" for why, times in ordered) if bad else ""
    found = "no request" if rate is None else f"{rate:.2f} % ({bad} of {n})"
    return finding(
        figure=rate,
        limit=most_pct,
        digits=3,
        what="error rate under load",
        asked=f"< {most_pct:g} %, n >= {limit.answers_min}",
        unit="%",
        n=n,
        definition=f"share of requests that left, with {CONFIDENCE_PCT:g} % confidence below {high:.2f} %",
        sentence=(
            f"error rate under load {found}, expected below {most_pct:g} %, with {CONFIDENCE_PCT:g} % confidence "
            f"between {low:.2f} and {high:.2f} %{most}"
        ),
        broken=rate is not None and (rate if n >= limit.answers_min else low) >= most_pct,
        unsure=unsure,
        doubts=doubts,
    )


def outage(
    sent: Sequence[LoadRequest], limit: LoadOutageLimit, *, began_s: float, doubts: Doubts = NO_DOUBTS
) -> LoadFinding:
    """Return the longest run of bad seconds, by the due second: of all journeys together, of each target and of each journey.

    Together, a second is bad when half of its answers are; of one journey, when all are. A second without any neither ends nor makes a run.
    """
    slow_ms = math.inf if doubts.unfit else limit.slow_ms
    groups: dict[tuple[str, bool], list[LoadRequest]] = defaultdict(list)
    for one in sent:
        groups["all answers", True].append(one)
        groups[one.journey, False].append(one)
        if one.target:
            groups[f"the {one.target} release", True].append(one)
    runs: list[tuple[str, Bin]] = []
    for (name, together), found in groups.items():
        # Not "latency >= slow": an answer that never came has no length.
        answers = ((one.due_s - began_s, not (one.ok and one.latency_ms < slow_ms)) for one in found)
        share = _BAD_SHARE if together else 1.0
        runs += [(name, run) for run in bad_runs(seconds(answers, bad_share=share)) if run.bad_n >= _RUN_ANSWERS_MIN]
    of, longest = max(runs, key=lambda run: (run[1].length_s, run[1].bad_n), default=("", Bin(0, 0, bad=False)))
    longest_s, looked_at = round(longest.length_s), len({math.floor(one.due_s - began_s) for one in sent})
    told = (
        f"{longest_s} s of {of} from +{longest.from_s} s on ({longest.bad_n} of {longest.n} answers bad)"
        if of
        else "none"
    )
    return finding(
        figure=longest_s,
        limit=limit.bad_run_s_max,
        digits=3,
        what="longest run of bad seconds under load",
        asked=f"<= {limit.bad_run_s_max:g} s",
        unit="s",
        n=len(sent),
        definition=f"failed, or {limit.slow_ms:g} ms and more, by the due second; {looked_at} seconds looked at",
        sentence=(
            f"longest run of bad seconds under load: {told}, expected at most {limit.bad_run_s_max:g} s (bad is failed, or "
            f"{limit.slow_ms:g} ms and more; {looked_at} seconds with {len(sent)} requests were looked at)"
        ),
        broken=longest_s > limit.bad_run_s_max,
        unsure="" if sent else "no request left: an outage could not be seen",
        doubts=doubts,
    )
