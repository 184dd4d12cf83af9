"""What a run of the suite's own tests says at its end: what took longest, which fault rows were proven, what was not run.

A test with a parameter ``row`` proves that row when it passes. One that proves several says so as it begins, once for each:
``record_property(ROW, row.id)``.
"""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fault_rows.row import Row
from tests.house_budget import ROOT, measured

DURATIONS = ROOT / "reports" / "durations.json"
ROW = "fault row"
LEFT_OUT = "left out"
"""Under this name a worker tells how many cases of long matrices it left to `make test-all`."""
_LONGEST = 10
_WITH_A_BROWSER = {"accessibility", "journeys", "performance"}
_NO_ROWS = {"__init__", "row", "decision_row", "matrix"}


def rows_by_kind() -> dict[str, list[Row]]:
    """Every fault row, by the module that it stands in."""
    names = sorted(path.stem for path in (Path(__file__).parent / "fault_rows").glob("*.py"))
    return {name: importlib.import_module(f"tests.fault_rows.{name}").ROWS for name in names if name not in _NO_ROWS}


def told_rows(rows: Mapping[str, Sequence[Row]], proven: set[str], broken: set[str], why: str) -> Iterator[str]:
    """How many rows were proven, which ones failed, and how many of each kind were not run, with the reason."""
    every = [row.id for of_kind in rows.values() for row in of_kind]
    yield f"rows: {len(set(every) & proven)} of {len(every)} proven"
    failed = sorted(set(every) & broken)
    if failed:
        yield f"  failed: {', '.join(failed)}"
    for kind, of_kind in rows.items():
        missing = sum(row.id not in proven | broken for row in of_kind)
        browser = " (with a browser)" if kind in _WITH_A_BROWSER else ""
        if missing:
            yield f"  not run: {missing} of {len(of_kind)} of {kind}{browser}: {why}"


def files_of(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds of each test file."""
    files: dict[str, float] = {}
    for nodeid, taken_s in seconds.items():
        name = nodeid.partition("::")[0]
        files[name] = files.get(name, 0.0) + taken_s
    return files


def house_in_a_line() -> str:
    """Return the lines of src and tests and the number of pages."""
    found = measured()
    source = sum(of[1] for name, of in found.items() if name.startswith("src/"))
    return f"lines of src {source}, of tests {found['tests'][0]}; pages {found['pages'][0]}"


def _keep_durations(files: Mapping[str, float]) -> None:
    """Keep the latest time of each test file, for whoever wants to know which tests cost a run its time."""
    kept = json.loads(DURATIONS.read_text(encoding="utf-8")) if DURATIONS.exists() else {}
    rounded = {name: round(taken_s, 2) for name, taken_s in files.items()}
    DURATIONS.write_text(json.dumps(kept | rounded, indent=1, sort_keys=True), encoding="utf-8")


def longest(seconds: Mapping[str, float]) -> Iterator[str]:
    """The files and the tests that took longest, with their seconds."""
    for name, taken in (("files", files_of(seconds)), ("tests", seconds)):
        yield f"{name}:"
        ranked = sorted(taken.items(), key=lambda item: -item[1])[:_LONGEST]
        yield from (f"  {taken_s:7.1f} s  {of[:110]}" for of, taken_s in ranked)


class Summary:
    """Listens to the reports of all workers."""

    def __init__(self, say: Callable[[str], None], *, whole: bool) -> None:
        self._say = say
        self._whole = whole
        self._seconds: dict[str, float] = {}
        self._rows: dict[str, set[str]] = {}
        self._broken: set[str] = set()
        self._left_out = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up, call and teardown of a test, wherever it ran."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        named = {str(value) for name, value in report.user_properties if name == ROW}
        self._rows.setdefault(report.nodeid, set()).update(named)
        if not report.passed:
            self._broken.add(report.nodeid)
        if report.failed:
            # At once: the end of a long run may be an hour away.
            self._say(f"failed: {report.nodeid}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """All workers collect the same, so each of them left out the same cases."""
        self._left_out = max(self._left_out, getattr(node, "workeroutput", {}).get(LEFT_OUT, 0))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Say it."""
        left_out = self._left_out or config.stash.get(left_out_here, 0)
        terminalreporter.section("what took longest")
        for line in longest(self._seconds):
            terminalreporter.write_line(line)
        terminalreporter.section("what was proven, and what was not run")
        told = list(self._told(left_out))
        for line in told:
            terminalreporter.write_line(line)
        _keep_durations(files_of(self._seconds))
        terminalreporter.write_line(f"{house_in_a_line()}, {told[0]}")

    def _told(self, left_out: int) -> Iterator[str]:
        broken = {row for nodeid in self._broken for row in self._rows.get(nodeid, ())}
        proven = {row for named in self._rows.values() for row in named} - broken
        why = "its test was not reached" if self._whole else "`make test-all` runs it, every night"
        yield from told_rows(rows_by_kind(), proven, broken, why)
        if left_out:
            yield f"{left_out} further cases of long matrices: `make test-all` runs them, every night"


left_out_here = pytest.StashKey[int]()
"""The same number where there are no workers."""
