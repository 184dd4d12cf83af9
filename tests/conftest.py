"""What the suite's own tests share: whole sessions of the runbook, and which tests a part of them has."""

import os
import signal
import threading
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.fault_rows.row import Row
from tests.running_product import (
    auditor_dsn,
    candidate,
    candidate_process,
    product_database,
)
from tests.scheduling import LongestFirst
from tests.selection import QUICK, REST, ROOT, WHOLE, wanted
from tests.sessions import checks_copied, project, running_sandbox, shared_range
from tests.summary import LEFT_OUT, ROW, Summary, left_out_here

__all__ = [
    "auditor_dsn",
    "candidate",
    "candidate_process",
    "checks_copied",
    "product_database",
    "project",
    "running_sandbox",
    "shared_range",
]

_whole = bool(os.environ.get(WHOLE))
# On every run the same examples, and few; in the whole matrix other ones each time, and as many as hypothesis thinks right.
settings.register_profile("commit", max_examples=30, derandomize=True, database=None, deadline=None)
settings.register_profile("whole", deadline=None)
settings.load_profile("whole" if _whole else "commit")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The parts that make knows."""
    parser.addoption(
        "--part",
        choices=(QUICK, REST),
        default="",
        help="quick: rules, docs and the house; rest: all others; without it everything that is named",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Explain the markers, and listen for the summary."""
    os.environ.pop("PYTEST_ADDOPTS", None)  # for this run: sessions that tests start have options of their own
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a job in the background begins: the programs that tests interrupt would inherit that, and never be interrupted.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "timeout(seconds): how long a test may take, by pytest-timeout")
    config.addinivalue_line(
        "markers",
        f"long_matrix(name=its function, first=1): kills, sabotages, repetitions; the first cases of each unless {WHOLE}=1",
    )
    config.addinivalue_line(
        "markers", f"nightly: too long for every commit, and nothing of its own; only with {WHOLE}=1"
    )
    if config.getoption("part") == REST and not config.option.collectonly and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Summary(partial(_say, config), whole=_whole))


def _say(config: pytest.Config, line: str) -> None:
    terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
    terminal.write_line(f"\n{line}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test of a fault row says which, so that the end of the run can tell which rows were proven."""
    callspec = getattr(item, "callspec", None)
    row = callspec.params.get("row") if callspec else None
    if isinstance(row, Row):
        item.user_properties.append((ROW, row.id))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """All the rest of the tests in one run; other runs are spread as their options say."""
    return LongestFirst(config, log) if config.getoption("part") == REST else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file of another part is not even read."""
    part = config.getoption("part")
    if not part or collection_path.suffix != ".py" or not collection_path.is_relative_to(ROOT):
        return None
    path = collection_path.relative_to(ROOT).as_posix()
    return None if wanted(path, part, whole=_whole) else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the first case of each long matrix, all of them with PAM_WHOLE_MATRIX=1 (`make test-all`)."""
    part = config.getoption("part")
    _leave_out(config, items, [item for item in items if not wanted(item.nodeid, part, whole=_whole)])
    if _whole or any("[" in arg for arg in config.args):
        return
    seen: Counter[str] = Counter()
    left_out = []
    for item in items:
        marker = item.get_closest_marker("long_matrix")
        matrix = str(marker.args[0]) if marker and marker.args else item.nodeid.partition("[")[0]
        if item.get_closest_marker("nightly") or (marker and seen[matrix] >= marker.kwargs.get("first", 1)):
            left_out.append(item)
        seen[matrix] += 1
    _leave_out(config, items, left_out)
    config.stash[left_out_here] = len(left_out)
    handed: dict[str, Any] = getattr(config, "workeroutput", {})
    handed[LEFT_OUT] = len(left_out)


def _leave_out(config: pytest.Config, items: list[pytest.Item], left_out: list[pytest.Item]) -> None:
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
