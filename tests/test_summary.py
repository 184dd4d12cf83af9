"""What a run says at its end, from reports that are made up."""

from typing import Literal

import pytest

from tests.fault_rows.matrix import rows
from tests.fault_rows.row import Row
from tests.summary import ROW, Summary, longest, told_rows

ROWS = {
    kind: [Row(id=f"{kind} {number}", fault="x", red=frozenset({"test_x"}), words="x") for number in range(3)]
    for kind in ("health", "journeys")
}


def test_rows_are_counted_and_named() -> None:
    """Proven, failed by name, not run by kind with the reason."""
    lines = list(told_rows(ROWS, {"health 0", "health 1"}, {"health 2"}, "every night"))

    assert lines == [
        "rows: 2 of 6 proven",
        "  failed: health 2",
        "  not run: 3 of 3 of journeys (with a browser): every night",
    ]


def test_a_row_that_nobody_knows_is_not_counted() -> None:
    """A misspelt one would make a whole out of less."""
    assert next(told_rows(ROWS, {"health 0", "heath 1"}, set(), "")) == "rows: 1 of 6 proven"


def test_what_took_longest_comes_first() -> None:
    """Files with all of their tests, and tests alone."""
    lines = [line.split() for line in longest({"a.py::one": 2.0, "b.py::two": 1.5, "b.py::three": 1.0})]

    assert [line[-1] for line in lines] == ["files:", "b.py", "a.py", "tests:", "a.py::one", "b.py::two", "b.py::three"]
    assert lines[1] == ["2.5", "s", "b.py"]


def report(
    nodeid: str, row: str, outcome: Literal["passed", "failed"], when: Literal["setup", "call"]
) -> pytest.TestReport:
    """What a worker says of one phase of a test."""
    return pytest.TestReport(
        nodeid,
        (nodeid, 0, nodeid),
        {},
        outcome,
        None,
        when,
        user_properties=[(ROW, row)],
        duration=1.0,
        start=0,
        stop=1,
    )


def test_a_row_is_proven_when_all_of_its_test_passed() -> None:
    """Each of two tests names a row of the matrix; the second one's sandbox could not be started, which is said at once."""
    first, second = (row.id for row in rows()[:2])
    said: list[str] = []
    summary = Summary(["not run: sandbox: unchanged"], said.append, whole=False)
    for phase in (
        report("a.py::one", first, "passed", "setup"),
        report("a.py::one", first, "passed", "call"),
        report("a.py::two", second, "failed", "setup"),
    ):
        summary.pytest_runtest_logreport(phase)
    lines = list(summary._told(left_out=7))

    assert said == ["failed: a.py::two"]
    assert lines[0] == f"rows: 1 of {len(rows())} proven"
    assert lines[1] == f"  failed: {second}"
    assert lines[-2:] == [
        "7 further cases of long matrices: `make test-all` runs them, every night",
        "not run: sandbox: unchanged",
    ]
