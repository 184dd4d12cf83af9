"""A pytest plug-in that notes which files of the project three walks execute: ``BEGINS`` names the test, fixture or call that begins each.

A file counts when one of its functions is called, a line when it belongs to such a function. Threads that a walk starts
count; threads that ran before it do not.
"""

import json
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTED_IN = "WALKS_NOTED_IN"
HEALTH, RESTORE, WRITE = "one health check", "a restore with its undo", "one acknowledged write to its verdict"
BEGINS = {
    "test_back_end_is_healthy": HEALTH,
    "frontend-restore": RESTORE,
    "undo_all": RESTORE,
    "surviving_writes": WRITE,
    "test_no_acknowledged_write_is_lost": WRITE,
}
_seen: dict[str, set[CodeType]] = defaultdict(set)


@contextmanager
def _walking(name: str) -> Iterator[None]:
    seen = _seen[BEGINS[name]] if name in BEGINS else None

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and seen is not None:
            seen.add(frame.f_code)

    before = sys.getprofile()
    if seen is not None:
        threading.setprofile(called)
        sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(before)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Function) -> Iterator[None]:
    """Walk a health check with all that it needs; the verdict on writes stands in its test."""
    with _walking(item.originalname if BEGINS.get(item.originalname) == HEALTH else ""):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Walk a test by itself."""
    with _walking("" if sys.getprofile() else pyfuncitem.originalname):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
    """Walk a fixture without those that it asks for."""
    with _walking("" if sys.getprofile() else fixturedef.argname):
        return (yield)


def pytest_configure() -> None:
    """Walk an undo."""
    from pam_rollback.plugin.topics import acting  # noqa: PLC0415 - not before the session begins

    undo_all = acting.undo_all  # type: ignore[attr-defined]

    def walked(*args: Any, **named: Any) -> int:
        with _walking("undo_all"):
            return undo_all(*args, **named)

    acting.undo_all = walked  # type: ignore[attr-defined]


def pytest_unconfigure() -> None:
    """Note the files of each walk, each with the lines of its functions that were executed."""
    noted: dict[str, dict[str, int]] = {}
    for walk, codes in _seen.items():
        executed: dict[Path, set[int]] = defaultdict(set)
        for code in codes:
            if _is_ours(file := Path(code.co_filename)):
                lines = [line for *_, line in code.co_lines() if line]
                executed[file].update(range(code.co_firstlineno, max(lines, default=code.co_firstlineno) + 1))
        noted[walk] = {
            str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else f"{file.parent.name}/{file.name}": len(lines)
            for file, lines in sorted(executed.items())
        }
    Path(os.environ[NOTED_IN]).write_text(json.dumps(noted), encoding="utf-8")


def _is_ours(file: Path) -> bool:
    return (
        file.suffix == ".py"
        and file.exists()
        and (file.is_relative_to(ROOT / "src") or file.parent.name in {"checks", "drills", "load"})
    )
