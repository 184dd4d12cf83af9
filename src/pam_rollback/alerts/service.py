"""The rules that an environment is to have, and what its Prometheus has of them. Everything here raises MeasurementFailed."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pam_rollback.alerts.client import in_its_notation, loaded_group, receivers
from pam_rollback.alerts.rules.alerting import alerting_for
from pam_rollback.alerts.rules.group import ERROR_RATE, Alerting, KnownBefore
from pam_rollback.alerts.rules.loaded import AlertReceivers, AlertsLoaded, Fed, held_against
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.known_before import unanswered_on
from pam_rollback.environment.prometheus_settings import Prometheus
from pam_rollback.plan.plan import Plan
from pam_rollback.records.client.prometheus import PrometheusApi
from pam_rollback.report.baseline_record import load_baseline

_MS = 1000


def wanted(
    plan: Plan,
    environment: Environment,
    *,
    pace: float,
    before: KnownBefore | None = None,
    runbook: str = "docs/runbook.md",
) -> Alerting:
    """The rules that the plan asks for, of the series that the environment names. See ``alerting_for``."""
    return alerting_for(
        plan, _settings(environment), environment=environment.name, before=before, pace=pace, runbook=runbook
    )


def known_before(file: Path, environment: Environment, plan: Plan) -> KnownBefore:
    """The response times of a recorded baseline: of this environment, recent, of a healthy service, with enough answers."""
    stored = load_baseline(file)
    stored.refuse_too_few(plan.baseline.answers_min)
    stored.refuse_ill(unanswered_on(datetime.now(UTC).date(), environment.waivers))
    stored.refuse_stale(plan.baseline.age_max_d, datetime.now(UTC))
    if stored.origin.environment != environment.name:
        raise MeasurementFailed(
            f"{file}: expected a baseline of {environment.name}, found the {stored.origin}; take one there"
        )
    p95_ms = stored.answers.p95_ms
    if p95_ms is None:
        raise MeasurementFailed(f"{stored.origin}: it holds no good answer, so no response time; take a new one")
    return KnownBefore(p95_ms / _MS, stored.origin.taken_at.date())


def api_of(environment: Environment) -> PrometheusApi:
    """The environment's Prometheus."""
    token = environment.secret("prometheus_token") if environment.has_secret("prometheus_token") else ""
    return PrometheusApi(_settings(environment).url, token=token, deadline_s=environment.probing.request_deadline_s)


def loaded(api: PrometheusApi, plan: Plan, environment: Environment, *, pace: float) -> AlertsLoaded:
    """What it has loaded beside what ``make alerts`` would write today."""
    rules = wanted(plan, environment, pace=pace)
    now_s = time.monotonic() + api.ahead_s()
    return held_against(
        in_its_notation(api, rules),
        loaded_group(api, rules.group, now_s=now_s),
        where=_named(api),
        today=datetime.now(UTC).date(),
        baseline_age_max_d=plan.baseline.age_max_d,
        late_s=_settings(environment).gap_max_s,
    )


def told(api: PrometheusApi) -> AlertReceivers:
    """The Alertmanagers that it hands alerts to."""
    return AlertReceivers(_named(api), receivers(api))


def users_fed(api: PrometheusApi, environment: Environment) -> Fed:
    """Whether errors, speed and memory are scraped."""
    settings = _settings(environment)
    own = f'{ERROR_RATE}{{environment="{environment.name}"}}' if settings.error_rate_pct else ""
    series = {
        "errors": settings.requests or own,
        "response times": settings.latency_buckets,
        "memory": settings.memory_bytes,
    }
    return _fed(api, settings, series)


def health_fed(api: PrometheusApi, environment: Environment) -> Fed:
    """Whether it is asked all the time whether the product answers."""
    settings = _settings(environment)
    return _fed(api, settings, {"whether it answers": settings.up})


def _fed(api: PrometheusApi, settings: Prometheus, series: Mapping[str, str]) -> Fed:
    now_s = time.monotonic() + api.ahead_s()
    since_s = now_s - settings.gap_max_s
    samples = {
        what: sum(len(one.samples) for one in api.known(selector, since_s=since_s, until_s=now_s))
        for what, selector in series.items()
        if selector
    }
    unnamed = tuple(what for what, selector in series.items() if not selector)
    return Fed(_named(api), samples, unnamed, settings.gap_max_s)


def _named(api: PrometheusApi) -> str:
    return f"Prometheus at {api.url}"


def _settings(environment: Environment) -> Prometheus:
    if environment.prometheus is None:
        raise MeasurementFailed(
            f"{environment.name} names no series: expected a table [prometheus] in its file, found none; write one, see "
            "docs/how-to/attach-to-an-environment.md#prometheus"
        )
    return environment.prometheus
