"""Whether the alerts stand guard: the rules that a Prometheus has, by their names and health, whom it tells, and whether it is fed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pam_rollback.alerts.rule_file import group_of, names_in, rule_file, series_of
from pam_rollback.base.figures import Figures, Sentence, listed
from pam_rollback.environment.environment import Environment
from pam_rollback.plan.plan import Plan
from pam_rollback.records.prometheus import PrometheusApi

_SHOWN = 4


@dataclass(frozen=True, repr=False)
class AlertsLoaded(Sentence):
    """The rules of one environment in its Prometheus."""

    where: str
    group: str
    expected: int
    problems: tuple[str, ...]

    @property
    def there(self) -> bool:
        """Each rule is there, and is evaluated."""
        return not self.problems

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        bad = len(self.problems)
        what = f"rules of {self.group} that are missing, fail or are not the plan's"
        return Figures(what=what, asked="0", measured=bad, n=self.expected, margin=-float(bad))

    def __str__(self) -> str:
        if self.there:
            return f"{self.where} has all {self.expected} rules of {self.group}, and evaluates them"
        return (
            f"{self.where} does not watch as the plan asks ({self.expected} rules in {self.group}): "
            f"{listed(self.problems, _SHOWN)}; write them anew with make alerts, and reload it"
        )


@dataclass(frozen=True, repr=False)
class AlertReceivers(Sentence):
    """The Alertmanagers that a Prometheus hands its alerts to."""

    where: str
    addresses: tuple[str, ...]

    @property
    def some(self) -> bool:
        """An alert that fires goes somewhere. Whether somebody reads it there is not seen from here."""
        return bool(self.addresses)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        n = len(self.addresses)
        return Figures(what="Alertmanagers that are told", asked="at least 1", measured=n, n=n, margin=float(n - 1))

    def __str__(self) -> str:
        if self.some:
            return f"{self.where} hands its alerts to {', '.join(self.addresses)}"
        return f"{self.where} has no active Alertmanager: alerts fire and nobody is told; name one under alerting in its configuration"


@dataclass(frozen=True, repr=False)
class Fed(Sentence):
    """Which of the series that are to be watched had a sample lately."""

    where: str
    samples: Mapping[str, int]
    """By what they tell: how many."""
    unnamed: tuple[str, ...]
    """What the environment names no series for."""
    within_s: float

    @property
    def everything(self) -> bool:
        """Each of them is named, and was scraped."""
        return bool(self.samples) and not self.unnamed and all(self.samples.values())

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        wanted = len(self.samples) + len(self.unnamed)
        fed = sum(1 for n in self.samples.values() if n)
        what, n = f"watched: {', '.join((*self.samples, *self.unnamed))}", sum(self.samples.values())
        return Figures(what=what, asked=f"{wanted}", measured=fed, n=n, margin=float(fed - wanted))

    def __str__(self) -> str:
        said = [f"{what}: {n} samples" if n else f"{what}: not scraped" for what, n in self.samples.items()]
        said += [f"{what}: no series named in [prometheus]" for what in self.unnamed]
        return f"{self.where}, the last {self.within_s:g} s: {', '.join(said)}"


def api_of(environment: Environment) -> PrometheusApi:
    """The environment's Prometheus. Raises MeasurementFailed where it names none."""
    token = environment.secret("prometheus_token") if environment.has_secret("prometheus_token") else ""
    return PrometheusApi(series_of(environment).url, token=token, deadline_s=environment.probing.request_deadline_s)


def loaded(api: PrometheusApi, plan: Plan, environment: Environment) -> AlertsLoaded:
    """Which of the rules that ``make alerts`` writes it has loaded. Raises MeasurementFailed when it does not say."""
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
    return AlertsLoaded(_named(api), group, len(wanted), tuple(problems))


def _ill(rule: Mapping[str, Any]) -> str:
    if rule["health"] == "err":
        return f"cannot be evaluated: {rule.get('lastError') or 'no reason given'}"
    return "" if rule["health"] == "ok" else "was never evaluated"


def told(api: PrometheusApi) -> AlertReceivers:
    """The Alertmanagers that it hands alerts to. Raises MeasurementFailed when it does not say."""
    data = api.told("alertmanagers")
    active = data.get("activeAlertmanagers") if isinstance(data, dict) else None
    if not isinstance(active, list):
        raise api.nonsense("alertmanagers", data)
    return AlertReceivers(_named(api), tuple(str(one.get("url")) for one in active))


def users_fed(api: PrometheusApi, environment: Environment) -> Fed:
    """Whether errors, speed and memory are scraped."""
    settings = series_of(environment)
    own = f'pam:error_rate:pct{{environment="{environment.name}"}}' if settings.error_rate_pct else ""
    series = {
        "errors": settings.requests or own,
        "response times": settings.latency_buckets,
        "memory": settings.memory_bytes,
    }
    return _fed(api, environment, series)


def health_fed(api: PrometheusApi, environment: Environment) -> Fed:
    """Whether it is asked all the time whether the product answers."""
    return _fed(api, environment, {"whether it answers": series_of(environment).up})


def _fed(api: PrometheusApi, environment: Environment, series: Mapping[str, str]) -> Fed:
    within_s = series_of(environment).gap_max_s
    now_s = time.monotonic() + api.ahead_s()
    samples = {
        what: sum(len(one.samples) for one in api.known(selector, since_s=now_s - within_s, until_s=now_s))
        for what, selector in series.items()
        if selector
    }
    return Fed(_named(api), samples, tuple(what for what, selector in series.items() if not selector), within_s)


def _named(api: PrometheusApi) -> str:
    return f"Prometheus at {api.url}"
