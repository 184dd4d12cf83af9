"""Rows that are lost break invariants: the loss is told first, and what it breaks after it."""

import shutil

import pytest

from tests.sessions import ROOT, Project, RunningSandbox, store_baseline


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """What is about the data."""
    return ("test_data_loss.py", "test_decision.py")


def test_a_loss_is_told_before_what_it_breaks(running_sandbox: RunningSandbox, project: Project) -> None:
    """Answers are deleted, so questions stand unanswered: after a rollback and in the words of a decision."""
    shutil.copytree(ROOT / "checks" / "integrity", project.folder / "checks" / "integrity", dirs_exist_ok=True)
    (project.folder / "baseline").mkdir()
    baseline = store_baseline(running_sandbox, project.folder / "baseline")
    running_sandbox.remote.plant("data", what="answers-deleted")
    try:
        after = project.run(
            "-m", "integrity and post_rollback", f"--env={running_sandbox.file}", f"--baseline={baseline}"
        )
        decided = project.run("-m", "decision", "--pace=150", f"--env={running_sandbox.file}", f"--baseline={baseline}")
    finally:
        running_sandbox.remote.clear_all()

    assert after.outcomes()["test_no_row_is_lost"] == "broken criterion"
    assert after.outcomes()["test_messages_unanswered"] == "broken criterion"
    assert 0 < after.out.find("test_no_row_is_lost") < after.out.find("test_messages_unanswered"), after.out
    problems = after.out.partition("Problems")[2]
    assert 0 < problems.find("test_no_row_is_lost") < problems.find("test_messages_unanswered"), problems
    [data] = [one for one in decided.record["decision"]["criteria"] if one["id"] == "IR-3"]
    assert 0 < data["words"].find("rows lost") < data["words"].find("damaged rows by"), data["words"]
