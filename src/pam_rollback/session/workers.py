"""What a worker collected, told to the process that asks it: pytest-xdist passes on no more than the names of tests.

A test whose worker dies, and one that no worker comes to, have their plan items and their words by this alone.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

DIED: Final = "the process that ran it died"


def tell(folder: Path, worker: str, items: Iterable[pytest.Item]) -> None:
    """Leave each test's properties in the run's folder. Where no disk takes them, a test has none until it is reported."""
    properties = {item.nodeid: dict(item.user_properties) for item in items}
    with suppress(OSError):
        _file(folder, worker).write_text(json.dumps(properties, default=str), encoding="utf-8")


def told(folder: Path, worker: str) -> dict[str, dict[str, Any]]:
    """What that worker left, by the test's id; it is gone then."""
    file = _file(folder, worker)
    try:
        found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
    except (OSError, ValueError):
        return {}
    return found


def _file(folder: Path, worker: str) -> Path:
    return folder / f".collected-{worker}.json"
