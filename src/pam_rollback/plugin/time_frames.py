"""What each kind of check has said so far in each situation, and when first.

Items of the checklists ask for the former, TF-1 to TF-3 of the plan for the latter; a time frame is a finding, never a decision.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.plan.checklist import Finding
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin import markers
from pam_rollback.plugin.classification import OUTCOME
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import situation_of
from pam_rollback.report.verdict import Outcome

KINDS = {"health_checks": "health", "monitoring": "performance", "integrity": "integrity"}
"""Which kind of check judges a section of the plan."""
_NAMES_SHOWN = 3


@dataclass
class _Noted:
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """By test."""
    first_s: dict[tuple[str, str], float] = field(default_factory=dict)
    """By situation and kind, in monotonic seconds."""


_NOTED = pytest.StashKey[_Noted]()


def _noted(config: pytest.Config) -> _Noted:
    return config.stash.setdefault(_NOTED, _Noted())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Outermost: by then the report says what it means. The worst of a test's phases counts.

    For its time, that we could not measure is no verdict, and neither is an advisory finding.
    """
    report = yield
    noted = _noted(item.config)
    said = dict(report.user_properties).get(OUTCOME)
    if report.failed:
        if noted.outcomes.get(item.nodeid) is not Outcome.BROKEN_CRITERION:
            noted.outcomes[item.nodeid] = Outcome(said or Outcome.UNKNOWN.value)
    elif call.when == "call" and (report.passed or said == Outcome.KNOWN.value):
        noted.outcomes.setdefault(item.nodeid, Outcome.PASSED)
    judged = report.passed or said == Outcome.BROKEN_CRITERION.value
    if call.when == "call" and judged and not item.get_closest_marker("advisory"):
        for kind in markers.kinds_of(item):
            noted.first_s.setdefault((situation_of(item), kind), time.monotonic())
    return report


def said(session: pytest.Session, situation: str, kind: str) -> Finding:
    """What the checks of that kind said. Raises MeasurementFailed when none ran, not all of them ran, or one could not measure.

    Advisory ones do not count. With pytest-xdist another process may have run some: then nothing is known here.
    """
    noted = _noted(session.config).outcomes
    asked = [
        item.nodeid
        for item in session.items
        if kind in markers.kinds_of(item)
        and situation_of(item) == situation
        and markers.phase_of(item) == "post_rollback"  # a story's own test of that kind is not the checks after it
        and not item.get_closest_marker("advisory")
    ]
    if not asked:
        raise MeasurementFailed(f"this session has no {kind} check in the situation {situation}")
    broken = [nodeid for nodeid in asked if noted.get(nodeid, Outcome.PASSED) is Outcome.BROKEN_CRITERION]
    if broken:
        return Finding(done=False, words=f"{len(broken)} of {len(asked)} {kind} checks are red: {_names(broken)}")
    unknown = [nodeid for nodeid in asked if noted.get(nodeid) is not Outcome.PASSED]
    if unknown:
        raise MeasurementFailed(f"{len(unknown)} of {len(asked)} {kind} checks said nothing: {_names(unknown)}")
    return Finding(done=True, words=f"all {len(asked)} {kind} checks of this session passed")


def _names(nodeids: list[str]) -> str:
    names = [nodeid.rpartition("::")[2].partition("[")[0] for nodeid in nodeids]
    shown = list(dict.fromkeys(names))
    more = f" and {len(shown) - _NAMES_SHOWN} more" if len(shown) > _NAMES_SHOWN else ""
    return ", ".join(shown[:_NAMES_SHOWN]) + more


def first_verdict_s(config: pytest.Config, situation: str, kind: str) -> float | None:
    """The moment, in monotonic seconds, of the first check of that kind that passed or found a criterion broken."""
    return _noted(config).first_s.get((situation, kind))


@dataclass(frozen=True, repr=False)
class FirstVerdict(Fact):
    """When the first verdict of a section came, in seconds from ``since``. ``due_until_s`` may be reached."""

    section: str
    came_s: float
    due_until_s: float
    since: str
    due_from_s: float = 0.0
    """From when on the plan waits for it; sooner is no fault."""

    @property
    def measured(self) -> Measured:
        """When it came."""
        asked = f"{self.due_from_s:g} to {self.due_until_s:g} s"
        how = "in time" if self.came_s <= self.due_until_s else "late"
        return Measured(
            what=f"first verdict, {self.section}",
            asked=asked,
            value=round(self.came_s, 1),
            unit="s",
            n=1,
            margin=self.due_until_s - self.came_s,
            definition=f"from {self.since}",
            sentence=f"first verdict, {self.section}: {how}, {self.came_s:.1f} s from {self.since} (the plan: {asked})",
        )


@pytest.fixture
def first_verdict(
    request: pytest.FixtureRequest, situation: str, in_situation: Any, plan: Plan, runbook: Runbook
) -> FirstVerdict:
    """The first verdict of the section that the test's own criterion is about (TF-1 to TF-3).

    Counted from the end of this situation's rollback; without one, from the session's start, which it says. Raises MeasurementFailed when
    no check of that section has given a verdict.
    """
    marker = request.node.get_closest_marker("criterion")
    frame = plan.time_frames[marker.args[0]]
    kind = KINDS[frame.section]
    came_s = first_verdict_s(request.config, situation, kind)
    if came_s is None:
        raise MeasurementFailed(
            f"no {kind} check has given a verdict in the situation {situation}: nothing can have been late"
        )
    ended_s: float | None = getattr(in_situation, "finished_s", None)
    return FirstVerdict(
        section=frame.title.lower(),
        came_s=came_s - (runbook.started_s if ended_s is None else ended_s),
        due_until_s=frame.until_s,
        due_from_s=frame.from_s,
        since="the session's start (no rollback was done in it)" if ended_s is None else "the end of the rollback",
    )
