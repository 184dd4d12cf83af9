"""What a session ends with: by exception, worst first, never green by accident; the same with and without pytest-xdist."""

import pytest

from tests.sessions import ONLY_HEALTH, Project, Range

HEAD = '''"""Is it?"""
import os
import pytest
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, UndoFailed


'''


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories and answers, not about each check."""
    return ONLY_HEALTH


CASES = [
    pytest.param("def test_a():\n    assert True\n", 0, "GO", id="passed"),
    pytest.param("def test_a():\n    assert 1 == 2, 'red'\n", 10, "NO-GO", id="assertion"),
    pytest.param("def test_a():\n    raise MeasurementFailed('blind')\n", 11, "INCONCLUSIVE", id="could not measure"),
    pytest.param("def test_a():\n    raise KeyError('oops')\n", 11, "INCONCLUSIVE", id="harness defect"),
    pytest.param(
        "@pytest.fixture\ndef f():\n    assert False\ndef test_a(f):\n    pass\n",
        11,
        "INCONCLUSIVE",
        id="assertion in a fixture",
    ),
    pytest.param(
        "@pytest.fixture\ndef f():\n    raise ActionFailed('no')\ndef test_a(f):\n    pass\n",
        12,
        "ACTION FAILED",
        id="action",
    ),
    pytest.param(
        "@pytest.fixture\ndef f():\n    yield\n    raise UndoFailed('no')\ndef test_a(f):\n    pass\n",
        14,
        "UNDO FAILED",
        id="undo",
    ),
    pytest.param("def test_a():\n    pytest.skip('later')\n", 11, "INCONCLUSIVE", id="all skipped"),
    pytest.param(
        "def test_a():\n    assert False\ndef test_b():\n    raise KeyError\n", 10, "NO-GO", id="the worst wins"
    ),
    pytest.param(
        "@pytest.mark.advisory\ndef test_a():\n    assert False\ndef test_b():\n    assert True\n",
        0,
        "GO",
        id="advisory",
    ),
]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
@pytest.mark.parametrize(("body", "code", "word"), CASES)
def test_every_outcome_has_its_code(
    practice_range: Range, project: Project, workers: tuple[str, ...], body: str, code: int, word: str
) -> None:
    """The code, the word, and the record agree."""
    project.write("checks/test_case.py", HEAD + body)

    ended = project.run("checks/test_case.py", "--env", str(practice_range.file), *workers)

    assert ended.rc == code, ended.out
    assert ended.last_line.startswith(f"REHEARSAL {word} "), ended.last_line
    assert (ended.record["verdict"], ended.record["exit_code"]) == (word, code)


def test_a_worker_that_dies_is_no_verdict(practice_range: Range, project: Project) -> None:
    """What a crashed process would have said is not known."""
    project.write("checks/test_case.py", HEAD + "def test_a():\n    os._exit(3)\ndef test_b():\n    assert True\n")

    ended = project.run("checks/test_case.py", "--env", str(practice_range.file), "-n", "2")

    assert ended.rc == 11, ended.out


@pytest.mark.parametrize(
    "selection",
    [
        ("-k", "database"),
        ("--deselect", "checks/test_health.py::test_pam_is_healthy"),
        ("-m", "health and not load"),
        ("--ignore-glob", "checks/test_none*"),
        ("--allure-severities", "normal"),
    ],
)
def test_a_part_is_never_a_go(practice_range: Range, project: Project, selection: tuple[str, str]) -> None:
    """All green, but not the whole of anything: PARTIAL, 11."""
    ended = project.run("checks", "--env", str(practice_range.file), *selection)

    assert ended.rc == 11, ended.out
    assert "PARTIAL" in ended.out


def test_only_the_setup_is_no_verdict(practice_range: Range, project: Project) -> None:
    """Nothing was asserted, so nothing is known."""
    assert project.run("-m", "health", "--env", str(practice_range.file), "--setup-only").rc == 11
