"""The rules say what the plan says: limits, times, strategies; what no series can tell is named, and so is each silence."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from pam_rollback.ops.alerts.rule_file import not_watched, rule_file
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.plan.plan_items import OwnTrigger
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.service_settings import Prometheus

ROOT = Path(__file__).parents[2]
NAMED = {
    "requests": 'pam_requests_total{job="pam"}',
    "latency_buckets": "pam_request_duration_seconds_bucket",
    "memory_bytes": "pam_memory_usage_bytes",
    "up": 'up{job="pam"}',
}
IN_SERIES = {"IR-2", "IR-4", "IR-5", "IR-6", "CR-5"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The plan."""
    return load_plan(ROOT / "plan.toml")


def settings(series: Mapping[str, str]) -> Prometheus:
    """These series."""
    return Prometheus.model_validate({"url": "http://127.0.0.1:9", **series})


def environment(series: Mapping[str, str]) -> Environment:
    """The example's, with these series."""
    example = load_environment(str(ROOT / "docs" / "examples" / "alerts" / "example.toml"), ROOT / "environments", {})
    return example.model_copy(update={"prometheus": settings(series)})


def made(
    plan: Plan, series: Mapping[str, str], pace: float = 1, before: tuple[float, date] | None = None
) -> dict[str, str]:
    """The rules for these series, by their names."""
    text = rule_file(plan, environment(series), pace=pace, before=before)
    return {
        block.partition('"')[2].partition('"')[0]: block
        for block in re.split(r"\n      - (?:alert|record): ", text)[1:]
    }


def field(block: str, name: str) -> str:
    """What a rule says of it."""
    found = re.search(rf'^ +{name}: "?(.*?)"?$', block, re.MULTILINE)
    return found.group(1) if found else ""


def test_every_criterion_is_told_or_named_with_the_reason(plan: Plan) -> None:
    """None is left out silently, and none is both."""
    criteria = {*plan.immediate_criteria, *plan.consider_criteria}
    named = dict(not_watched(plan, settings(NAMED)))

    assert {item for rule in made(plan, NAMED).values() if (item := field(rule, "plan_item"))} == IN_SERIES
    assert criteria - named.keys() == IN_SERIES - {"IR-2"}, "of IR-2 only the part that is scraped is told"
    assert all(named.values())


def test_a_criterion_of_a_team_s_own_is_named(plan: Plan) -> None:
    """Nobody knows which series it could be."""
    own = OwnTrigger.model_validate({"id": "CR-6", "title": "Builds wait", "anchor": "builds-wait"})
    more = plan.model_copy(update={"consider_criteria": {**plan.consider_criteria, "CR-6": own}})

    assert "CR-6" in dict(not_watched(more, settings(NAMED)))


@pytest.mark.parametrize(
    ("left_out", "item"),
    [("requests", "IR-5"), ("latency_buckets", "IR-4"), ("latency_buckets", "CR-5"), ("memory_bytes", "IR-6")],
)
def test_a_series_that_is_not_named_is_said(plan: Plan, left_out: str, item: str) -> None:
    """And its criterion has no rule that could look as if all were well."""
    series = {name: series for name, series in NAMED.items() if name != left_out}

    assert left_out in dict(not_watched(plan, settings(series)))[item]
    assert item not in {field(rule, "plan_item") for rule in made(plan, series).values()}


def test_an_environments_figures_count(plan: Plan) -> None:
    """A waived memory level is the level of the alert too."""
    rule = made(plan.with_overrides({"IR-6": {"memory_mb_max": 490}}), NAMED)["PamMemoryLeak"]

    assert "> 490" in rule
    assert "level 490 MB" in rule


def test_what_our_rules_call_no_matter_has_no_ticket(plan: Plan) -> None:
    """The gaps between the criteria are told as ``[decision.gaps]`` says."""
    gaps = plan.decision.gaps.model_copy(update={"errors_between": "watch", "memory_above_and_flat": "no"})
    relaxed = plan.model_copy(update={"decision": plan.decision.model_copy(update={"gaps": gaps})})

    assert made(relaxed, NAMED).keys().isdisjoint({"PamErrorRateRaised", "PamMemoryAboveLevel"})


def test_a_baseline_is_a_figure_with_its_date(plan: Plan) -> None:
    """Without one the past of the same series is the baseline, and its absence is told either way."""
    name = "pam:response_time:p95_seconds:baseline"
    given, own = made(plan, NAMED, before=(0.2604, date(2026, 11, 20)))[name], made(plan, NAMED)[name]

    assert "vector(0.2604)" in given
    assert field(given, "taken") == "2026-11-20"
    assert "offset 1d" in own
    assert not field(own, "taken")


def test_without_up_an_outage_is_seen_by_series_that_vanish(plan: Plan) -> None:
    """And that this is less is said."""
    series = {name: series for name, series in NAMED.items() if name != "up"}

    assert 'max(absent(pam_requests_total{job="pam"}))' in made(plan, series)["PamServiceDown"]
    assert any("names no up" in why for _, why in not_watched(plan, settings(series)))


def test_an_expression_of_the_environment_is_told_too(plan: Plan) -> None:
    """Where requests are not counted: not a number and no result are silence."""
    rules = made(plan, {"error_rate_pct": "100 * (sum(e) or vector(0))\n  / sum(a)"})

    assert "\n          (100 * (sum(e) or vector(0))\n          / sum(a)) >= 0\n" in rules["pam:error_rate:pct"]
    assert field(rules["PamErrorRateUnknown"], "severity") == "page"
