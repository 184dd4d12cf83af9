"""What a load test takes from others: what the servers counted of it, and that there are two releases to compare."""

import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from pam_rollback.base.clock import SystemClock
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.load.fixtures.load import see_two_releases
from pam_rollback.load.rules.record import AskedRate, LoadRecord, LoadRequest, LoadWorker
from pam_rollback.load.rules.served import Served
from pam_rollback.load.rules.verdict import judge
from pam_rollback.load.service.served import served_by
from pam_rollback.load.service.servers_counts import CountsOfServers
from pam_rollback.outside.http import fetch
from pam_rollback.plan.plan import load_plan
from pam_rollback.records.client.prometheus import PrometheusApi
from tests.environment.declared_environments import RUNNING, folder, running
from tests.load.records import BEGAN_S
from tests.load_target import LoadTarget
from tests.prometheus_server import prometheus
from tests.sessions import ROOT, RunningSandbox

__all__ = ["folder"]
LIMITS = load_plan(ROOT / "plan.toml").load_gate
ASKED = 40
SCRAPES = 3
"""Before the load: as everywhere, it has been scraping for a while. The product counts a few of them, too."""
PROMETHEUS = """
[prometheus]
url = "{url}"
step_s = 2
gap_max_s = 8
requests = 'pam_requests_total{{path!~"/metrics|/health.*"}}'
latency_buckets = 'pam_request_duration_seconds_bucket{{path!~"/metrics|/health.*"}}'
process_start = "process_start_time_seconds"
"""


@pytest.fixture
def target() -> Iterator[LoadTarget]:
    """The stable release's address."""
    with LoadTarget() as made:
        yield made


def test_two_sources_agree_with_what_was_sent(running_sandbox: RunningSandbox, tmp_path: Path) -> None:
    """The product's own counters, and where it is declared a real Prometheus that scrapes them; each is named."""
    clock, waiter = SystemClock(), Waiter()
    own = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    with prometheus(own.urls.api.removeprefix("http://"), tmp_path) as url:
        waiter.until(lambda: scrapes(url), holds=lambda count: count >= SCRAPES, within_s=60, what="some scrapes")
        sources = [CountsOfServers.begin(one, clock) for one in (own, with_prometheus(running_sandbox, tmp_path, url))]
        verdict = judge(asked_again_and_again(own), LIMITS)
        for source in sources:
            source.end(waiter)
        found = [source.beside(verdict) for source in sources]

    assert [records.agree for records in found] == [True, True], found
    assert all(ASKED <= records.servers.n <= ASKED + SCRAPES for records in found), found
    assert [records.servers.where for records in found] == [
        f"the product's own metrics at {own.url_of('metrics')}",
        f"Prometheus at {url}",
    ]


def asked_again_and_again(environment: Environment) -> LoadRecord:
    """One user, as the engine records it: for the history, without a token, which is counted as any other request."""
    began_s, requests = time.time(), []
    for _ in range(ASKED):
        sent_s = time.time()
        answer = fetch(environment.url_of("history"))
        requests.append(
            LoadRequest("", "history", sent_s, sent_s, time.time(), answer.http_status, ok=True, worker="w")
        )
    return LoadRecord(
        shape="steady",
        open_model=False,
        began_s=began_s,
        ended_s=time.time(),
        asked=(AskedRate(began_s, users=1),),
        requests=tuple(requests),
        workers_expected=1,
        workers=(LoadWorker("w", ASKED),),
    )


def with_prometheus(running_sandbox: RunningSandbox, folder: Path, url: str) -> Environment:
    """The sandbox, where it is watched by this one."""
    file = folder / "prometheus.toml"
    declared = 'kind = "sandbox"\nabilities = ["test_account", "load", "prometheus"]\n'
    text = running_sandbox.file.read_text(encoding="utf-8").replace('kind = "sandbox"\n', declared, 1)
    file.touch(mode=0o600)
    file.write_text(text + PROMETHEUS.format(url=url), encoding="utf-8")
    return load_environment(str(file), ROOT / "environments", {})


def scrapes(url: str) -> int:
    """How often it has scraped so far."""
    now_s = PrometheusApi(url).ahead_s() + time.monotonic()
    try:
        found = PrometheusApi(url).scraped("process_start_time_seconds", since_s=now_s - 60, until_s=now_s)
    except MeasurementFailed:  # none yet
        return 0
    return min(len(series.samples) for series in found)


@pytest.mark.parametrize(
    ("stable", "live", "words"),
    [
        pytest.param({"release": "1.41.3"}, "1.41.3", "both addresses serve release 1.41.3", id="the same"),
        pytest.param({"status": "up"}, "1.42.0", "which releases would be compared is not known", id="unnamed"),
        pytest.param({"release": "1.41.3"}, "", "the live API names none", id="live unnamed"),
        pytest.param({"version": "1.41.3"}, "1.42.0", "", id="two"),
    ],
)
def test_a_release_is_not_compared_with_itself(
    target: LoadTarget, folder: Path, stable: dict[str, str], live: str, words: str
) -> None:
    """Where the stable release is live already, both addresses serve it: it is said before any load is sent."""
    content = json.dumps(stable).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    file = running(folder, RUNNING.replace('stable_api = "http://127.0.0.1:4010"', f'stable_api = "{target.url}"'))
    environment = load_environment(str(file), folder, {})
    target.replies[environment.paths.version] = head % len(content) + content

    with pytest.raises(MeasurementFailed, match=words) if words else nullcontext():
        see_two_releases(environment, live)


def test_each_address_is_asked_which_release_it_serves(target: LoadTarget, folder: Path) -> None:
    """By its version document: release, commit and since when; more than once, where there is no answer at first."""
    text = RUNNING
    for port in ("4002", "4010"):
        text = text.replace(f"http://127.0.0.1:{port}", target.url)
    environment = load_environment(str(running(folder, text)), folder, {})
    told = json.dumps({"release": "1.42.0", "commit": "4f2c", "started_at": "2027-01-15T08:00:00+00:00"}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    target.replies[environment.paths.version] = head % len(told) + told

    assert served_by(environment, Waiter(), stable=True) == {
        target.url: Served({"release": "1.42.0", "commit": "4f2c"}, BEGAN_S)
    }
    target.replies[environment.paths.version] = b""
    silent = served_by(environment, Waiter(), stable=False)[target.url]
    assert silent.told == {}
    assert f"{target.url}{environment.paths.version}" in silent.problem


def test_nobody_counts_where_no_count_is_declared(folder: Path) -> None:
    """It says so, and how a person answers; it does not say that the load test had no end."""
    declared = RUNNING.replace("[urls]", 'abilities = ["load"]\n[urls]', 1)
    counts = CountsOfServers.begin(load_environment(str(running(folder, declared)), folder, {}), SystemClock())

    with pytest.raises(MeasurementFailed, match=r"declares neither prometheus nor metrics, .* --ack LG-9="):
        counts.counted()
