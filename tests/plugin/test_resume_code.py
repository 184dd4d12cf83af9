"""Whole sessions that roll code back and are killed with kill -9: --resume finishes them, --undo returns to the state before.

Of the matrices of test_resume.py: a run that was killed is finished and put back in the same way, whatever it rolls back.
"""

from collections.abc import Iterator

import pytest

from tests.plugin.beginning import Begin, begin
from tests.plugin.drilling import journal
from tests.plugin.test_resume import RESUMED, SELECTED, UNDONE, killed_run, named
from tests.rollback.strategies.titles import BACK, backend, frontend
from tests.sessions import FLAGS, ONLY_HEALTH, Project, RunningSandbox

__all__ = ["begin"]

CASES = [
    (
        "drills/test_backend_provider.py",
        f"step-done {backend.DEPLOY}",
        {"test_the_target_answers", "test_the_next_push_does_not_deploy"},
    ),
    (
        "drills/test_frontend_restore.py",
        f"step-done {frontend.RESTORE}",
        {"test_visitors_get_the_target", "test_nothing_is_published_over_it"},
    ),
    (
        "drills/test_full_system.py",
        "undo-owed run-deploy",
        {"test_visitors_get_the_stable_site", "test_the_stable_service_answers", "test_all_features_are_off"},
    ),
    (
        "drills/test_full_system.py",
        f"step-done {BACK + backend.DEPLOY}",
        {"test_visitors_get_the_stable_site", "test_the_stable_service_answers", "test_all_features_are_off"},
    ),
]


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories."""
    return ONLY_HEALTH


@pytest.fixture(autouse=True)
def as_at_the_start(shared_range: RunningSandbox) -> Iterator[None]:
    """The hosts, too."""
    shared_range.remote.reset()
    yield
    shared_range.remote.reset()
    shared_range.as_it_was()


@pytest.mark.long_matrix(RESUMED)
@pytest.mark.parametrize(("story", "at", "expected"), CASES, ids=[f"{named(case[0])}-{case[1]}" for case in CASES])
def test_a_rollback_of_code_is_finished(
    running_sandbox: RunningSandbox, project: Project, story: str, at: str, expected: set[str]
) -> None:
    """The same target, what is owed is how it was before the first session, and only what nobody watched is not known."""
    folder = killed_run(project, running_sandbox, story, at)
    before = journal(folder)

    resumed = project.run(story, *SELECTED, "--env", str(running_sandbox.file), "--resume", str(folder))

    lines, outcomes = journal(folder), resumed.outcomes()
    assert resumed.rc == 11, resumed.out
    assert lines[: len(before)] == before
    assert [line for line in lines if line["event"] == "target"] == [
        line for line in before if line["event"] == "target"
    ]
    assert {name for name in expected if outcomes[name] != "passed"} == set(), resumed.out
    assert "broken criterion" not in outcomes.values(), resumed.out
    assert outcomes["test_users_recover_in_time"] == "could not measure", resumed.out
    owed = [(line["kind"], line["place"]) for line in lines if line["event"] == "undo-owed"]
    assert len(set(owed)) == len(owed), "what is owed is owed once"
    assert running_sandbox.remote.identity()["live"] == "candidate"
    assert running_sandbox.remote.faults() == []


@pytest.mark.long_matrix(UNDONE)
@pytest.mark.parametrize(("story", "at"), [case[:2] for case in CASES], ids=named)
def test_a_rollback_of_code_is_undone(
    running_sandbox: RunningSandbox, project: Project, begin: Begin, story: str, at: str
) -> None:
    """The candidate is live again on both sites, the features are on, and nothing is planted."""
    folder = killed_run(project, running_sandbox, story, at)

    undone = begin(project.folder, "--undo", str(folder), "--env", str(running_sandbox.file))

    assert undone.rc == 0, undone.said
    assert running_sandbox.remote.identity()["live"] == "candidate"
    assert running_sandbox.remote.faults() == []
    flags = running_sandbox.flags.read_flags()
    assert all(flags[name].enabled for name in FLAGS)
    events = [line["event"] for line in journal(folder)]
    assert events.count("undo-owed") == events.count("undo-done")
