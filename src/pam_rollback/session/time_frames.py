"""Did the first verdict come in the time that the plan gives it?  Plan items TF-1 to TF-3; a finding, never a decision."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest

from pam_rollback.base.figures import Figures, Sentence
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


@dataclass(frozen=True, repr=False)
class FirstVerdict(Sentence):
    """When the first verdict of a section came, in seconds from ``since``. ``due_until_s`` may be reached."""

    section: str
    came_s: float
    due_until_s: float
    since: str
    due_from_s: float = 0.0
    """From when on the plan waits for it; sooner is no fault."""

    @property
    def in_time(self) -> bool:
        """It did not come late. Early is no fault."""
        return self.came_s <= self.due_until_s

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what=f"first verdict, {self.section}",
            asked=f"{self.due_from_s:g} to {self.due_until_s:g} s",
            measured=round(self.came_s, 1),
            unit="s",
            n=1,
            margin=self.due_until_s - self.came_s,
            definition=f"from {self.since}",
        )

    def __str__(self) -> str:
        how = "in time" if self.in_time else "late"
        asked = f"the plan: {self.due_from_s:g} to {self.due_until_s:g} s"
        return f"first verdict, {self.section}: {how}, {self.came_s:.1f} s from {self.since} ({asked})"
