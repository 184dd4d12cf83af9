"""What a Prometheus has loaded beside what the plan would write: each difference is named, and unknown is not green."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pam_rollback.alerts.rules.alerting import alerting_for
from pam_rollback.alerts.rules.group import P95_BEFORE, Alerting, AlertingRule, RecordingRule
from pam_rollback.alerts.rules.loaded import AlertReceivers, AlertsLoaded, Fed, LoadedRule, held_against
from pam_rollback.environment.prometheus_settings import Prometheus
from pam_rollback.plan.plan import load_plan

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 25)


@pytest.fixture(scope="module")
def expected() -> Alerting:
    """All rules."""
    series = {"requests": "r_total", "latency_buckets": "l_bucket", "memory_bytes": "m", "up": "up"}
    settings = Prometheus.model_validate({"url": "http://127.0.0.1:9", **series})
    return alerting_for(load_plan(ROOT / "plan.toml"), settings, environment="somewhere")


def as_loaded(rule: RecordingRule | AlertingRule) -> LoadedRule:
    """The rule as it should be there."""
    recording = isinstance(rule, RecordingRule)
    return LoadedRule(
        name=rule.record if isinstance(rule, RecordingRule) else rule.alert,
        query=rule.expr,
        for_s=0 if recording else rule.for_s,  # type: ignore[union-attr]
        labels=rule.labels,
        health="ok",
        problem="",
        evaluated_ago_s=3.0,
    )


def judged(expected: Alerting, loaded: list[LoadedRule] | None) -> AlertsLoaded:
    """Held against each other."""
    return held_against(expected, loaded, where="it", today=TODAY, baseline_age_max_d=30, late_s=60)


def loaded(expected: Alerting, name: str, change: Callable[[LoadedRule], LoadedRule | None]) -> list[LoadedRule]:
    """All as they should be, but for one."""
    rules = [*map(as_loaded, expected.recording), *map(as_loaded, expected.alerting)]
    changed = [change(rule) if rule.name == name else rule for rule in rules]
    return [rule for rule in changed if rule is not None]


def test_all_as_they_should_be(expected: Alerting) -> None:
    """How many, and of which group."""
    found = judged(expected, loaded(expected, "", lambda rule: rule))

    assert found.up_to_date
    assert str(found) == "it has all 16 rules of pam-rollback-somewhere, and evaluates them"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: None, "PamErrorRateHigh is not loaded"),
        (lambda rule: replace(rule, query="x > 20"), "PamErrorRateHigh asks for x > 20, expected round("),
        (lambda rule: replace(rule, for_s=60.0), "PamErrorRateHigh waits for 60 s, expected 300 s"),
        (
            lambda rule: replace(rule, labels={**rule.labels, "severity": "ticket"}),
            "PamErrorRateHigh has severity ticket, expected page",
        ),
        (
            lambda rule: replace(rule, labels={"severity": "page"}),
            "PamErrorRateHigh has environment nowhere, expected somewhere",
        ),
        (
            lambda rule: replace(rule, health="err", problem="many-to-many"),
            "PamErrorRateHigh cannot be evaluated: many-to-many",
        ),
        (lambda rule: replace(rule, health="unknown"), "PamErrorRateHigh was never evaluated"),
        (lambda rule: replace(rule, evaluated_ago_s=None), "PamErrorRateHigh was never evaluated; write"),
        (lambda rule: replace(rule, evaluated_ago_s=61.0), "was last evaluated 61 s ago, expected within 60 s"),
        (lambda rule: replace(rule, name="PamErrors"), "PamErrors is loaded, and not of today's rules"),
    ],
)
def test_each_difference_is_named(
    expected: Alerting, change: Callable[[LoadedRule], LoadedRule | None], words: str
) -> None:
    """With both sides, and what to do."""
    found = judged(expected, loaded(expected, "PamErrorRateHigh", change))

    assert not found.up_to_date
    assert words in str(found)
    assert "write them anew with make alerts, and reload it" in str(found)


@pytest.mark.parametrize(
    ("query", "labels", "words"),
    [
        ("vector(0.25)", {"taken": "2026-10-26"}, ""),
        ("vector(0.25)", {"taken": "2026-10-25"}, "31 days old, at most 30"),
        ("vector(0.25)", {"taken": "2027-11-25"}, "365 days from now"),
        ("vector(0.25)", {}, "is a figure without its date"),
        ("vector(0.25) * 2", {"taken": "2026-11-24"}, f"{P95_BEFORE} asks for vector(0.25) * 2"),
    ],
)
def test_a_baseline_may_be_a_figure_that_is_young(
    expected: Alerting, query: str, labels: dict[str, str], words: str
) -> None:
    """Whichever it was when the rules were written."""
    own = {"environment": "somewhere", **labels}
    found = judged(expected, loaded(expected, P95_BEFORE, lambda rule: replace(rule, query=query, labels=own)))

    assert found.up_to_date is (words == ""), found
    assert words in str(found)


@pytest.mark.parametrize(
    ("nothing", "words"), [(None, "it has no group pam-rollback-somewhere"), ([], "is not loaded")]
)
def test_nothing_loaded_is_not_green(expected: Alerting, nothing: list[LoadedRule] | None, words: str) -> None:
    """No group, and an empty one."""
    found = judged(expected, nothing)

    assert not found.up_to_date
    assert words in str(found)
    assert found.figures.n == 16


def test_nobody_who_is_told_is_not_green() -> None:
    """One is enough."""
    assert not AlertReceivers("it", ()).some
    assert "has no active Alertmanager" in str(AlertReceivers("it", ()))
    assert AlertReceivers("it", ("http://am/api/v2/alerts",)).some


@pytest.mark.parametrize(
    ("samples", "unnamed", "everything"),
    [
        ({"errors": 4, "memory": 4}, (), True),
        ({"errors": 4, "memory": 0}, (), False),
        ({"errors": 4}, ("memory",), False),
        ({}, (), False),
    ],
)
def test_what_is_not_scraped_or_not_named_is_not_watched(
    samples: dict[str, int],
    unnamed: tuple[str, ...],
    everything: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """And nothing at all is not everything."""
    found = Fed("it", samples, unnamed, 60)

    assert found.everything is everything
    assert "memory: 4" in str(found) or not everything
