"""Notes what each kind of check has said so far in each situation, for the items of the checklists that ask for it."""

from collections.abc import Generator
from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.plan.checklist import Finding
from pam_rollback.report.verdict import Outcome
from pam_rollback.session import markers
from pam_rollback.session.classification import OUTCOME
from pam_rollback.session.situations import situation_of

_NOTED = pytest.StashKey[dict[str, Outcome]]()
_NAMES_SHOWN = 3


def said(session: pytest.Session, situation: str, kind: str) -> Finding:
    """What the checks of that kind said. Raises MeasurementFailed when none ran, not all of them ran, or one could not measure.

    Advisory ones do not count. With pytest-xdist another process may have run some: then nothing is known here.
    """
    noted = session.config.stash.setdefault(_NOTED, {})
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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Outermost: by then the report says what it means. The worst of a test's phases counts."""
    report = yield
    noted = item.config.stash.setdefault(_NOTED, {})
    if report.failed:
        outcome = Outcome(dict(report.user_properties).get(OUTCOME, Outcome.UNKNOWN.value))
        if noted.get(item.nodeid) is not Outcome.BROKEN_CRITERION:
            noted[item.nodeid] = outcome
    elif call.when == "call" and (report.passed or dict(report.user_properties).get(OUTCOME) == Outcome.KNOWN.value):
        noted.setdefault(item.nodeid, Outcome.PASSED)
    return report


def _names(nodeids: list[str]) -> str:
    names = [nodeid.rpartition("::")[2].partition("[")[0] for nodeid in nodeids]
    shown = list(dict.fromkeys(names))
    more = f" and {len(shown) - _NAMES_SHOWN} more" if len(shown) > _NAMES_SHOWN else ""
    return ", ".join(shown[:_NAMES_SHOWN]) + more
