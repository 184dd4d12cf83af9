"""The rules as the file that Prometheus reads: YAML whose texts are written as JSON strings, which YAML reads the same."""

import json
from collections.abc import Iterator, Mapping

from pam_rollback.alerts.rules.group import Alerting, AlertingRule, RecordingRule
from pam_rollback.alerts.rules.promql import duration


def rule_file(alerting: Alerting, *, made_by: str) -> str:
    """The whole file; the same rules give the same text. ``made_by`` is the command that writes it again."""
    return "\n".join(_lines(alerting, made_by)) + "\n"


def _lines(alerting: Alerting, made_by: str) -> Iterator[str]:
    yield f"# Alerting rules for {alerting.environment}, from the rollback plan. Do not edit: written by {made_by}"
    yield "# Not told by any rule:"
    for gap in alerting.not_watched:
        yield f"#   {gap.item}: {gap.reason}"
    yield "groups:"
    yield f"  - name: {_text(alerting.group)}"
    yield f"    interval: {duration(alerting.interval_s)}"
    yield "    rules:"
    for value in alerting.recording:
        yield from _recording(value)
    for rule in alerting.alerting:
        yield from _alerting(rule)


def _recording(rule: RecordingRule) -> Iterator[str]:
    yield f"      - record: {_text(rule.record)}"
    yield from _expression(rule.expr)
    yield from _mapping("labels", rule.labels)


def _alerting(rule: AlertingRule) -> Iterator[str]:
    yield f"      - alert: {_text(rule.alert)}"
    yield from _expression(rule.expr)
    yield f"        for: {duration(rule.for_s)}"
    yield from _mapping("labels", rule.labels)
    yield from _mapping("annotations", rule.annotations)


def _expression(expression: str) -> Iterator[str]:
    """As it would be typed: a block keeps quotes and backslashes as they are."""
    yield "        expr: |-"
    for line in expression.splitlines():
        yield f"          {line.strip()}"


def _mapping(key: str, entries: Mapping[str, str]) -> Iterator[str]:
    yield f"        {key}:"
    for name, value in entries.items():
        yield f"          {name}: {_text(value)}"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
