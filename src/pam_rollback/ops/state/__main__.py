"""``python -m pam_rollback.ops.state --older-than 30d [--yes]``: removes runs that are old and needed by nobody (``make forget``).

Those below ``reports/out``, and those that the state (``PAM_STATE``) has. Without ``--yes`` it says what it would remove, and removes
nothing.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from time import time

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.run_files import JOURNAL, RAMP_JOURNAL
from pam_rollback.http import files
from pam_rollback.ops.state.retention import Fate, KeptRun, age_of, fates
from pam_rollback.ops.state.service import Store, place_of
from pam_rollback.plugin import second_places
from pam_rollback.plugin.runbook import shown
from pam_rollback.rollback.journal import ACTION, Journal

FAILED = 1
_RECORD, _RESULTS = "run.json", "allure-results"
_MB = 1e6
_WITHIN_S = 120.0


@files.told
def main(arguments: Sequence[str] | None = None, *, root: Path | None = None, now_s: float | None = None) -> int:
    """List or remove; 1 when a ramp's journal cannot be read, a folder could not be removed, or the state could not be asked."""
    options = _parser().parse_args(arguments)
    root = root or files.project_folder()
    lasting = options.state_dir or Path(os.environ.get("PAM_STATE_DIR", "") or root / "reports" / "state")
    return _here(options, root, lasting, time() if now_s is None else now_s) or _in_the_state(options, root, lasting)


def _here(options: argparse.Namespace, root: Path, lasting: Path, now_s: float) -> int:
    out = root / "reports" / "out"
    try:
        ramps = {shown(path): path.read_text(encoding="utf-8") for path in sorted(lasting.glob(f"*/{RAMP_JOURNAL}"))}
        found = fates(_runs(out, now_s), older_than=options.older_than, ramps=ramps)
    except (OSError, ValueError) as problem:
        sys.stderr.write(f"nothing was removed: {problem}\n  mend the {RAMP_JOURNAL} of that ramp, or move it away\n")
        return FAILED
    removed = [fate for fate in found if not fate.kept_because]
    young = sum(fate.young for fate in found)
    days = options.older_than / timedelta(days=1)
    sys.stdout.write(f"{shown(out)}: {len(found)} runs, {young} of them younger than {days:g} d\n")
    for fate in found:
        if fate.kept_because and not fate.young:
            sys.stdout.write(f"  kept     {fate.run.name}, {_described(fate)}: {fate.kept_because}\n")
    failed = [fate.run.name for fate in removed if not _forget(out / fate.run.name, fate, really=options.yes)]
    size = sum(fate.run.size_bytes for fate in removed) / _MB
    if not options.yes:
        told = f"{len(removed)} runs would be removed ({size:.0f} MB), nothing was: repeat with --yes (make forget: YES=1)\n"
        sys.stdout.write(told)
        return 0
    sys.stdout.write(f"{len(removed) - len(failed)} runs were removed\n")
    return FAILED if failed else 0


def _in_the_state(options: argparse.Namespace, root: Path, lasting: Path) -> int:
    place = os.environ.get("PAM_STATE", "")
    if not place:
        return 0
    try:
        command = place_of(place, root, lambda _: os.environ.get("PAM_STATE_TOKEN", ""))
        store = Store(command, root / "reports" / "out", lasting)
        found = store.forget(options.older_than, _WITHIN_S, really=options.yes)
    except (ActionFailed, ValueError) as problem:
        sys.stderr.write(f"state: nothing was removed: {' '.join(str(problem).split())}\n")
        return FAILED
    for fate in (fate for fate in found if not fate.young):
        why = fate.kept_because
        done = "kept" if why else "removed" if options.yes else "remove"
        sys.stdout.write(f"  {done:<8} {fate.run.name} in the state{why and f': {why}'}\n")
    return 0


def _forget(folder: Path, fate: Fate, *, really: bool) -> bool:
    if not really:
        sys.stdout.write(f"  remove   {fate.run.name}, {_described(fate)}\n")
        return True
    try:
        for place in (*second_places.folders(folder), folder):
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
    except OSError as error:
        sys.stderr.write(f"  FAILED   {fate.run.name} could not be removed whole: {error}\n")
        return False
    sys.stdout.write(f"  removed  {fate.run.name}, {_described(fate)}\n")
    return True


def _described(fate: Fate) -> str:
    run = fate.run
    return f"{run.environment or 'environment not known'}, {run.age / timedelta(days=1):.0f} d old, {run.size_bytes / _MB:.1f} MB"


def _runs(out: Path, now_s: float) -> Iterator[KeptRun]:
    """Every folder of a run, and of an incident's material. What is something else, or a link, is not touched."""
    for folder in sorted(out.iterdir()) if out.is_dir() else []:
        if folder.is_symlink() or not folder.is_dir():
            continue
        if any((folder / name).exists() for name in (_RECORD, _RESULTS, JOURNAL)):
            yield _run(folder, now_s)


def _run(folder: Path, now_s: float) -> KeptRun:
    latest_s, size = folder.stat().st_mtime, 0
    for place, _, names in os.walk(folder):
        for name in names:
            status = (Path(place) / name).lstat()
            latest_s, size = max(latest_s, status.st_mtime), size + status.st_size
    owes, environment, problem = _owed(folder)
    return KeptRun(
        name=folder.name,
        age=timedelta(seconds=max(0.0, now_s - latest_s)),
        size_bytes=size,
        environment=environment or _environment(folder),
        owes=owes,
        journal_problem=problem,
        baseline=(folder / "baseline" / "baseline.json").is_file(),
    )


def _owed(folder: Path) -> tuple[tuple[str, ...], str, str]:
    path = folder / JOURNAL
    journal = Journal(path, others=second_places.files(path))
    try:
        problem = journal.too_new or "; ".join([*map(str, journal.damaged), *journal.gaps])
        if problem:
            return (), "", problem
        where = next((str(one["environment"]) for one in journal.entries() if one["event"] in _BEGINNINGS), "")
        return tuple(undo.kind for undo in journal.owed()), where, ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        return (), "", f"{error!r}"


_BEGINNINGS = frozenset({ACTION, "planting"})


def _environment(folder: Path) -> str:
    try:
        return str(json.loads((folder / _RECORD).read_text(encoding="utf-8"))["environment"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.ops.state",
        description="Remove the runs that are old and needed by nobody. See docs/how-to/run-in-ci.md#what-is-kept.",
    )
    parser.add_argument("--older-than", type=age_of, required=True, metavar="AGE", help="30d, 12h or 8w; at least 1h")
    parser.add_argument("--yes", action="store_true", help="really remove them; without it they are only listed")
    parser.add_argument("--state-dir", type=Path, help="where ramps keep their journals (default: reports/state)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
