"""The rules say what the plan says: limits, times, strategies; what no series can tell is named, and so is each silence."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from pam_rollback.alerts.rules import promql
from pam_rollback.alerts.rules.alerting import alerting_for
from pam_rollback.alerts.rules.group import Alerting, KnownBefore
from pam_rollback.alerts.rules.rule_file import rule_file
from pam_rollback.environment.prometheus_settings import Prometheus
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.plan.plan_items import OwnTrigger

ROOT = Path(__file__).parents[3]
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


def made(plan: Plan, series: Mapping[str, str], pace: float = 1, before: KnownBefore | None = None) -> Alerting:
    """The rules for these series."""
    settings = Prometheus.model_validate({"url": "http://127.0.0.1:9", **series})
    return alerting_for(plan, settings, environment="somewhere", pace=pace, before=before)


def test_every_criterion_is_told_or_named_with_the_reason(plan: Plan) -> None:
    """None is left out silently, and none is both."""
    alerting = made(plan, NAMED)
    criteria = {*plan.immediate_criteria, *plan.consider_criteria}
    named = {gap.item for gap in alerting.not_watched}

    assert {rule.labels["plan_item"] for rule in alerting.alerting} == IN_SERIES
    assert criteria - named == IN_SERIES - {"IR-2"}, "of IR-2 only the part that is scraped is told"
    assert all(gap.reason for gap in alerting.not_watched)


def test_a_criterion_of_a_team_s_own_is_named(plan: Plan) -> None:
    """Nobody knows which series it could be."""
    own = OwnTrigger.model_validate({"id": "CR-6", "title": "Builds wait", "anchor": "builds-wait"})
    more = plan.model_copy(update={"consider_criteria": {**plan.consider_criteria, "CR-6": own}})

    assert "CR-6" in {gap.item for gap in made(more, NAMED).not_watched}


@pytest.mark.parametrize(
    ("left_out", "item"),
    [("requests", "IR-5"), ("latency_buckets", "IR-4"), ("latency_buckets", "CR-5"), ("memory_bytes", "IR-6")],
)
def test_a_series_that_is_not_named_is_said(plan: Plan, left_out: str, item: str) -> None:
    """And its criterion has no rule that could look as if all were well."""
    alerting = made(plan, {name: series for name, series in NAMED.items() if name != left_out})

    assert any(gap.item == item and left_out in gap.reason for gap in alerting.not_watched), alerting.not_watched
    assert item not in {rule.labels["plan_item"] for rule in alerting.alerting}


def test_times_limits_and_strategies_are_the_plans(plan: Plan) -> None:
    """Written out once, so that a change of the plan is seen here."""
    alerting = made(plan, NAMED)
    found = {
        rule.alert: (
            rule.labels["plan_item"],
            rule.labels["severity"],
            rule.labels["strategy"],
            rule.for_s,
            rule.annotations["runbook_url"].partition("#")[2],
        )
        for rule in alerting.alerting
    }

    assert found == {
        "PamServiceDown": ("IR-2", "page", "ST-5", 300, "service-down"),
        "PamErrorRateHigh": ("IR-5", "page", "ST-1", 300, "error-rate-spike"),
        "PamErrorRateRaised": ("IR-5", "ticket", "ST-1", 300, "error-rate-spike"),
        "PamRequestsNotScraped": ("IR-5", "page", "ST-1", 120, "prevention-monitoring"),
        "PamNoRequests": ("IR-5", "ticket", "ST-1", 300, "prevention-monitoring"),
        "PamResponsesFarSlower": ("IR-4", "page", "ST-1", 600, "responses-slow"),
        "PamResponsesSlower": ("CR-5", "ticket", "ST-1", 300, "responses-slow"),
        "PamResponseTimesNotScraped": ("IR-4", "page", "ST-1", 120, "prevention-monitoring"),
        "PamResponseTimesUnknown": ("IR-4", "ticket", "ST-1", 300, "prevention-monitoring"),
        "PamBaselineMissing": ("IR-4", "ticket", "ST-1", 120, "prevention-monitoring"),
        "PamMemoryLeak": ("IR-6", "page", "ST-4", 0, "memory-high"),
        "PamMemoryAboveLevel": ("IR-6", "ticket", "ST-4", 900, "memory-high"),
        "PamMemoryNotScraped": ("IR-6", "page", "ST-4", 120, "prevention-monitoring"),
    }


def test_an_environments_figures_count(plan: Plan) -> None:
    """A waived memory level is the level of the alert too."""
    alerting = made(plan.with_overrides({"IR-6": {"memory_mb_max": 490}}), NAMED)

    assert "> 490" in alerting.rule("PamMemoryLeak").expr
    assert "level 490 MB" in alerting.rule("PamMemoryLeak").annotations["description"]


def test_what_our_rules_call_no_matter_has_no_ticket(plan: Plan) -> None:
    """The gaps between the criteria are told as ``[decision.gaps]`` says."""
    gaps = plan.decision.gaps.model_copy(update={"errors_between": "watch", "memory_above_and_flat": "no"})
    relaxed = plan.model_copy(update={"decision": plan.decision.model_copy(update={"gaps": gaps})})
    names = {rule.alert for rule in made(relaxed, NAMED).alerting}

    assert names.isdisjoint({"PamErrorRateRaised", "PamMemoryAboveLevel"})


def test_the_pace_divides_the_plans_times_and_says_so(plan: Plan) -> None:
    """A rehearsal's alert never reads like a real one. How old a value may be is no time of the plan."""
    rule = made(plan, NAMED, pace=60).rule("PamErrorRateHigh")

    assert rule.for_s == 5
    assert "for 300s (rehearsal: 5s)" in rule.annotations["description"]
    assert made(plan, NAMED, pace=60).rule("PamRequestsNotScraped").for_s == 120


def test_a_baseline_is_a_figure_with_its_date(plan: Plan) -> None:
    """Without one the past of the same series is the baseline, and its absence is told either way."""
    given = made(plan, NAMED, before=KnownBefore(0.2604, date(2026, 11, 20))).recording[-1]
    own = made(plan, NAMED).recording[-1]

    assert (given.expr, given.labels["taken"]) == ("vector(0.2604)", "2026-11-20")
    assert "offset 1d" in own.expr
    assert "taken" not in own.labels
    assert made(plan, NAMED).rule("PamBaselineMissing").expr.startswith("absent(")


def test_without_up_an_outage_is_seen_by_series_that_vanish(plan: Plan) -> None:
    """And that this is less is said."""
    alerting = made(plan, {name: series for name, series in NAMED.items() if name != "up"})

    assert 'max(absent(pam_requests_total{job="pam"}))' in alerting.rule("PamServiceDown").expr
    assert any("names no up" in gap.reason for gap in alerting.not_watched)


def test_an_expression_of_the_environment_is_told_too(plan: Plan) -> None:
    """Where requests are not counted: not a number and no result are silence."""
    alerting = made(plan, {"error_rate_pct": "100 * (sum(e) or vector(0)) / sum(a)"})

    assert alerting.recording[0].expr == "(100 * (sum(e) or vector(0)) / sum(a)) >= 0"
    assert alerting.rule("PamErrorRateUnknown").labels["severity"] == "page"


@pytest.mark.parametrize(
    ("selector", "narrowed"),
    [
        ("a_total", 'a_total{x="1"}'),
        ("a_total{}", 'a_total{x="1"}'),
        ('a_total{job="pam"}', 'a_total{job="pam", x="1"}'),
        ("a_total{job='p}m', }", "a_total{job='p}m', x=\"1\"}"),
        ('{__name__="a_total"}', '{__name__="a_total", x="1"}'),
    ],
)
def test_a_selector_is_narrowed(selector: str, narrowed: str) -> None:
    """Whatever form it has."""
    assert promql.matching(selector, 'x="1"') == narrowed


@pytest.mark.parametrize(("seconds", "written"), [(0, "0s"), (300, "300s"), (7.5, "7500ms"), (0.25, "250ms")])
def test_times_are_written_as_prometheus_reads_them(seconds: float, written: str) -> None:
    """Whole seconds, or milliseconds."""
    assert promql.duration(seconds) == written


def test_the_same_rules_give_the_same_file(plan: Plan) -> None:
    """Nothing of the moment or the machine is in it, and what is not told stands at its head."""
    first = rule_file(made(plan, NAMED), made_by="make alerts")

    assert first == rule_file(made(plan, NAMED), made_by="make alerts")
    assert "#   IR-1: no series tells who gets in" in first
