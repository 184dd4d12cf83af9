"""What a session ends with: by exception, worst first, never green by accident; the same with and without pytest-xdist.

What each exception means, and which ending is the worst: tests/report/test_verdict.py. What only advises, and how each view shows what is
not good: test_projections.py. Selections that are a part of something: test_pytest_options.py.
"""

import re
from xml.etree import ElementTree as ET

import pytest

from tests.sessions import ONLY_HEALTH, SCREEN, Finished, Project, RunningSandbox

HEAD = '''"""Is it?"""
import os
import pytest
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, UndoFailed


'''
DIES = "\ndef test_dies():\n    os._exit(3)\n"
EVERYTHING = """
def test_passed():
    assert True

def test_broken():
    assert 1 == 2, "red"

def test_blind():
    raise MeasurementFailed("blind")

def test_defect():
    raise KeyError("oops")

@pytest.fixture
def asserts():
    assert False

def test_fixture(asserts):
    pass

@pytest.fixture
def acts():
    raise ActionFailed("no")

def test_action(acts):
    pass

@pytest.fixture
def undoes():
    yield
    raise UndoFailed("no")

def test_undo(undoes):
    pass

def test_skipped():
    pytest.skip("later")

def test_leaves():
    os._exit(256)  # 0 for whoever asks
"""
OUTCOMES = {
    "test_passed": "passed",
    "test_broken": "broken criterion",
    "test_blind": "could not measure",
    "test_defect": "could not measure",
    "test_fixture": "could not measure",
    "test_action": "action failed",
    "test_undo": "undo failed",
    "test_skipped": "not run",
    "test_leaves": "could not measure",
}


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about answers, not about each check."""
    return ONLY_HEALTH


@pytest.mark.parametrize("workers", [(), ("-n", "1", "--max-worker-restart=0")], ids=["serial", "xdist"])
def test_every_outcome_is_told_and_the_worst_decides(
    running_sandbox: RunningSandbox, project: Project, workers: tuple[str, ...]
) -> None:
    """The code, the word, and the record agree, wherever the tests ran. What a process that died would have said is not known."""
    dies = {"test_dies": "could not measure"} if workers else {}
    project.write("checks/test_case.py", HEAD + EVERYTHING + (DIES if workers else ""))

    ended = project.run("checks/test_case.py", "--env", str(running_sandbox.file), *workers)

    assert ended.outcomes() == {**OUTCOMES, **dies}, ended.out
    assert "os._exit(256) was called" in ended.out
    assert_ended_with(ended, 14, "UNDO FAILED")


ENOUGH = """
def test_a():
    assert 0, "broken"

@pytest.mark.parametrize("number", range(20))
def test_b(number):
    time.sleep(0.05)
"""


@pytest.mark.parametrize(
    "options",
    [("--maxfail=1",), ("--maxfail=1", "-n", "1"), ("-pcacheprovider", "-pstepwise", "--stepwise")],
    ids=["serial", "xdist", "stepwise"],
)
def test_whoever_asks_for_the_first_failure_only_gets_its_verdict(
    running_sandbox: RunningSandbox, project: Project, options: tuple[str, ...]
) -> None:
    """Pytest ends some such sessions as Ctrl-C does: that is no reason to call what is broken not known."""
    project.write("checks/test_case.py", HEAD + "import time\n" + ENOUGH)

    ended = project.run("checks/test_case.py", "--env", str(running_sandbox.file), *options)

    assert_ended_with(ended, 10, "NO-GO")
    assert "not run" in set(ended.outcomes().values())
    assert "interrupted" not in str(ended.record["reasons"])


def assert_ended_with(ended: Finished, code: int, word: str) -> None:
    """The code, the last line and the record say the same."""
    assert ended.rc == code, ended.out
    assert ended.last_line.startswith(f"REHEARSAL {word} "), ended.last_line
    assert (ended.record["verdict"], ended.record["exit_code"]) == (word, code)


def junit_of(ended: Finished) -> ET.Element:
    """What the session's JUnit file says."""
    return ET.parse(ended.folder / "junit.xml").getroot()  # noqa: S314 - our own file


STOPPED = """
import signal

@pytest.fixture
def window():
    yield
    raise MeasurementFailed("the browser is gone")

def test_in_its_middle(window):
    os.kill(os.getpid(), signal.SIGINT)
    raise SAID

def test_never_reached():
    pass
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ('AssertionError("the page says: closed")', ", and said: the page says: closed"),
        ('MeasurementFailed("no answer")', ""),
        ('UndoFailed("no")', None),
    ],
)
def test_what_a_stop_breaks_is_no_finding(
    running_sandbox: RunningSandbox, project: Project, error: str, said: str | None
) -> None:
    """Ctrl-C on a terminal reaches the browsers, too: the test that ran is not judged, and nothing is called red or unknown for it.

    What could not be put back stays what it is.
    """
    project.write("checks/test_case.py", HEAD + STOPPED.replace("SAID", error))
    ended = project.run(SCREEN, "checks/test_case.py", "--env", str(running_sandbox.file))
    first, last = ended.record["results"]
    suite = junit_of(ended)[0]

    assert last["outcome"] == "not run"
    if said is not None:
        assert ended.rc == 2, ended.out
        assert first["outcome"] == "not run"
        assert first["message"] == f"stopped by SIGINT while it ran{said}"
        assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
        assert not re.search(r"BROKEN|UNKNOWN|could not", ended.out), ended.out
        assert "stopped by SIGINT before everything had run" in " ".join(ended.out.split())
    else:
        assert first["outcome"] == "undo failed"
