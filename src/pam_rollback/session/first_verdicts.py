"""Notes when each kind of check gave its first verdict in each situation, for the plan's time frames."""

import time
from collections.abc import Generator
from typing import Any

import pytest

from pam_rollback.report.verdict import Outcome
from pam_rollback.session import markers
from pam_rollback.session.classification import OUTCOME
from pam_rollback.session.situations import situation_of

KINDS = {"health_checks": "health", "monitoring": "performance", "integrity": "integrity"}
"""Which kind of check judges a section of the plan."""

_NOTED = pytest.StashKey[dict[tuple[str, str], float]]()


def first_verdict_s(config: pytest.Config, situation: str, kind: str) -> float | None:
    """The moment, in monotonic seconds, of the first check of that kind that passed or found a criterion broken."""
    return config.stash.setdefault(_NOTED, {}).get((situation, kind))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Outermost: by then the report says what it means. That we could not measure is no verdict, and neither is an advisory finding."""
    report = yield
    if call.when != "call" or item.get_closest_marker("advisory"):
        return report
    outcome = dict(report.user_properties).get(OUTCOME)
    if report.passed or outcome == Outcome.BROKEN_CRITERION.value:
        noted = item.config.stash.setdefault(_NOTED, {})
        for kind in markers.kinds_of(item):
            noted.setdefault((situation_of(item), kind), time.monotonic())
    return report
