"""What the servers count while a load test runs: by Prometheus where there is one, else by the product's own metrics."""

from dataclasses import dataclass, field

from pam_rollback.base.clock import Clock
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.load.rules.plan_order import HEALTH, PAGE
from pam_rollback.load.rules.servers import BY_HAND, RecordsOfLoad
from pam_rollback.load.rules.verdict import LoadVerdict
from pam_rollback.records.client import prometheus
from pam_rollback.records.client.metrics import RequestCounters, counted_between, read_requests
from pam_rollback.records.client.prometheus import PrometheusApi
from pam_rollback.records.rules.servers_count import ServersCount
from pam_rollback.stats.histogram import Histogram
from pam_rollback.stats.series import Answers, Quantity

_COUNTED = (Quantity.ERROR_RATE_PCT, Quantity.LATENCY_P95_MS)
_SETTLED_AFTER_S = 1.0
"""What was given up by the generator may still be answered."""


def why_nobody_counts(environment: Environment) -> str:
    """Why the servers' record of a load cannot be read in this environment; empty where it can."""
    if environment.abilities & {"prometheus", "metrics"}:
        return ""
    return (
        f"{environment.name} declares neither prometheus nor metrics, so the servers' record of the load cannot be read"
    )


@dataclass
class CountsOfServers:
    """Begun before the load, ended after it. What a source could not tell is raised when it is asked for, not during the run."""

    environment: Environment
    clock: Clock
    began_s: float
    ended_s: float = 0.0
    before: RequestCounters | None = None
    found: ServersCount | MeasurementFailed = field(
        default_factory=lambda: MeasurementFailed("the load test did not end")
    )

    @property
    def uncounted(self) -> frozenset[str]:
        """Journeys that the servers do not count, or need not: Prometheus' counters should leave health checks out."""
        return frozenset({PAGE, HEALTH} if "prometheus" in self.environment.abilities else {PAGE})

    @classmethod
    def begin(cls, environment: Environment, clock: Clock) -> "CountsOfServers":
        """Read the counters before the first request."""
        counts = cls(environment, clock, clock.monotonic_s())
        if why := why_nobody_counts(environment):
            counts.found = MeasurementFailed(f"{why}; {BY_HAND}")
        if "prometheus" not in environment.abilities and "metrics" in environment.abilities:
            try:
                counts.before = counts._read()
            except MeasurementFailed as problem:
                counts.found = problem
        return counts

    def end(self, waiter: Waiter) -> None:
        """Read them after the last answer."""
        waiter.pause(_SETTLED_AFTER_S)
        self.ended_s = self.clock.monotonic_s()
        try:
            if "prometheus" in self.environment.abilities:
                self.found = self._by_prometheus(waiter)
            elif self.before is not None:
                self.found = counted_between(self.before, self._read())
        except MeasurementFailed as problem:
            self.found = problem

    def counted(self) -> ServersCount:
        """Everything that was counted. Raises MeasurementFailed when it is not known."""
        if isinstance(self.found, MeasurementFailed):
            raise self.found
        return self.found

    def beside(self, verdict: LoadVerdict) -> RecordsOfLoad:
        """Hold it against what the generator saw of the candidate. Raises MeasurementFailed as ``counted`` does."""
        sent = [one for one in verdict.sent if one.journey not in self.uncounted]
        return RecordsOfLoad.of(self.counted(), sent, verdict.agreement, verdict.doubts)

    def _read(self) -> RequestCounters:
        environment = self.environment
        return read_requests(environment.url_of("metrics"), deadline_s=environment.probing.request_deadline_s)

    def _by_prometheus(self, waiter: Waiter) -> ServersCount:
        """Waits until the end of the run has been scraped. Raises MeasurementFailed where it is not known."""
        environment = self.environment
        settings = environment.prometheus
        if settings is None or not settings.requests:
            raise MeasurementFailed(
                "the servers' count of requests is not known: [prometheus] names no counter of requests"
            )
        token = environment.secret("prometheus_token") if environment.has_secret("prometheus_token") else ""
        api = PrometheusApi(settings.url, token=token, deadline_s=environment.probing.request_deadline_s)
        # What was counted at the end is scraped a little later.
        waiter.pause(2 * settings.step_s)
        where, since_s, until_s = (
            f"Prometheus at {settings.url}",
            self.began_s - settings.step_s,
            self.clock.monotonic_s(),
        )
        # One step for all of it: a scrape that was missed on the way takes nothing from the sum.
        whole = settings.model_copy(update={"step_s": until_s - since_s})
        found = prometheus.sources(api, whole)
        points = {
            quantity: found[quantity].read(since_s, until_s).points[-1] for quantity in _COUNTED if quantity in found
        }
        requests, times = points[Quantity.ERROR_RATE_PCT], points.get(Quantity.LATENCY_P95_MS)
        if not requests.known and "no request" not in requests.why:
            raise MeasurementFailed(f"the servers' count of requests is not known: {where}: {requests.why}")
        answers = requests.evidence if isinstance(requests.evidence, Answers) else None
        histogram = times.evidence if times is not None and isinstance(times.evidence, Histogram) else None
        why_no_times = "[prometheus] names no latency_buckets" if times is None else times.why
        n, bad = (0, 0) if answers is None else (round(answers.n), round(answers.bad))
        return ServersCount(where, n, bad, histogram, why_no_times)
