"""What a session ends with: by exception, worst first, never green by accident; the same with and without pytest-xdist.

What each exception means, and which ending is the worst: tests/report/test_verdict.py.
"""

import json
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
ADVISORY = """
@pytest.mark.advisory
def test_a():
    assert False

def test_b():
    assert True
"""


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


def test_nothing_that_ran_is_no_go(running_sandbox: RunningSandbox, project: Project) -> None:
    """All of it was skipped."""
    project.write("checks/test_case.py", HEAD + "def test_a():\n    pytest.skip('later')\n")

    assert_ended_with(project.run("checks/test_case.py", "--env", str(running_sandbox.file)), 11, "INCONCLUSIVE")


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


def test_what_only_advises_decides_nothing_and_is_nowhere_shown_as_failed(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """Skipped with its reason in JUnit, in Allure and on the terminal; the record says what was found. An undo that failed stays red."""
    project.write("checks/test_case.py", HEAD + ADVISORY)
    ended = project.run("checks/test_case.py", "--env", str(running_sandbox.file))
    suite = junit_of(ended)[0]
    [skipped] = suite.iter("skipped")
    shown = [json.loads(path.read_text()) for path in (ended.folder / "allure-results").glob("*-result.json")]

    assert_ended_with(ended, 0, "GO")
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", "1")
    assert str(skipped.get("message")).startswith("advisory: "), skipped.get("message")
    assert sorted(result["status"] for result in shown) == ["passed", "skipped"]
    assert "failed" not in ended.out, ended.out
    assert ended.outcomes() == {"test_a": "broken criterion", "test_b": "passed"}


def test_an_undo_that_failed_is_shown_as_failed_by_whichever_test(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """Also by one that only advises: it may be the last one that used what was to be put back."""
    advisory = EVERYTHING.replace("def test_undo", "@pytest.mark.advisory\ndef test_undo")
    project.write("checks/test_case.py", HEAD + advisory)
    ended = project.run("checks/test_case.py", "--env", str(running_sandbox.file))
    cases = {case.get("name"): case for case in junit_of(ended).iter("testcase")}

    assert ended.rc == 14, ended.out
    assert cases["test_undo[as-is]"].find("error") is not None


def test_a_part_is_never_a_go(running_sandbox: RunningSandbox, project: Project) -> None:
    """All green, but not the whole of anything: PARTIAL, 11, with each reason. Each option alone: test_pytest_options.py."""
    selection = (
        "-m",
        "health and not load",
        "-k",
        "healthy",
        "--deselect",
        "checks/test_health.py::test_pam_is_healthy",
    )

    ended = project.run("checks", "--env", str(running_sandbox.file), *selection)

    assert ended.rc == 11, ended.out
    said = " ".join(ended.out.split())
    for reason in ("-k healthy", "--deselect", "-m 'health and not load' is not a whole phase or kind"):
        assert f"PARTIAL: {reason}" in said, ended.out
