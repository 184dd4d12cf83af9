"""The suite's code as a watch found it. A session loads a part of it when it needs it, and starts its prober anew every hour.

So a watch goes on with a copy of its own, whatever a ``git pull`` makes of the checkout meanwhile. What it starts as a session of its own
is of the checkout as it is then.
"""

import atexit
import shutil
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pam_rollback
from pam_rollback.outside.scratch import scratch_folder

_NOT_A_WATCHS = ("sandbox", "__pycache__", "*.pyc")


@dataclass
class OwnCode:
    """What this process loads from now on, until it ends."""

    begun_with: Iterable[Path] = ()
    """Other files that the watch read when it began."""

    def __post_init__(self) -> None:
        """Copy the code, and load the rest of it from there."""
        self._source = Path(pam_rollback.__path__[0])
        self._stamps = self._now()
        kept = ExitStack()
        copy = kept.enter_context(scratch_folder("watch")) / self._source.name
        atexit.register(kept.close)  # when nothing is loaded any more
        shutil.copytree(self._source, copy, ignore=shutil.ignore_patterns(*_NOT_A_WATCHS))
        for name, module in list(sys.modules.items()):
            own = copy.joinpath(*name.split(".")[1:])
            if name.partition(".")[0] == pam_rollback.__name__ and hasattr(module, "__path__") and own.is_dir():
                module.__path__ = [str(own), *module.__path__]

    def was_updated(self) -> bool:
        """Whether another one lies there since the last time that this was asked."""
        before, self._stamps = self._stamps, self._now()
        return self._stamps != before

    def _now(self) -> frozenset[tuple[Path, int, int]]:
        return frozenset((file, *_stamp(file)) for file in (*self._source.rglob("*.py"), *self.begun_with))


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0)  # it is gone, or is just being replaced
    return (found.st_mtime_ns, found.st_size)
