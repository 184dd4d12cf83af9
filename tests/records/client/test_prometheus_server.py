"""Against a real Prometheus that scrapes a release of the sandbox: what was counted is what was sent, and nothing is zero by silence."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from pam_rollback.probe.measure import Terms, WindowState
from pam_rollback.records.prometheus import PrometheusApi, sources
from pam_rollback.records.series_window import judge_series
from pam_rollback.stats.series import Answers, Quantity, Series, pooled
from pam_rollback.target.service_settings import Prometheus
from tests.prometheus_server import prometheus
from tests.sessions import RunningSandbox

USERS = 'path!="/metrics"'
"""The scrapes are requests too, and no users."""
SETTINGS = {
    "step_s": 2,
    "gap_max_s": 6,
    "requests": f"pam_requests_total{{{USERS}}}",
    "latency_buckets": f"pam_request_duration_seconds_bucket{{{USERS}}}",
    "memory_bytes": "pam_memory_usage_bytes",
    "process_start": "process_start_time_seconds",
}
_SEEN_WITHIN_S = 30
"""The first scrape comes after five seconds or so, whatever the interval."""


@dataclass(frozen=True)
class Watched:
    """A sandbox, and the Prometheus that watches its live release."""

    range: RunningSandbox
    settings: Prometheus
    token: str

    @property
    def api(self) -> PrometheusApi:
        """Its API."""
        return PrometheusApi(self.settings.url)

    def read(self, quantity: Quantity, since_s: float) -> Series:
        """What it says until now."""
        return sources(self.api, self.settings)[quantity].read(since_s, time.monotonic())

    def send(self, number: int) -> Counter[int]:
        """Requests of a signed-in user; gives how many were answered with which status."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = self.range.state["urls"]["api"] + "/api/v1/profile"
        return Counter(fetch(url, headers=headers).http_status or 0 for _ in range(number))

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for what a scrape shows."""
        Waiter().until(holds, holds=bool, within_s=_SEEN_WITHIN_S, what=what, every_s=0.2)

    def ups(self, last_s: float) -> list[float]:
        """How the latest scrapes ended: 1 or 0."""
        now_s = time.monotonic() + self.api.ahead_s()
        try:
            return [value for _, value in self.api.scraped("up", since_s=now_s - last_s, until_s=now_s)[0].samples]
        except MeasurementFailed:
            return []

    def scraped_again(self) -> float:
        """Wait until all that was sent so far has been scraped; gives the moment."""
        since_s = time.monotonic()
        self.until(lambda: len(self._scrapes(since_s)) > 1, "two more scrapes")
        return time.monotonic()

    def _scrapes(self, since_s: float) -> list[float]:
        ahead_s = self.api.ahead_s()
        until_s = time.monotonic() + ahead_s
        try:
            found = self.api.scraped(self.settings.memory_bytes, since_s=since_s + ahead_s, until_s=until_s)
        except MeasurementFailed:
            return []
        return [at_s for series in found for at_s, _ in series.samples]


@pytest.fixture(scope="module")
def server(shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Prometheus for these tests."""
    target = urlsplit(shared_range.state["urls"]["api"]).netloc
    with prometheus(target, tmp_path_factory.mktemp("prometheus")) as url:
        yield url


@pytest.fixture
def watched(server: str, running_sandbox: RunningSandbox) -> Watched:
    """The sandbox as it was, signed in, and all of that already scraped."""
    answer = fetch(
        running_sandbox.state["urls"]["api"] + "/api/v1/auth/login",
        method="POST",
        json={
            "email": running_sandbox.variables["TEST_USER_EMAIL"],
            "password": running_sandbox.variables["TEST_USER_PASSWORD"],
        },
    )
    found = Watched(
        running_sandbox, Prometheus.model_validate({"url": server, **SETTINGS}), str(answer.json["access_token"])
    )
    found.scraped_again()
    return found


@pytest.mark.long_matrix("a real Prometheus")
def test_every_request_and_every_error_is_counted(watched: Watched) -> None:
    """Exactly what was sent, although the counter of errors begins with the first of them."""
    since_s = time.monotonic()
    watched.range.remote.plant("errors", share=0.1)
    answered = watched.send(200)
    assert answered[500] > 0, answered
    sent = Answers(200, answered[500])

    def told() -> object:
        return pooled(point for point in watched.read(Quantity.ERROR_RATE_PCT, since_s).points if point.known)

    watched.until(lambda: told() == sent, f"{sent}")

    series = watched.read(Quantity.ERROR_RATE_PCT, since_s)
    assert (series.restarts, series.gone) == ((), ())
    idle = [point.why for point in series.points if not point.known]
    assert set(idle) <= {"no request came"}, "a step without traffic is unknown, and nothing else went wrong"


@pytest.mark.long_matrix("a real Prometheus")
def test_a_restart_is_seen_as_one(watched: Watched) -> None:
    """The counters begin anew: never negative, never zero; unknown for that step, and the new process is counted from its own scrapes."""
    since_s = time.monotonic()
    before = watched.send(50).total()
    watched.scraped_again()
    watched.range.remote.plant("release-down", how="killed")
    watched.range.remote.clear("release-down")
    watched.scraped_again()
    after = watched.send(20).total()

    def known() -> list[Answers]:
        points = watched.read(Quantity.ERROR_RATE_PCT, since_s).points
        return [point.evidence for point in points if isinstance(point.evidence, Answers)]

    watched.until(lambda: sum(answers.n for answers in known()) >= before + after, "both processes' requests")

    series = watched.read(Quantity.ERROR_RATE_PCT, since_s)
    assert sum(answers.n for answers in known()) == before + after
    assert len(series.restarts) == 1
    assert len(watched.read(Quantity.MEMORY_MB, since_s).restarts) == 1


@pytest.mark.long_matrix("a real Prometheus")
def test_a_stopped_target_is_a_gap(watched: Watched) -> None:
    """Prometheus goes on, the product does not answer: unknown, never 0 %, and the memory of a dead process is not low."""
    since_s = time.monotonic()
    watched.send(50)
    watched.scraped_again()
    watched.range.remote.plant("release-down", how="killed")
    watched.until(lambda: watched.ups(last_s=8) == [0.0] * 8, "eight scrapes that failed")

    for quantity, limit in ((Quantity.ERROR_RATE_PCT, 2), (Quantity.LATENCY_P95_MS, 500), (Quantity.MEMORY_MB, 1000)):
        series = watched.read(quantity, since_s)
        spec = Terms(measure=quantity, limit=limit, duration_s=600, n_min=10, gap_max_s=6)
        verdict = judge_series(series, spec, start_s=since_s, now_s=time.monotonic())
        assert not series.points[-1].known, series
        assert verdict.state is WindowState.UNKNOWN, verdict
        assert "nothing was scraped" in verdict.reason


@pytest.mark.long_matrix("a real Prometheus")
def test_an_expression_of_the_environment_is_evaluated(watched: Watched) -> None:
    """With the remarks that Prometheus makes on it; and no error at all is 0 only because the expression says so."""
    rate = "sum(rate(pam_requests_total{%s}[4s]))"
    errors = rate % 'status=~"5..",path="/nowhere"'
    watched.send(30)
    watched.scraped_again()  # rate() sees nothing of a counter's first value
    since_s = time.monotonic()
    watched.send(30)
    watched.scraped_again()
    watched.scraped_again()

    def told(expression: str) -> Series:
        settings = Prometheus.model_validate({"url": watched.settings.url, "step_s": 2, "error_rate_pct": expression})
        return sources(watched.api, settings)[Quantity.ERROR_RATE_PCT].read(since_s, time.monotonic())

    assert {point.value for point in told(f"100 * ({errors} or vector(0)) / {rate % USERS}").points if point.known} == {
        0
    }
    with pytest.raises(MeasurementFailed, match=r"has no result for .* or vector\(0\)"):
        told(f"100 * {errors} / {rate % USERS}")
