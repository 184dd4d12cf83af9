"""Whether the alerts stand guard: what a Prometheus has loaded beside what the plan would have written, and whether it is fed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pam_rollback.alerts.rules.group import P95_BEFORE, Alerting, AlertingRule, RecordingRule
from pam_rollback.base.figures import Figures, Sentence, listed

_SHOWN = 4
_FIGURE = re.compile(r"vector\([0-9.e+-]+\)")


@dataclass(frozen=True)
class LoadedRule:
    """A rule as Prometheus has it. ``evaluated_ago_s`` is None before the first time."""

    name: str
    query: str
    for_s: float
    labels: Mapping[str, str]
    health: str
    problem: str
    evaluated_ago_s: float | None


@dataclass(frozen=True, repr=False)
class AlertsLoaded(Sentence):
    """The rules of one environment in its Prometheus."""

    where: str
    group: str
    expected: int
    problems: tuple[str, ...]

    @property
    def up_to_date(self) -> bool:
        """Each rule is there as the plan has it, and is evaluated."""
        return not self.problems

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what=f"rules of {self.group} that differ, are missing or fail",
            asked="0",
            measured=len(self.problems),
            n=self.expected,
            margin=-float(len(self.problems)),
        )

    def __str__(self) -> str:
        if self.up_to_date:
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
        return Figures(
            what=f"watched: {', '.join((*self.samples, *self.unnamed))}",
            asked=f"{wanted}",
            measured=fed,
            n=sum(self.samples.values()),
            margin=float(fed - wanted),
        )

    def __str__(self) -> str:
        said = [f"{what}: {n} samples" if n else f"{what}: not scraped" for what, n in self.samples.items()]
        said += [f"{what}: no series named in [prometheus]" for what in self.unnamed]
        return f"{self.where}, the last {self.within_s:g} s: {', '.join(said)}"


def held_against(
    expected: Alerting,
    loaded: Sequence[LoadedRule] | None,
    *,
    where: str,
    today: date,
    baseline_age_max_d: float,
    late_s: float,
) -> AlertsLoaded:
    """Hold what is loaded (None: there is no such group) against what the plan would write; queries in the same notation."""
    wanted: tuple[RecordingRule | AlertingRule, ...] = (*expected.recording, *expected.alerting)
    if loaded is None:
        problems = [f"it has no group {expected.group}: name the file that make alerts writes under rule_files"]
        return AlertsLoaded(where, expected.group, len(wanted), tuple(problems))
    by_name = {rule.name: rule for rule in loaded}
    names = {_name(rule) for rule in wanted}
    problems = [f"{name} is loaded, and not of today's rules" for name in by_name if name not in names]
    for rule in wanted:
        found = by_name.get(_name(rule))
        if found is None:
            problems.append(f"{_name(rule)} is not loaded")
        elif _name(rule) == P95_BEFORE and _FIGURE.fullmatch(found.query):
            problems += [*_of_figure(found, today, baseline_age_max_d), *_of_health(found, late_s)]
        else:
            problems += [*_differences(rule, found), *_of_health(found, late_s)]
    return AlertsLoaded(where, expected.group, len(wanted), tuple(problems))


def _name(rule: RecordingRule | AlertingRule) -> str:
    return rule.record if isinstance(rule, RecordingRule) else rule.alert


def _differences(rule: RecordingRule | AlertingRule, found: LoadedRule) -> Iterator[str]:
    if found.query != rule.expr:
        yield f"{found.name} asks for {found.query}, expected {rule.expr}"
    if isinstance(rule, AlertingRule) and found.for_s != rule.for_s:
        yield f"{found.name} waits for {found.for_s:g} s, expected {rule.for_s:g} s"
    for label, value in rule.labels.items():
        if found.labels.get(label) != value and not (_name(rule) == P95_BEFORE and label == "taken"):
            yield f"{found.name} has {label} {found.labels.get(label, 'nowhere')}, expected {value}"


def _of_figure(found: LoadedRule, today: date, age_max_d: float) -> Iterator[str]:
    """A baseline that was given as a figure grows old."""
    try:
        age_d = (today - date.fromisoformat(found.labels.get("taken", ""))).days
    except ValueError:
        yield f"{found.name} is a figure without its date"
        return
    if age_d > age_max_d:
        yield f"{found.name} is {age_d} days old, at most {age_max_d:g}: take a new baseline"
    elif age_d < 0:
        yield f"{found.name} is of {-age_d} days from now: how old it is is not known; take a new baseline"


def _of_health(found: LoadedRule, late_s: float) -> Iterator[str]:
    if found.health == "err":
        yield f"{found.name} cannot be evaluated: {found.problem or 'no reason given'}"
    elif found.evaluated_ago_s is None or found.health != "ok":
        yield f"{found.name} was never evaluated"
    elif found.evaluated_ago_s > late_s:
        yield f"{found.name} was last evaluated {found.evaluated_ago_s:.0f} s ago, expected within {late_s:g} s"
