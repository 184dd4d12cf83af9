"""The baseline that ``--baseline`` names by a word instead of a file: the newest one of the environment, or that of a run."""

import json
import shlex
from pathlib import Path

import pytest

NEWEST = Path("newest")
_INDEX = Path("baseline", "baseline.json")


def found(named: Path | None, out: Path, environment: str, env: str = "") -> Path | None:
    """Give its file; None when none is named. Raises pytest.UsageError when ``newest`` is asked for and none is recorded here.

    ``env``: how the command line names the environment, which may be by a file.
    """
    if named is None or named.is_file():
        return named
    if named != NEWEST:
        of_run = out / named / _INDEX
        return of_run if of_run.is_file() else named  # what is not there is told by whoever opens it
    # The name of a run begins with the time.
    for index in sorted(out.glob(f"*/{_INDEX}"), reverse=True):
        if _environment(index) == environment:
            return index
    raise pytest.UsageError(
        f"--baseline {NEWEST}: no baseline of {environment} is recorded here; record one while all is well: "
        f"pytest -m baseline --env {shlex.quote(env or environment)}"
    )


def _environment(index: Path) -> str:
    """Whose it is; empty for half a file."""
    try:
        return str(json.loads(index.read_text(encoding="utf-8"))["origin"]["environment"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
