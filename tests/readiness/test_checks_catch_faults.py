"""Each check of readiness is seen red: a team that is ready is GO, and under all rows at once each check is red with its words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pam_rollback.ops.readiness.answers import ANSWERS
from tests.fault_rows.readiness import BY_A_PERSON, TOGETHER, ReadinessRow
from tests.readiness.scene import changed_by, team
from tests.sessions import RunningSandbox
from tests.summary import ROW
from tests.test_checks_catch_faults import judge

ITEMS = ("PM-2", "PM-3", "PM-4")
VOUCHED = [f"--ack={item}=kim: by the ramp" for item in ITEMS]
QUESTIONS = {f"test_question_has_no_gap[{item}]" for item in ANSWERS}
CHECKS = QUESTIONS | {f"{BY_A_PERSON}[{item}]" for item in ITEMS}


def test_a_team_that_is_ready_is_go(running_sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Every check of readiness is asked, and holds."""
    project, file = team(changed_by([]), tmp_path, running_sandbox)
    ready = project.run("-m", "readiness", f"--env={file}", *VOUCHED)

    assert ready.outcomes_by_case() == dict.fromkeys(CHECKS, "passed"), ready.out
    assert ready.rc == 0, ready.out


def test_each_check_of_readiness_is_turned_red(
    running_sandbox: RunningSandbox, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """By its row, with its words: the rows do not meet, so one session shows them all. Each question has a row."""
    assert {name for row in TOGETHER for name in row.red} == QUESTIONS
    for row in TOGETHER:
        record_property(ROW, row.id)
    project, file = team(changed_by(TOGETHER), tmp_path, running_sandbox)
    found = project.run("-m", "readiness", f"--env={file}", *VOUCHED)

    judge(TOGETHER, found, CHECKS, rehearsal=False)


@pytest.mark.nightly
@pytest.mark.parametrize("row", TOGETHER, ids=[row.id for row in TOGETHER])
def test_each_row_alone_turns_its_checks_and_no_others(
    row: ReadinessRow, running_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """Every other check stays green."""
    project, file = team(changed_by([row]), tmp_path, running_sandbox)
    found = project.run("-m", "readiness", f"--env={file}", *VOUCHED)

    judge([row], found, CHECKS, rehearsal=False)
