"""In a real Prometheus that scrapes the range: each alert fires on its fault, none without one; and the checks that look after them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pam_rollback.adapters.prometheus import PrometheusApi
from pam_rollback.core.wait import Waiter
from pam_rollback.plugin import alerts
from tests.plugin.test_servers_records import extended
from tests.prometheus_server import prometheus
from tests.sessions import Project, Range, save_baseline
from tests.users import Traffic, users

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
NOT_SCRAPED = {"PamRequestsNotScraped", "PamResponseTimesNotScraped", "PamMemoryNotScraped"}
ERRORS = {"PamErrorRateHigh", "PamErrorRateRaised"}
SLOW = {"PamResponsesFarSlower", "PamResponsesSlower"}
IDLE = {"PamNoRequests", "PamResponseTimesUnknown"}
_WITHIN_S = 60
_REQUESTS = 'pam_requests_total{path!~"/metrics|/health.*"}'
_SCRAPES = 4
"""So many, that rates can be told."""


@dataclass(frozen=True)
class Guarded:
    """A range with users, and the Prometheus that watches it by the plan's rules at pace 60."""

    range: Range
    api: PrometheusApi
    traffic: Traffic

    def firing(self) -> set[str]:
        """The alerts that fire now."""
        data = self.api.told("alerts")
        return {alert["labels"]["alertname"] for alert in data["alerts"] if alert["state"] == "firing"}

    def until(self, holds: Callable[[set[str]], bool], what: str) -> set[str]:
        """Wait for what the alerts say."""
        return Waiter().until(self.firing, holds=holds, within_s=_WITHIN_S, what=what, every_s=0.5)


def rules_for(range_: Range, folder: Path, *, baseline_ms: float = 200.0, url: str = "http://127.0.0.1:9") -> Path:
    """The range's rules, as the command writes them."""
    file = extended(range_, folder / "sandbox.toml", TABLE.format(url=url))
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


@pytest.fixture(scope="module")
def guarded_range(shared_range: Range, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """One Prometheus for these tests, with everything scraped and nothing firing."""
    shared_range.as_it_was()
    folder = tmp_path_factory.mktemp("alerts")
    target = urlsplit(shared_range.state["urls"]["api"]).netloc
    rules = rules_for(shared_range, folder)
    with users(shared_range) as traffic, prometheus(target, folder, rules=rules, manager=MANAGER) as url:
        yield Guarded(shared_range, PrometheusApi(url), traffic)


@pytest.fixture
def guarded(guarded_range: Guarded) -> Iterator[Guarded]:
    """Nothing fires, before and after."""
    guarded_range.range.as_it_was()
    settled(guarded_range.api)
    guarded_range.until(lambda names: not names, "nothing fires before")
    yield guarded_range
    guarded_range.range.remote.clear_all()
    guarded_range.traffic.going = True
    guarded_range.until(lambda names: not names, "nothing fires afterwards")


def test_nothing_fires_while_all_is_well(guarded: Guarded) -> None:
    """Longer than each time of the plan at this pace."""
    for _ in range(20):
        time.sleep(1)
        assert guarded.firing() == set()


@pytest.mark.long_matrix
@pytest.mark.parametrize(
    ("fault", "parameters", "fires"),
    [
        ("errors", {"share": 0.6}, ERRORS),
        ("errors", {"share": 0.1}, {"PamErrorRateRaised"}),
        ("code-errors", {"share": 1}, {"PamServiceDown", *ERRORS}),
        ("release-down", {"how": "killed"}, {"PamServiceDown", *NOT_SCRAPED}),
        ("release-down", {"how": "hung"}, {"PamServiceDown", *NOT_SCRAPED}),
        ("latency", {"ms": 900}, SLOW),
        ("memory-leak", {"mb": 150, "mb_per_s": 3}, {"PamMemoryLeak", "PamMemoryAboveLevel"}),
        ("memory-leak", {"mb": 150}, {"PamMemoryAboveLevel"}),
    ],
    ids=["errors", "some-errors", "only-errors", "killed", "hung", "slow", "leak", "step"],
)
def test_each_alert_fires_on_its_fault(
    guarded: Guarded, fault: str, parameters: dict[str, str | float], fires: set[str]
) -> None:
    """These and no others, and none of them when the fault is gone."""
    guarded.range.remote.plant(fault, **parameters)

    found = guarded.until(lambda names: fires <= names, f"{sorted(fires)} fire")

    assert found == fires


def test_nobody_asking_is_told_too(guarded: Guarded) -> None:
    """No request is no error, and no health either."""
    guarded.traffic.going = False

    assert guarded.until(lambda names: names >= IDLE, f"{sorted(IDLE)} fire") == IDLE


# ------------------------------------------------------------------ the checks that look after them


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Those alone."""
    return ("test_alerting.py",)


@dataclass(frozen=True)
class Looked:
    """What came of one session of the checks."""

    rc: int
    outcomes: dict[str, str]
    out: str


ALERTS, SENT, USERS, HEALTH = (
    "test_alerts_are_those_of_the_plan",
    "test_alerts_are_sent_on",
    "test_users_are_watched",
    "test_health_is_watched",
)
GOOD = dict.fromkeys((ALERTS, SENT, USERS, HEALTH), "passed")


def looked(
    range_: Range,
    project: Project,
    folder: Path,
    *,
    change: Callable[[str], str] = str,
    manager: str = MANAGER,
    table: str = TABLE,
    target: str = "",
) -> Looked:
    """A session against a Prometheus of its own with these rules."""
    rules = rules_for(range_, folder)
    rules.write_text(change(rules.read_text("utf-8")), "utf-8")
    scraped = target or urlsplit(range_.state["urls"]["api"]).netloc
    with prometheus(scraped, folder, rules=rules, manager=manager) as url, users(range_):
        settled(PrometheusApi(url), scraped=not target, told=bool(manager))
        file = extended(range_, folder / "env.toml", table.format(url=url), '"test_account", "prometheus"')
        session = project.run("-m", "readiness", FILE, f"--env={file}")
    return Looked(session.rc, session.outcomes(), " ".join(session.out.split()))


def test_the_rules_that_were_just_written_stand_guard(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """As Prometheus spells them, with the baseline that they were given."""
    found = looked(practice_range, project, tmp_path)

    assert (found.outcomes, found.rc) == (GOOD, 0), found.out


@pytest.mark.long_matrix
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0.001) > 20\n", "0.001) > 25\n", "PamErrorRateHigh asks for"),
        ("for: 10s", "for: 60s", "PamResponsesFarSlower waits for 60 s, expected 10 s"),
        ('severity: "page"', 'severity: "none"', "PamServiceDown has severity none, expected page"),
        (
            'alert: "PamMemoryLeak"',
            'alert: "PamLeak"',
            "PamLeak is loaded, and not of today's rules; PamMemoryLeak is not loaded",
        ),
        ('taken: "', 'taken: "2020-01-01" #', "days old, at most 30: take a new baseline"),
        ('name: "pam-rollback-sandbox"', 'name: "other"', "it has no group pam-rollback-sandbox"),
        (
            "last_over_time(pam_memory_usage_bytes[6s]) / 1000000 > 200\n",
            'label_replace(pam_memory_usage_bytes, "job", "x", "", "")\n',
            "asks for",
        ),
    ],
)
def test_rules_that_are_not_the_plans_are_seen(
    old: str, new: str, words: str, practice_range: Range, project: Project, tmp_path: Path
) -> None:
    """Each difference is named, with both sides."""

    def change(text: str) -> str:
        assert old in text, text
        return text.replace(old, new)

    found = looked(practice_range, project, tmp_path, change=change)

    assert (found.outcomes, found.rc) == ({**GOOD, ALERTS: "broken criterion"}, 10), found.out
    assert words in found.out


def test_alerts_that_nobody_is_told_of_are_seen(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """Rules that fire into nothing."""
    found = looked(practice_range, project, tmp_path, manager="")

    assert (found.outcomes, found.rc) == ({**GOOD, SENT: "broken criterion"}, 10), found.out
    assert "has no active Alertmanager: alerts fire and nobody is told" in found.out


def test_a_product_that_is_not_scraped_is_seen(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """The rules are there, and look at nothing."""
    found = looked(practice_range, project, tmp_path, target="127.0.0.1:9")

    assert (found.outcomes, found.rc) == ({**GOOD, USERS: "broken criterion"}, 10), found.out
    assert "errors: not scraped, response times: not scraped, memory: not scraped" in found.out


def test_health_that_nobody_asks_for_is_seen(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """A series that is not there is not health."""
    table = TABLE.replace('up{{job="pam"}}', 'up{{job="pamm"}}')
    found = looked(practice_range, project, tmp_path, table=table)

    assert (found.outcomes[HEALTH], found.rc) == ("broken criterion", 10), found.out
    assert "whether it answers: not scraped" in found.out


def test_a_prometheus_that_is_away_is_not_known(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """Not green, and no finding about the rules."""
    file = extended(
        practice_range, tmp_path / "env.toml", TABLE.format(url="http://127.0.0.1:9"), '"test_account", "prometheus"'
    )
    session = project.run("-m", "readiness", FILE, f"--env={file}")

    assert (set(session.outcomes().values()), session.rc) == ({"could not measure"}, 11), session.out
    assert "is [prometheus] url right, and can this machine reach it?" in " ".join(session.out.split())
