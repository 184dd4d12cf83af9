"""A file in which ``-m`` can select nothing is not read; one that could hold a selected test always is."""

import re
from pathlib import Path

import pytest

from tests.sessions import Project, runbook_in

MARKED = "import pytest\nMARKS = [pytest.mark.post_rollback, pytest.mark.health]\npytestmark = MARKS\n\ndef test_own() -> None: ...\n"
BROKEN = """import pytest
from pam_rollback.nowhere import x
pytestmark = [pytest.mark.post_rollback, pytest.mark.window]

def test_broken() -> None: ...
"""


@pytest.fixture
def runbook(tmp_path: Path) -> Project:
    """All of it."""
    return runbook_in(tmp_path)


def listed(project: Project, *arguments: str) -> tuple[str, int]:
    """What a session lists, and how many tests it left out."""
    done = project.run("--collect-only", "-q", *arguments)
    assert done.rc == 0, done.out
    counted = re.search(r"\((\d+) deselected\)", done.out)
    return done.out, int(counted[1]) if counted else 0


def test_files_of_other_markers_are_not_read(runbook: Project) -> None:
    """Also one that cannot be imported. A selection that could be true of it reads it."""
    runbook.write("checks/test_broken.py", BROKEN)

    out, left_out = listed(runbook, "-m", "health")
    other = runbook.run("--collect-only", "-q", "-m", "post_rollback and not health")

    assert "checks/test_health.py::test_back_end_is_healthy" in out
    assert left_out < 20
    assert other.rc != 0
    assert "test_broken.py" in other.out


def test_a_marker_in_a_name_is_seen(runbook: Project) -> None:
    """Wherever in the file it is written."""
    runbook.write("checks/test_own.py", MARKED)

    assert "test_own.py::test_own" in listed(runbook, "-m", "health")[0]


def test_a_file_that_is_named_is_read(runbook: Project) -> None:
    """And then selects nothing, as ever."""
    ended = runbook.run("-m", "health", "--env=environments/examples/staging.toml", "checks/test_breakers.py")

    assert ended.rc == 5, ended.out
    assert "selected no test" in ended.out
