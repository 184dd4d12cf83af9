"""In a real Prometheus that scrapes the sandbox: each alert fires on its fault, none without one; and the checks that look after them."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pam_rollback.core.wait import Waiter
from pam_rollback.ops.alerts import __main__ as alerts
from pam_rollback.records.prometheus import PrometheusApi
from tests.plugin.drilling import calm
from tests.prometheus_server import prometheus
from tests.sessions import Project, RunningSandbox, save_baseline
from tests.users import users

ROOT = Path(__file__).parents[2]
FILE = "checks/test_alerting.py"
TABLE = """
[prometheus]
url = "{url}"
step_s = 2
gap_max_s = 6
requests = 'pam_requests_total{{path!~"/metrics|/health.*"}}'
latency_buckets = 'pam_request_duration_seconds_bucket{{path!~"/metrics|/health.*"}}'
memory_bytes = "pam_memory_usage_bytes"
process_start = "process_start_time_seconds"
up = 'up{{job="pam"}}'
"""
MANAGER = "127.0.0.1:9"
"""Nobody is there: Prometheus counts it as active all the same."""
ABILITIES = ("test_account", "prometheus")
_WITHIN_S = 60
SILENT_S = 12
"""Longer than each time of the plan at this pace."""
_REQUESTS = 'pam_requests_total{path!~"/metrics|/health.*"}'
_SCRAPES = 4
"""So many, that rates can be told."""


def rules_for(
    range_: RunningSandbox, folder: Path, *, baseline_ms: float = 200.0, url: str = "http://127.0.0.1:9"
) -> Path:
    """The sandbox's rules, as the command writes them."""
    file = range_.described(folder / "sandbox.toml", TABLE.format(url=url))
    stored = save_baseline(range_, folder, latency_ms=baseline_ms)
    out = folder / "sandbox.rules.yml"
    assert alerts.main(["--env", str(file), "--baseline", str(stored), "--out", str(out)], root=ROOT) == 0
    return out


def settled(api: PrometheusApi, *, scraped: bool = True, told: bool = True) -> None:
    """Wait until it has taken up its work, some seconds after it is ready: targets asked, rules evaluated, Alertmanagers found."""

    def has_begun() -> dict[str, bool]:
        rules = [rule for group in api.told("rules")["groups"] for rule in group["rules"]]
        return {
            "targets asked": value_of(api, "count_over_time(up[1m])") >= _SCRAPES,
            "requests counted": not scraped or value_of(api, f"max(count_over_time({_REQUESTS}[1m]))") >= _SCRAPES,
            "rules evaluated": all(rule["health"] == "ok" for rule in rules),
            "Alertmanagers found": not told or bool(api.told("alertmanagers")["activeAlertmanagers"]),
        }

    Waiter().until(has_begun, holds=lambda seen: all(seen.values()), within_s=_WITHIN_S, what="Prometheus is at work")


def value_of(api: PrometheusApi, query: str) -> float:
    """The one value of that query, 0 where it has none."""
    result = api.told("query", {"query": query})["result"]
    return float(result[0]["value"][1]) if result else 0.0


@pytest.fixture
def guarding(running_sandbox: RunningSandbox, tmp_path: Path) -> Iterator[PrometheusApi]:
    """A Prometheus that watches a sandbox with users by the plan's rules at pace 60: all is scraped, and nothing fires."""
    target, rules = urlsplit(running_sandbox.state["urls"]["api"]).netloc, rules_for(running_sandbox, tmp_path)
    with users(running_sandbox), prometheus(target, tmp_path, rules=rules, manager=MANAGER) as url:
        api = PrometheusApi(url)
        settled(api)
        Waiter().until(
            lambda: value_of(api, 'count(ALERTS{alertstate="firing"})'),
            holds=lambda firing: not firing,
            within_s=_WITHIN_S,
            what="nothing fires before",
        )
        yield api


# ------------------------------------------------------------------ the checks that look after them


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Those alone, and what asks the same server for a window."""
    return ("test_alerting.py", "test_servers_records.py")


ALERTS, SENT, USERS, HEALTH = (
    "test_alerts_are_those_of_the_plan",
    "test_alerts_are_sent_on",
    "test_users_are_watched",
    "test_health_is_watched",
)
EVERY = (ALERTS, SENT, USERS, HEALTH)


def looked(range_: RunningSandbox, project: Project, folder: Path, table: str) -> tuple[int, dict[str, str], str]:
    """A session of the checks: its exit code, what came of each, and what it said."""
    file = range_.described(folder / "env.toml", table, abilities=ABILITIES)
    session = project.run("-m", "readiness", FILE, f"--env={file}")
    return session.rc, session.outcomes(), " ".join(session.out.split())


def test_rules_as_they_are_written_stand_guard_and_are_silent(
    guarding: PrometheusApi, running_sandbox: RunningSandbox, project: Project, tmp_path: Path
) -> None:
    """As Prometheus spells them, with the baseline that they were given; all is well, so nothing fires in the longest time of a rule.

    Meanwhile the same Prometheus tells the records of a window: scrapes of the sandbox, response times within the bounds of a bucket.
    """
    began_s = time.monotonic()
    calm(project)
    rc, outcomes, out = looked(running_sandbox, project, tmp_path, TABLE.format(url=guarding.url))
    table = TABLE.format(url=guarding.url).replace("step_s = 2", "step_s = 1")
    file = running_sandbox.described(tmp_path / "records.toml", table, abilities=ABILITIES)
    records = project.run("checks/test_servers_records.py", f"--env={file}")
    seconds = time.monotonic() - began_s

    assert (outcomes, rc) == (dict.fromkeys(EVERY, "passed"), 0), out
    assert (records.rc, set(records.outcomes().values())) == (0, {"passed"}), records.out
    assert len(records.outcomes_by_case()) == 4, records.out
    figures = {figure["what"]: figure for result in records.record["results"] for figure in result["measured"]}
    assert figures["error rate"]["n"] >= 200
    assert figures["response time"]["measured"].startswith("between ")  # the edges of a bucket
    assert seconds > SILENT_S
    assert value_of(guarding, f'count(count_over_time(ALERTS{{alertstate="firing"}}[{seconds:.0f}s]))') == 0


def test_a_guard_that_is_none_is_seen(running_sandbox: RunningSandbox, project: Project, tmp_path: Path) -> None:
    """A rule that is missing, nobody who is told, a product that is not scraped, health that nobody asks for: each is named for itself."""
    rules = rules_for(running_sandbox, tmp_path)
    text = rules.read_text("utf-8")
    rules.write_text(text.replace('"PamErrorRateHigh"', '"PamErrors"'), "utf-8")
    with prometheus("127.0.0.1:9", tmp_path, rules=rules) as url:
        settled(PrometheusApi(url), scraped=False, told=False)
        table = TABLE.format(url=url).replace('up{job="pam"}', 'up{job="pamm"}')
        rc, outcomes, out = looked(running_sandbox, project, tmp_path, table)

    assert (outcomes, rc) == (dict.fromkeys(EVERY, "broken criterion"), 10), out
    for words in (
        "PamErrorRateHigh is not loaded",
        "has no active Alertmanager: alerts fire and nobody is told",
        "errors: not scraped, response times: not scraped, memory: not scraped",
        "whether it answers: not scraped",
    ):
        assert words in out, out


def test_a_prometheus_that_is_away_is_not_known(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path
) -> None:
    """Not green, and no finding about the rules."""
    rc, outcomes, out = looked(running_sandbox, project, tmp_path, TABLE.format(url="http://127.0.0.1:9"))

    assert (outcomes, rc) == (dict.fromkeys(EVERY, "could not measure"), 11), out
    assert "is [prometheus] url right, and can this machine reach it?" in out
