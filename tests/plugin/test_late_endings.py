"""What happens to a session while it ends: a late stop, a worker that dies, whoever fails. The verdict is told all the same."""

import pytest

from tests.plugin.drilling import CONSENT, as_staging, calm, journal, switched_on
from tests.sessions import ONLY_HEALTH, Finished, Project, RunningSandbox

TWO = '"""Is it?"""\n\n\ndef test_a():\n    """It is."""\n\n\ndef test_b():\n    """It is."""\n'
HOOK = """
import os
import signal

import pytest


@pytest.hookimpl(tryfirst=True)
def {hook}({argument}):
    if {where}:
        os.kill(os.getpid(), signal.{number})
"""
IN_WORKER = "'PYTEST_XDIST_WORKER' in os.environ"
LATE = "a stop ({}) came when everything had run: it cut nothing, and the verdict stands"
ENDS = """
import sys

import pytest

from pam_rollback.core.errors import MeasurementFailed


def {hook}({argument}):
    {statement}
"""
UNDOES = """
import os
import signal

import pytest

from pam_rollback.core.errors import UndoFailed


@pytest.fixture(scope="session", autouse=True)
def undone():
    yield
    raise UndoFailed("the flags are still off")


def pytest_runtest_teardown(item):
    if item.name.startswith("test_a"):
        os.kill(os.getpid(), signal.SIGTERM)
"""
CLEARS_AWAY = """

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item, nextitem):
    from pam_rollback.plugin import runbook

    if nextitem is None:
        runbook.of(item.config).journal.path.unlink()
"""
AFTERWARDS = """

def pytest_pam_run_ended():
    return "after the verdict"
"""
DROPPED = """

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    del items[1:]
"""


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about endings, not about each check."""
    return ONLY_HEALTH


def ended(project: Project, running_sandbox: RunningSandbox, hooks: str, *args: str) -> Finished:
    """A session of two tests that pass, with these hooks."""
    project.write("checks/test_case.py", TWO)
    project.write("checks/conftest.py", hooks)
    return project.run("checks/test_case.py", "--env", str(running_sandbox.file), *args)


@pytest.mark.long_matrix
@pytest.mark.parametrize(
    ("hook", "argument", "number"),
    [
        ("pytest_sessionfinish", "session", "SIGINT"),
        ("pytest_pam_incomplete", "config", "SIGTERM"),
        ("pytest_pam_notes", "runbook", "SIGTERM"),
    ],
)
def test_a_stop_that_cuts_nothing_leaves_the_verdict(
    running_sandbox: RunningSandbox, project: Project, hook: str, argument: str, number: str
) -> None:
    """It says so, and not that something had not run."""
    late = ended(project, running_sandbox, HOOK.format(hook=hook, argument=argument, where="True", number=number))

    assert (late.rc, late.record["verdict"], late.record["reasons"]) == (0, "GO", []), late.out
    assert "before everything had run" not in late.out
    assert LATE.format(number) in " ".join(late.out.split())


def test_a_stop_in_the_last_teardown_is_no_go(running_sandbox: RunningSandbox, project: Project) -> None:
    """What was to be put away is not known to be."""
    where = "item.name.startswith('test_b')"
    hooks = HOOK.format(hook="pytest_runtest_teardown", argument="item", where=where, number="SIGTERM")
    stopped = ended(project, running_sandbox, hooks)

    assert (stopped.rc, stopped.record["verdict"]) == (2, "INCONCLUSIVE"), stopped.out
    assert stopped.record["reasons"] == ["stopped by SIGTERM before everything had run"]


@pytest.mark.parametrize("dropped", ["", DROPPED], ids=["whole", "dropped"])
def test_a_worker_that_dies_in_its_ending_is_no_go(
    running_sandbox: RunningSandbox, project: Project, dropped: str
) -> None:
    """Each of its tests was heard of; what it left out, and what it still had to put away, nobody knows."""
    hooks = HOOK.format(hook="pytest_sessionfinish", argument="session", where=IN_WORKER, number="SIGKILL") + dropped
    lost = ended(project, running_sandbox, hooks, "-n", "1", "--max-worker-restart=0")

    assert (lost.rc, lost.record["verdict"]) == (11, "INCONCLUSIVE"), lost.out
    assert "PARTIAL: worker gw0 died before it had ended (Not properly terminated)" in " ".join(lost.out.split())


def test_a_worker_that_is_stopped_in_its_ending_has_told_all(running_sandbox: RunningSandbox, project: Project) -> None:
    """Nothing is missing then."""
    hooks = HOOK.format(hook="pytest_sessionfinish", argument="session", where=IN_WORKER, number="SIGTERM")
    late = ended(project, running_sandbox, hooks, "-n", "1", "--max-worker-restart=0")

    assert (late.rc, late.record["verdict"], late.record["reasons"]) == (0, "GO", []), late.out
    assert LATE.format("SIGTERM") in " ".join(late.out.split())


@pytest.mark.parametrize("stopped", [True, False])
def test_whoever_stops_a_real_run_late_hears_what_was_left_out(
    running_sandbox: RunningSandbox, project: Project, *, stopped: bool
) -> None:
    """What follows its verdict keeps nobody waiting: that is not silently so."""
    hooks = HOOK.format(hook="pytest_sessionfinish", argument="session", where=str(stopped), number="SIGTERM")
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(hooks + AFTERWARDS)
    as_staging(running_sandbox, project)
    real = project.run("drills/test_feature_flag.py", "--env=staging.toml", *CONSENT, "-k", "test_flags_are_off")

    left_out = "stopped by SIGTERM: what follows the verdict of a real run was left out"
    assert real.rc == 11, real.out
    assert (left_out in real.out, "after the verdict" in real.out) == (stopped, not stopped), real.out


@pytest.mark.long_matrix(first=2)
@pytest.mark.parametrize("workers", [(), ("-n", "1", "--max-worker-restart=0")], ids=["serial", "xdist"])
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("raise RuntimeError('a reporter is gone')", "RuntimeError: a reporter is gone"),
        ("pytest.exit('over', returncode=0)", "Exit: over"),
        ("sys.exit(0)", "SystemExit: 0"),
    ],
    ids=["fails", "exits", "leaves"],
)
def test_whoever_fails_at_the_end_keeps_no_verdict_from_being_told(
    running_sandbox: RunningSandbox, project: Project, statement: str, said: str, workers: tuple[str, ...]
) -> None:
    """And makes none a GO, whatever code it wanted to end with."""
    hooks = ENDS.format(hook="pytest_sessionfinish", argument="session", statement=statement)
    failed = ended(project, running_sandbox, hooks, *workers)

    assert (failed.rc, failed.record["verdict"]) == (11, "INCONCLUSIVE"), failed.out
    assert f"the end of the session failed: {said}" in failed.record["reasons"]


@pytest.mark.parametrize("workers", [(), ("-n", "1", "--max-worker-restart=0")], ids=["serial", "xdist"])
def test_an_undo_that_fails_after_a_stop_is_told(
    running_sandbox: RunningSandbox, project: Project, workers: tuple[str, ...]
) -> None:
    """What a session set up is put away at its very end then."""
    failed = ended(project, running_sandbox, UNDOES, *workers)

    assert (failed.rc, failed.record["verdict"]) == (14, "UNDO FAILED"), failed.out
    assert "the end of the session failed: the flags are still off" in failed.record["reasons"]


@pytest.mark.nightly  # the rule: tests/rollback/test_journal.py
def test_a_journal_that_is_taken_away_is_undone_all_the_same(running_sandbox: RunningSandbox, project: Project) -> None:
    """By the session that wrote it: all is as before, and its record has what was done."""
    calm(project)
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(CLEARS_AWAY)
    drill = project.run("drills/test_feature_flag.py", "--env", str(running_sandbox.file))

    assert drill.rc == 0, drill.out
    assert switched_on(running_sandbox)
    assert running_sandbox.remote.faults() == []
    events = [entry["event"] for entry in journal(drill.folder)]
    assert events.count("undo-owed") == events.count("undo-done") > 0
    assert "was taken away, or changed, while it was written" in " ".join(drill.out.split())
