"""Which rules there are: one for each decision criterion that a series can tell, and one for each silence that would hide it.

Limits, times and strategies are the plan's (with the environment's figures), so an alert and ``pytest -m decision`` mean the same. What no
series can tell is listed with its reason: nobody should take the absence of an alert for the absence of the problem.

In one module: every rule is made of the same series, limits and silences of one environment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pam_rollback.alerts.rules import promql
from pam_rollback.alerts.rules.group import (
    ERROR_RATE,
    P95,
    P95_BEFORE,
    Alerting,
    AlertingRule,
    KnownBefore,
    NotWatched,
    RecordingRule,
    Severity,
)
from pam_rollback.alerts.rules.promql import duration
from pam_rollback.decision.rules.decision import strategies_for
from pam_rollback.environment.prometheus_settings import Prometheus
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import OwnTrigger, Strategy

_BYTES_PER_MB = 1_000_000
_NOTICEABLE_GROWTH_PCT = 1.0
"""Of the level, in each half of the time that is looked back on: slower growth is not told from a process at rest."""
_BEFORE_DAYS, _BEFORE_OFFSET_DAYS = 7, 1
"""What is usual, where no baseline was given: the median of a week that ended a day ago."""

NOT_IN_SERIES: Mapping[str, str] = {
    "IR-1": "no series tells who gets in, or who is shown what; pytest -m decision tries it",
    "IR-3": "damaged rows are in the database, not among the series; pytest -m decision looks for them",
    "CR-1": "requests are not counted by user: a feature can fail for many of them within a low error rate; pytest -m decision tries it",
    "CR-2": "what a browser shows is in no series; pytest -m decision opens them",
    "CR-3": "whether voice can be heard is in no series; pytest -m decision tries it",
    "CR-4": "accessibility is in no series; pytest -m decision looks at the pages",
}
"""Why a criterion has no rule, whatever is scraped."""


def alerting_for(
    plan: Plan,
    settings: Prometheus,
    *,
    environment: str,
    before: KnownBefore | None = None,
    pace: float = 1,
    runbook: str = "docs/runbook.md",
) -> Alerting:
    """All rules for what the environment names. ``pace`` divides the times of the plan, for a rehearsal; ``runbook`` is its address."""
    made = _Rules(plan, settings, environment, before, pace, runbook)
    return Alerting(
        environment=environment,
        interval_s=settings.step_s / 2,
        recording=tuple(made.recording()),
        alerting=(*made.of_downtime(), *made.of_errors(), *made.of_slowness(), *made.of_memory()),
        not_watched=tuple(made.not_watched()),
    )


@dataclass(frozen=True)
class _Rules:
    plan: Plan
    settings: Prometheus
    environment: str
    before: KnownBefore | None
    pace: float
    runbook: str

    # ------------------------------------------------------------ values

    @property
    def _counts_errors(self) -> bool:
        return bool(self.settings.requests or self.settings.error_rate_pct)

    def _own(self, record: str) -> str:
        """The recorded value of this environment: one Prometheus may watch several."""
        return f'{record}{{environment="{self.environment}"}}'

    def recording(self) -> Iterator[RecordingRule]:
        """Values before the alerts that look at them: a group is evaluated in order."""
        own = {"environment": self.environment}
        if self._counts_errors:
            yield RecordingRule(ERROR_RATE, promql.error_rate_pct(self.settings), own)
        if self.settings.latency_buckets:
            yield RecordingRule(P95, promql.p95_s(self.settings), own)
            if self.before is None:
                usual = f"quantile_over_time(0.5, {self._own(P95)}[{_BEFORE_DAYS}d] offset {_BEFORE_OFFSET_DAYS}d)"
                yield RecordingRule(P95_BEFORE, usual, own)
            else:
                labels = {**own, "taken": self.before.taken.isoformat()}
                yield RecordingRule(P95_BEFORE, f"vector({self.before.p95_s:.6g})", labels)

    # ------------------------------------------------------------ criteria

    def of_downtime(self) -> Iterator[AlertingRule]:
        """IR-2: nobody is answered, or nobody well."""
        settings = self.settings
        if settings.up:
            dead = [f"(max({settings.up}) == 0)", f"max(absent({settings.up}))"]
        else:
            seen = settings.requests or settings.memory_bytes or settings.latency_buckets
            dead = [f"max(absent({seen}))"] if seen else []
        if settings.requests:
            dead.append(f"({promql.only_errors(settings)})")
        if dead:
            yield self._criterion(
                "PamServiceDown",
                "IR-2",
                " or ".join(dead),
                self.plan.immediate_criteria["IR-2"].duration_s,
                "nothing is answered, or nothing but errors",
            )

    def of_errors(self) -> Iterator[AlertingRule]:
        """IR-5, the gap below it, and silence."""
        if not self._counts_errors:
            return
        criterion, goal = self.plan.immediate_criteria["IR-5"], self.plan.success_criteria["SC-1"]
        limit, lower = criterion.error_rate_pct_max, goal.error_rate_pct_max
        value = promql.rounded(promql.last_known(self._own(ERROR_RATE), self.settings))
        found = '{{ $value | printf "%.1f" }} % of the requests fail'
        yield self._criterion(
            "PamErrorRateHigh", "IR-5", f"{value} > {limit:g}", criterion.duration_s, f"{found}, limit {limit:g} %"
        )
        if self.plan.decision.gaps.errors_between == "consider":
            words = f"{found}: no fewer than {lower:g} % ({goal.id}), and {criterion.id} begins above {limit:g} %"
            yield self._gap("PamErrorRateRaised", "IR-5", f"{value} >= {lower:g}", criterion.duration_s, words)
        if self.settings.requests:
            yield self._silence("PamRequestsNotScraped", "IR-5", f"absent({self.settings.requests})", "requests")
            no_traffic = f"absent(sum({promql.rate(self.settings.requests, self.settings)}) > 0)"
            yield self._idle("PamNoRequests", "IR-5", f"{no_traffic} unless on () absent({self.settings.requests})")
        else:
            yield self._silence("PamErrorRateUnknown", "IR-5", f"absent({self._own(ERROR_RATE)})", "the error rate")

    def of_slowness(self) -> Iterator[AlertingRule]:
        """IR-4, CR-5, and silence about either side of the comparison."""
        buckets = self.settings.latency_buckets
        if not buckets:
            return
        far, band = self.plan.immediate_criteria["IR-4"], self.plan.consider_criteria["CR-5"]
        now = promql.last_known(self._own(P95), self.settings)
        before = promql.last_known(self._own(P95_BEFORE), self.settings)
        slower = promql.rounded(f"100 * ({now} / on (environment) {before} - 1)")
        found = 'p95 is {{ $value | printf "%+.0f" }} % against the baseline'
        yield self._criterion(
            "PamResponsesFarSlower",
            "IR-4",
            f"{slower} > {far.response_time_increase_pct_max:g}",
            far.duration_s,
            f"{found}, limit +{far.response_time_increase_pct_max:g} %",
        )
        yield self._criterion(
            "PamResponsesSlower",
            "CR-5",
            f"{slower} >= {band.response_time_increase_pct_min:g}",
            self.plan.decision.slowdown_hold_s,
            f"{found}, from +{band.response_time_increase_pct_min:g} % on it is to be considered",
        )
        yield self._silence("PamResponseTimesNotScraped", "IR-4", f"absent({buckets})", "response times")
        unknown = f"absent({self._own(P95)}) unless on () absent({buckets})"
        yield self._idle("PamResponseTimesUnknown", "IR-4", unknown)
        yield self._warn(
            "PamBaselineMissing",
            "IR-4",
            f"absent({self._own(P95_BEFORE)})",
            self.settings.gap_max_s,
            severity="ticket",
            summary="What response times are held against is not known: nobody will be told that answers are slower",
            words=(
                f"There is no {P95_BEFORE}: Prometheus has not recorded {_BEFORE_DAYS + _BEFORE_OFFSET_DAYS} days yet, or no longer. "
                f"Give it a baseline: make alerts BASELINE=FILE."
            ),
        )

    def of_memory(self) -> Iterator[AlertingRule]:
        """IR-6, the gap beside it, and silence."""
        memory = self.settings.memory_bytes
        if not memory:
            return
        level = self.plan.immediate_criteria["IR-6"].memory_mb_max
        over_s = self.plan.success_criteria["SC-1"].duration_s
        above = f"{promql.last_known(memory, self.settings)} / {_BYTES_PER_MB} > {level:g}"
        pace_per_s = level * _BYTES_PER_MB * _NOTICEABLE_GROWTH_PCT / 100 / (over_s / self.pace / 2)
        grows = promql.grows(memory, by_per_s=pace_per_s, over_s=over_s / self.pace)
        found = 'a process holds {{ $value | printf "%.0f" }} MB'
        # The plan gives no time: the growth itself is looked at over SC-1's.
        words = f"{found}, level {level:g} MB, and has been growing for {over_s:g} s"
        yield self._criterion("PamMemoryLeak", "IR-6", f"{above} and {grows}", 0, words)
        if self.plan.decision.gaps.memory_above_and_flat == "consider":
            yield self._gap(
                "PamMemoryAboveLevel", "IR-6", above, over_s, f"{found}, level {level:g} MB, growing or not"
            )
        yield self._silence("PamMemoryNotScraped", "IR-6", f"absent({memory})", "memory")

    def not_watched(self) -> Iterator[NotWatched]:
        """What has no rule, in the plan's order."""
        named = {
            "IR-4": (self.settings.latency_buckets, "latency_buckets"),
            "IR-5": (self._counts_errors, "requests or error_rate_pct"),
            "IR-6": (self.settings.memory_bytes, "memory_bytes"),
            "CR-5": (self.settings.latency_buckets, "latency_buckets"),
        }
        for criterion in (*self.plan.immediate_criteria, *self.plan.consider_criteria):
            is_named, key = named.get(criterion, (True, ""))
            if criterion in NOT_IN_SERIES:
                yield NotWatched(criterion, NOT_IN_SERIES[criterion])
            elif not is_named:
                yield NotWatched(criterion, f"[prometheus] names no {key}: name it, or nobody is told")
            elif isinstance(self.plan.item(criterion), OwnTrigger):
                yield NotWatched(
                    criterion, "no rule is made of a criterion of your own: only pytest -m decision knows it"
                )
            elif criterion == "IR-2":
                yield from self._unseen_downtime()

    def _unseen_downtime(self) -> Iterator[NotWatched]:
        if not self.settings.up:
            what = "[prometheus] names no up: only series that vanish tell of an outage, and a target that is removed looks the same"
            yield NotWatched("IR-2", what)
        if not self.settings.requests:
            yield NotWatched(
                "IR-2", "[prometheus] names no requests: a service that answers nothing but errors is not told"
            )
        front = "the front end, and what is in front of the API, are seen only where up is a probe from outside (probe_success)"
        yield NotWatched("IR-2", front)

    # ------------------------------------------------------------ the words

    def _criterion(self, alert: str, item: str, expr: str, for_s: float, words: str) -> AlertingRule:
        immediate = item in self.plan.immediate_criteria
        asks = "roll back now" if immediate else "consider a rollback"
        first = self._first(item)
        return self._rule(
            alert,
            item,
            expr,
            for_s / self.pace,
            severity="page" if immediate else "ticket",
            summary=f"{item} {self.plan.item(item).title}",
            words=f"{words}, {self._held(for_s)}The plan says: {asks}; begin with {first.id} ({first.name}). {self._decide}",
        )

    def _gap(self, alert: str, item: str, expr: str, for_s: float, words: str) -> AlertingRule:
        summary = f"Short of {item}, and not well: {self.plan.item(item).title}"
        words = f"{words}, {self._held(for_s)}The plan leaves it open; our rule: consider. {self._decide}"
        return self._rule(alert, item, expr, for_s / self.pace, severity="ticket", summary=summary, words=words)

    def _silence(self, alert: str, item: str, expr: str, what: str) -> AlertingRule:
        return self._warn(
            alert,
            item,
            expr,
            self.settings.gap_max_s,
            severity="page",
            summary=f"Prometheus sees no series of {what}: {item} cannot be told, and silence is not health",
            words=f"No such series for {self.settings.gap_max_s:g} s: the product is down, or is not scraped. {self._decide}",
        )

    def _idle(self, alert: str, item: str, expr: str) -> AlertingRule:
        hold_s = self.plan.immediate_criteria["IR-2"].duration_s
        return self._warn(
            alert,
            item,
            expr,
            hold_s / self.pace,
            severity="ticket",
            summary=f"No request comes: {item} cannot be told",
            words=f"The series are there, and do not move for {hold_s:g} s: a quiet hour, or nobody gets through. {self._decide}",
        )

    def _warn(
        self, alert: str, item: str, expr: str, for_s: float, *, severity: Severity, summary: str, words: str
    ) -> AlertingRule:
        return self._rule(
            alert, item, expr, for_s, severity=severity, summary=summary, words=words, anchor="prevention-monitoring"
        )

    def _rule(
        self,
        alert: str,
        item: str,
        expr: str,
        for_s: float,
        *,
        severity: Severity,
        summary: str,
        words: str,
        anchor: str = "",
    ) -> AlertingRule:
        labels = {
            "severity": severity,
            "environment": self.environment,
            "plan_item": item,
            "strategy": self._first(item).id,
        }
        annotations = {
            "summary": summary,
            "description": words,
            "runbook_url": f"{self.runbook}#{anchor or self.plan.item(item).anchor}",
        }
        return AlertingRule(alert, expr, for_s, labels, annotations)

    def _first(self, item: str) -> Strategy:
        return self.plan.strategies[strategies_for(self.plan, item)[0]]

    def _held(self, for_s: float) -> str:
        if not for_s:
            return "by now. "
        shortened = f" (rehearsal: {duration(for_s / self.pace)})" if self.pace != 1 else ""
        return f"for {duration(for_s)}{shortened}. "

    @property
    def _decide(self) -> str:
        return f"Look at all criteria: pytest -m decision --env {self.environment}"
