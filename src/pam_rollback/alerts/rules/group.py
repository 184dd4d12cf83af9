"""A group of rules as values: recorded values, alerts, and what none of them tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Severity = Literal["page", "ticket"]

ERROR_RATE = "pam:error_rate:pct"
P95 = "pam:response_time:p95_seconds"
P95_BEFORE = "pam:response_time:p95_seconds:baseline"


@dataclass(frozen=True)
class RecordingRule:
    """A value that several alerts look at, kept under a name."""

    record: str
    expr: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class AlertingRule:
    """One alert: when it fires, whom it wakes, and what it says."""

    alert: str
    expr: str
    for_s: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class NotWatched:
    """A criterion, or a part of one, that no rule tells, and why."""

    item: str
    reason: str


@dataclass(frozen=True)
class KnownBefore:
    """How fast answers were when all was well, by a recorded baseline."""

    p95_s: float
    taken: date


@dataclass(frozen=True)
class Alerting:
    """Everything for one environment."""

    environment: str
    interval_s: float
    recording: tuple[RecordingRule, ...]
    alerting: tuple[AlertingRule, ...]
    not_watched: tuple[NotWatched, ...]

    @property
    def group(self) -> str:
        """The name of the group of rules."""
        return f"pam-rollback-{self.environment}"

    def rule(self, alert: str) -> AlertingRule:
        """The rule of that name. Raises LookupError where there is none."""
        return next(rule for rule in self.alerting if rule.alert == alert)
