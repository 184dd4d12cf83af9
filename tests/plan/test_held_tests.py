"""What a file of the runbook holds, read without pytest."""

import subprocess
import sys
from pathlib import Path

import pytest

from pam_rollback.plan.held_tests import HeldTest, held_tests
from pam_rollback.plugin.completeness import shared_tests
from pam_rollback.plugin.markers import waits_to_be_named

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''"""Is it?"""
import pytest

pytestmark = [pytest.mark.post_rollback, pytest.mark.health]
TEXT = """
def test_in_a_text():
"""

@pytest.mark.criterion("HC-1")
@pytest.fixture
def test_a(): ...

def helper(): ...

class TestGroup:
    @pytest.mark.advisory
    def test_b(self): ...
    def other(self): ...
'''


def test_tests_and_their_markers_are_read_from_the_text() -> None:
    """Those of functions and classes, with the module's own markers; nothing else is a test."""
    module = {"post_rollback", "health"}

    assert held_tests(SOURCE) == (
        HeldTest("test_a", frozenset({*module, "criterion"}), frozenset({"HC-1"})),
        HeldTest("test_b", frozenset({*module, "advisory"})),
    )


@pytest.mark.parametrize(
    ("line", "marks"),
    [("pytestmark = pytest.mark.health", {"health"}), ("pytestmark = SOME", set()), ("x = 1", set())],
)
def test_a_module_may_have_one_marker_or_none(line: str, marks: set[str]) -> None:
    """What is not written out is not known here."""
    assert held_tests(f"{line}\ndef test_a(): ...\n") == (HeldTest("test_a", frozenset(marks)),)


def test_tests_that_are_taken_over_are_its_own() -> None:
    """Those that are named, under the markers of the module that takes them; of another module nothing is known here."""
    shared = {"objectives": SOURCE}
    taken = held_tests(
        "from objectives import test_a, test_b\npytestmark = pytest.mark.rollback\ndef test_z(): ...\n", shared
    )

    assert taken == (
        HeldTest("test_a", frozenset({"rollback", "criterion"}), frozenset({"HC-1"}), "objectives"),
        HeldTest("test_b", frozenset({"rollback", "advisory"}), module="objectives"),
        HeldTest("test_z", frozenset({"rollback"})),
    )
    assert held_tests("from objectives import other\nfrom others import test_a\n", shared) == ()


def test_it_is_what_pytest_finds() -> None:
    """Two ways of counting the committed files give the same tests."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "checks", "drills", "load"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()
    found = {line.partition("[")[0] for line in listed if "::" in line and ".py" in line}
    files = [path for folder in ("checks", "drills", "load") for path in (ROOT / folder).rglob("test_*.py")]
    read = {
        f"{path.relative_to(ROOT).as_posix()}::{test.name}"
        for path, text in ((path, path.read_text(encoding="utf-8")) for path in files)
        for test in held_tests(text, shared_tests(text, ROOT))
        if not waits_to_be_named(test.marks, "")
    }

    assert len(read) > 100
    assert found - read == set()
    assert read - found == {
        "checks/test_deployed.py::test_no_worker_was_left_behind",
        "checks/test_data_loss.py::test_the_account_is_shown_what_it_had",
    }, "the sandbox has no worker; a drill writes as the account whose contents it would compare"


def test_a_test_is_kept_from_running_by_one_of_its_name_below_it() -> None:
    """In the same module or class: elsewhere it is another one, and a story's own takes the place of a shared one."""
    own = "def test_a(): ...\nclass TestIt:\n    def test_a(self): ...\n    def test_b(self): ...\ndef test_b(): ...\n"
    twice = "def test_a(): ...\ndef test_b(): ...\ndef test_a(): ...\n"
    taken = "from shared import test_a\ndef test_a(): ...\n"

    assert [one.shadowed for one in held_tests(twice)] == [True, False, False]
    assert not any(one.shadowed for one in (*held_tests(own), *held_tests(taken, {"shared": "def test_a(): ...\n"})))
