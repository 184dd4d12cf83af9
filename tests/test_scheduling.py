"""What a worker takes next: the longest first, with room for what measures."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import scheduling
from tests.scheduling import BROWSERS, LOAD, LONG, MEASURING, SPREAD, at_once, next_unit, rank, weight
from tests.selection import ROOT

SESSIONS, WAITS = "tests/gate/test_stages.py", "tests/rollback/client/test_git.py"


def test_what_takes_longest_begins_first() -> None:
    """Measured sessions, those that are known to take long, then files by their number of tests."""
    units = [("tests/a.py", 3), (SESSIONS, 2), ("tests/b.py", 8), (LONG[0], 1)]

    assert [unit for unit, tests in sorted(units, key=lambda one: rank(*one))] == [
        SESSIONS,
        LONG[0],
        "tests/b.py",
        "tests/a.py",
    ]


def test_what_measures_keeps_room() -> None:
    """So many at once and no more; a further worker takes what waits, or nothing."""
    assert next_unit([(SESSIONS, 2), (WAITS, 9)], at_once(2) - 1, cores=2) == SESSIONS
    assert next_unit([(SESSIONS, 2), (WAITS, 9)], at_once(2), cores=2) == WAITS
    assert next_unit([(SESSIONS, 2)], at_once(2), cores=2) is None


def test_in_the_whole_matrix_browsers_weigh_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them leave two cores nothing; what waits for answers does."""
    monkeypatch.setattr(scheduling, "_WHOLE", "1")
    browsers = BROWSERS[0]

    heavy = weight(browsers, cores=2)

    assert next_unit([(browsers, 1)], heavy, cores=2) == browsers
    assert next_unit([(browsers, 1), (SESSIONS, 2)], 2 * heavy + 1, cores=2) == SESSIONS
    assert next_unit([(browsers, 1)], 2 * heavy + 1, cores=2) is None
    assert next_unit([(browsers, 1), (SESSIONS, 2)], at_once(2), cores=2) is None


def test_no_browser_runs_beside_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits does; and where a browser runs, load does not begin."""
    monkeypatch.setattr(scheduling, "_WHOLE", "1")
    browsers, load = (BROWSERS[0], 1), (LOAD, 2)

    assert next_unit([browsers, (SESSIONS, 2)], weight(LOAD, cores=2), cores=2) == SESSIONS
    assert next_unit([load], weight(BROWSERS[0], cores=2), cores=2) is None
    assert next_unit([load], 0, cores=2) == LOAD


def test_a_number_gives_an_order() -> None:
    """The same one each time, and another one for another number; what measures keeps its room."""
    units = [f"tests/{name}.py" for name in "abcdefgh"]
    orders = [sorted(units, key=lambda unit: rank(unit, 1, seed)) for seed in (1, 1, 2)]

    assert orders[0] == orders[1] != orders[2] != sorted(orders[2])
    assert next_unit([(SESSIONS, 2)], at_once(2), cores=2, shuffled=1) is None


def test_what_is_named_is_there() -> None:
    """A renamed file would lose its place."""
    assert [path for path in (LOAD, *BROWSERS, *MEASURING, *LONG, *SPREAD) if not (ROOT / path).exists()] == []


LITTLE = """
import pathlib, time, pytest
@pytest.mark.parametrize("number", range(3))
def test_it(number):
    note = pathlib.Path(__file__).parents[2] / "notes"
    with note.open("a") as file: file.write(f"begin {__name__}\\n")
    time.sleep(0.05)
    with note.open("a") as file: file.write(f"end {__name__}\\n")
"""


def test_a_session_of_workers_runs_everything_once(tmp_path: Path) -> None:
    """Real workers, in the whole matrix: every test is run once, and no browser beside load."""
    for place in (
        "load/test_load_gate",
        "browser/test_journeys",
        "gate/test_g",
        "ramp/test_r",
        "core/test_c",
        "core/test_d",
    ):
        (tmp_path / "tests" / place).with_suffix(".py").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / f"{place}.py").write_text(LITTLE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "from tests_of_the_suite import LongestFirst\n"
        "def pytest_xdist_make_scheduler(config, log): return LongestFirst(config, log)\n",
        encoding="utf-8",
    )
    shutil.copy(ROOT / "tests" / "scheduling.py", tmp_path / "tests_of_the_suite.py")
    options = ("--disable-plugin-autoload", "-p", "xdist", "-p", "no:cacheprovider", "-n", "3", "tests")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PAM_WHOLE_MATRIX": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    notes = (tmp_path / "notes").read_text(encoding="utf-8").split("\n")[:-1]

    assert "18 passed" in done.stdout, done.stdout + done.stderr
    assert len(notes) == 36
    running: list[str] = []
    for begun, name in (note.split() for note in notes):
        (running.append if begun == "begin" else running.remove)(name)
        assert not {"test_load_gate", "test_journeys"} <= set(running), notes
