"""What a Prometheus has loaded to watch with, and whom it tells."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pam_rollback.alerts.rules.group import Alerting
from pam_rollback.alerts.rules.loaded import LoadedRule
from pam_rollback.records.client.prometheus import PrometheusApi

_NEVER = 1
"""The year in which a rule was evaluated that never was."""


def loaded_group(api: PrometheusApi, name: str, *, now_s: float) -> Sequence[LoadedRule] | None:
    """The rules of that group, queries in Prometheus' own notation; None where it has no such group. ``now_s`` is by its clock."""
    data = api.told("rules")
    groups = data.get("groups") if isinstance(data, dict) else None
    if not isinstance(groups, list):
        raise api.nonsense("rules", data)
    rules = [rule for group in groups if group.get("name") == name for rule in group.get("rules", ())]
    return [_rule(api, rule, now_s) for rule in rules] or None


def in_its_notation(api: PrometheusApi, alerting: Alerting) -> Alerting:
    """The same rules with each query as this Prometheus writes it, so that spelling is no difference."""
    return replace(
        alerting,
        recording=tuple(replace(rule, expr=_formatted(api, rule.expr)) for rule in alerting.recording),
        alerting=tuple(replace(rule, expr=_formatted(api, rule.expr)) for rule in alerting.alerting),
    )


def receivers(api: PrometheusApi) -> tuple[str, ...]:
    """The Alertmanagers that it hands alerts to."""
    data = api.told("alertmanagers")
    active = data.get("activeAlertmanagers") if isinstance(data, dict) else None
    if not isinstance(active, list):
        raise api.nonsense("alertmanagers", data)
    return tuple(str(one.get("url")) for one in active)


def _formatted(api: PrometheusApi, query: str) -> str:
    text = api.told("format_query", {"query": query})
    if not isinstance(text, str):
        raise api.nonsense(query, text)
    return " ".join(text.split())


def _rule(api: PrometheusApi, rule: Any, now_s: float) -> LoadedRule:
    try:
        evaluated = datetime.fromisoformat(rule["lastEvaluation"])
        return LoadedRule(
            name=rule["name"],
            query=_formatted(api, rule["query"]),
            for_s=float(rule.get("duration", 0)),
            labels=dict(rule.get("labels") or {}),
            health=rule["health"],
            problem=str(rule.get("lastError", "")),
            evaluated_ago_s=None if evaluated.year == _NEVER else now_s - evaluated.timestamp(),
        )
    except (KeyError, TypeError, ValueError):
        raise api.nonsense("rules", rule) from None
