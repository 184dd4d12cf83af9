"""A session's process ends at once when all is done: with its exit code, after whoever asked to be called, if it is pytest's own."""

import subprocess
import sys
from pathlib import Path

import pytest

from pam_rollback.session import quick_end
from tests.sessions import as_by_hand

_TEST = """
import atexit

class Last:
    def __del__(self):
        print("taken down", flush=True)

last = Last()
atexit.register(print, "asked to be called")

def test_it():
    assert {good}
"""
_OPTIONS = ("-q", "--disable-plugin-autoload", "-p", "pam_rollback.session.quick_end", "-p", "no:cacheprovider")
_BY_PYTEST = ("-m", "pytest")
_BY_A_PROGRAM = ("-c", "import sys, pytest; pytest.main(sys.argv[1:]); sys.exit(7)")


def ended(folder: Path, by: tuple[str, ...] = _BY_PYTEST, *, good: bool = True) -> tuple[int, str]:
    """Exit code and output of a session of one test."""
    (folder / "test_it.py").write_text(_TEST.format(good=good), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, *by, *_OPTIONS]
    done = subprocess.run(
        command, cwd=folder, env=as_by_hand(), capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout


def test_the_process_ends_at_once(tmp_path: Path) -> None:
    """Nothing is taken down, and what was printed is there."""
    code, out = ended(tmp_path)

    assert (code, "asked to be called" in out, "taken down" in out) == (0, True, False), out


def test_the_exit_code_stays(tmp_path: Path) -> None:
    """A session that is red ends as such."""
    assert ended(tmp_path, good=False)[0] == 1


def test_an_error_at_the_very_end_is_no_success(tmp_path: Path) -> None:
    """The session was green, and what comes after it failed."""
    (tmp_path / "conftest.py").write_text("def pytest_unconfigure():\n    raise OSError\n", encoding="utf-8")

    assert ended(tmp_path)[0] == 1


def test_a_program_that_runs_pytest_goes_on(tmp_path: Path) -> None:
    """Its exit code is its own."""
    code, out = ended(tmp_path, _BY_A_PROGRAM)

    assert (code, "taken down" in out) == (7, True), out


@pytest.mark.parametrize(
    ("program", "own"),
    [
        ("/venv/bin/pytest", True),
        ("/venv/Scripts/pytest.exe", True),
        ("/venv/lib/site-packages/pytest/__main__.py", True),
        ("-c", False),
        ("/here/run_all.py", False),
        ("/here/package/__main__.py", False),
    ],
)
def test_whose_process_it_is(program: str, *, own: bool) -> None:
    """Workers of pytest-xdist, editors and programs have others."""
    assert quick_end._is_the_command(program) == own
