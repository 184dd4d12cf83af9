"""Whether the alerts stand guard: the rules that a Prometheus has, by their names and health, whom it tells, and whether it is fed."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from pam_rollback.core.figures import Measured, listed
from pam_rollback.ops.alerts.rule_file import group_of, names_in, rule_file
from pam_rollback.plan.plan import Plan
from pam_rollback.records.prometheus import PrometheusApi, series_named
from pam_rollback.target.environment import Environment

_SHOWN = 4


def loaded(api: PrometheusApi, plan: Plan, environment: Environment) -> Measured:
    """How many rules of ``make alerts`` it lacks or does not evaluate. Raises MeasurementFailed when it does not say."""
    wanted, group = names_in(rule_file(plan, environment)), group_of(environment)
    data = api.told("rules")
    groups = data.get("groups") if isinstance(data, dict) else None
    if not isinstance(groups, list):
        raise api.nonsense("rules", data)
    try:
        found = {rule["name"]: rule for one in groups if one["name"] == group for rule in one["rules"]}
        unhealthy = {name: _ill(rule) for name, rule in found.items()}
    except (KeyError, TypeError, AttributeError):
        raise api.nonsense("rules", data) from None
    if not found:
        problems = [f"it has no group {group}: name the file that make alerts writes under rule_files"]
    else:
        problems = [f"{name} is not loaded" for name in wanted if name not in found]
        problems += [f"{name} is loaded, and not of today's rules" for name in found if name not in wanted]
        problems += [f"{name} {why}" for name, why in unhealthy.items() if why]
    bad, n = len(problems), len(wanted)
    sentence = f"{_named(api)} has all {n} rules of {group}, and evaluates them"
    if problems:
        sentence = (
            f"{_named(api)} does not watch as the plan asks ({n} rules in {group}): "
            f"{listed(problems, _SHOWN)}; write them anew with make alerts, and reload it"
        )
    what = f"rules of {group} that are missing, fail or are not the plan's"
    return Measured(what, asked="0", value=bad, n=n, margin=-float(bad), sentence=sentence)


def _ill(rule: Mapping[str, Any]) -> str:
    if rule["health"] == "err":
        return f"cannot be evaluated: {rule.get('lastError') or 'no reason given'}"
    return "" if rule["health"] == "ok" else "was never evaluated"


def told(api: PrometheusApi) -> Measured:
    """To how many Alertmanagers it hands alerts; who reads them is not seen. Raises MeasurementFailed when it does not say."""
    data = api.told("alertmanagers")
    active = data.get("activeAlertmanagers") if isinstance(data, dict) else None
    if not isinstance(active, list):
        raise api.nonsense("alertmanagers", data)
    n, addresses = len(active), ", ".join(str(one.get("url")) for one in active)
    sentence = f"{_named(api)} hands its alerts to {addresses}"
    if not active:
        sentence = f"{_named(api)} has no active Alertmanager: alerts fire and nobody is told; name one under alerting in its configuration"
    return Measured("Alertmanagers that are told", "at least 1", n, n=n, margin=float(n - 1), sentence=sentence)


def users_fed(api: PrometheusApi, environment: Environment) -> Measured:
    """How many of errors, speed and memory are scraped."""
    settings = series_named(environment)
    own = f'pam:error_rate:pct{{environment="{environment.name}"}}' if settings.error_rate_pct else ""
    series = {
        "errors": settings.requests or own,
        "response times": settings.latency_buckets,
        "memory": settings.memory_bytes,
    }
    return _fed(api, environment, series)


def health_fed(api: PrometheusApi, environment: Environment) -> Measured:
    """Whether it is asked all the time whether the product answers."""
    return _fed(api, environment, {"whether it answers": series_named(environment).up})


def _fed(api: PrometheusApi, environment: Environment, series: Mapping[str, str]) -> Measured:
    within_s = series_named(environment).gap_max_s
    now_s = time.monotonic() + api.ahead_s()
    samples = {
        what: sum(len(one.samples) for one in api.known(selector, since_s=now_s - within_s, until_s=now_s))
        for what, selector in series.items()
        if selector
    }
    return fed(_named(api), samples, tuple(what for what, selector in series.items() if not selector), within_s)


def fed(where: str, samples: Mapping[str, int], unnamed: Sequence[str], within_s: float) -> Measured:
    """How many series had a sample lately: ``samples`` by what they tell; ``unnamed`` is what the environment names no series for."""
    said = [f"{what}: {n} samples" if n else f"{what}: not scraped" for what, n in samples.items()]
    said += [f"{what}: no series named in [prometheus]" for what in unnamed]
    wanted, scraped = len(samples) + len(unnamed), sum(1 for n in samples.values() if n)
    return Measured(
        what=f"watched: {', '.join((*samples, *unnamed))}",
        asked=f"{wanted}",
        value=scraped,
        n=sum(samples.values()),
        margin=float(scraped - wanted),
        sentence=f"{where}, the last {within_s:g} s: {', '.join(said)}",
    )


def _named(api: PrometheusApi) -> str:
    return f"Prometheus at {api.url}"
