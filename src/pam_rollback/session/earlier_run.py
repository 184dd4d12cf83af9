"""The run that ``--undo RUN`` or ``--resume RUN`` names: where its journal is, and whether it was about this environment."""

import json
import os
from pathlib import Path

import pytest

from pam_rollback.base.errors import Refused
from pam_rollback.base.run_files import JOURNAL, KEPT_ELSEWHERE
from pam_rollback.journal.journal import ACTION, Journal
from pam_rollback.session import second_places
from pam_rollback.session.runbook import Runbook, shown

_BEGINS = frozenset({ACTION, "planting"})
"""What is written before the first change, whichever it is."""


class NothingDone(Exception):  # noqa: N818 - named by what happened
    """The run was killed before it changed anything: there is nothing to finish and nothing to put back."""


def journal_of(config: pytest.Config, option: str, run: str) -> Path:
    """The journal of the run of that id or folder.

    Raises pytest.UsageError when there is no such run, NothingDone when it changed nothing, Refused when it is still going on, or when
    its journal is lost or cannot be read.
    """
    folders = [Path(run), config.rootpath / "reports" / "out" / run]
    living = next(filter(second_places.is_going_on, folders), None)
    if living is not None:
        raise Refused(
            f"  - {shown(living)}: this run is still going on, in another session on this machine; wait until it has ended, or stop it "
            "there with Ctrl-C: a drill then puts everything back by itself"
        )
    # What a run's own folder did not take is in a second place; that may be all of it.
    own = [folder / JOURNAL for folder in folders]
    path = next((path for path in own if any(map(os.path.lexists, (path, *second_places.files(path))))), None)
    if path is not None:
        _refuse_unreadable(path)
        _refuse_nothing(path)
        return path.absolute()
    folder = next((folder for folder in folders if _is_of_a_run(folder)), None)
    if folder is None:
        raise pytest.UsageError(
            f"{option} {run}: expected a run's id or folder with a {JOURNAL}, found none at {' or '.join(map(shown, folders))}"
        )
    raise _nothing_done(folder, f"has no {JOURNAL}")


def _nothing_done(folder: Path, found: str) -> NothingDone | Refused:
    """That nothing was done, or what is wrong when the run's record says otherwise. ``found``: what there is of a journal."""
    steps = _recorded_steps(folder)
    if steps is None or steps:
        return Refused(
            f"  - {shown(folder)} {found}, and its run.json says that it changed something: the journal is lost; look for "
            "another copy of the folder, else a person must put back what run.json lists under steps"
        )
    return NothingDone(
        f"{shown(folder)}: nothing was done: this run ended before its first change, which its journal would tell; start again"
    )


def _unreadable(path: Path, found: str) -> Refused:
    return Refused(
        f"  - {shown(path)} {found}: whether this run changed something is not known, and cannot be put back by it; look for another copy "
        "of the folder, else a person must look at the flags, the deploys and the branches, and put them back by hand"
    )


def _refuse_unreadable(path: Path) -> None:
    """What holds not one whole line tells nothing, unless it is the very first line that somebody was kept from finishing.

    A run that wrote its record is told by that.
    """
    journal = Journal(path, others=second_places.files(path))
    damaged = journal.damaged
    if journal.entries():
        return
    for unread in damaged:
        if not unread.number:
            raise _unreadable(unread.path, str(unread).removeprefix(f"{unread.path} "))
    if (path.parent / "run.json").is_file():
        return
    if not damaged:
        raise _unreadable(path, "is empty")
    if len(damaged) > 1 or not damaged[0].text.startswith('{"at": '):
        raise _unreadable(path, "holds no line that can be read")


def _refuse_nothing(path: Path) -> None:
    """A journal that knows of no beginning knows of no change, since that is written before one."""
    journal = Journal(path, others=second_places.files(path))
    if journal.gaps:
        return  # what is cut short may be the beginning: whoever goes on with it says so
    if not any(entry["event"] in _BEGINS or entry["event"] == "undo-owed" for entry in journal.entries()):
        raise _nothing_done(path.parent, f"has a {JOURNAL} without a beginning")


def _is_of_a_run(folder: Path) -> bool:
    """What every session makes before anything else."""
    return os.path.isdir(folder / "allure-results")  # noqa: PTH112 - raises nothing


def unfinished_elsewhere(journal: Journal) -> str:
    """Why there may be more than the journal knows: it came from another machine before its run had ended. Empty when it did not."""
    folder = journal.path.parent
    brought = (folder / KEPT_ELSEWHERE).is_file() and not _is_of_a_run(folder)
    if not brought or (folder / "run.json").is_file():
        return ""
    last = str(journal.entries()[-1]["at"]) if journal.entries() else "never"
    return f"the run had not ended when this copy of its journal was made on another machine (last entry: {last})"


def lost_steps(journal: Journal) -> str:
    """Why the journal is not all that the run wrote: its record tells of steps that the journal does not. Empty when it does not."""
    known = {entry.get("step") for entry in journal.entries()}
    lost = [step for step in _recorded_steps(journal.path.parent) or () if step not in known]
    return f"the run's run.json tells of steps of which the journal says nothing: {', '.join(lost)}" if lost else ""


def _recorded_steps(folder: Path) -> list[str] | None:
    """What the run did by its record, in order, but for what was put back; None when that cannot be read."""
    try:
        steps = json.loads((folder / "run.json").read_text(encoding="utf-8"))["steps"]
        return [str(step["step"]) for step in steps if step.get("outcome") not in {"planned", "undone"}]
    except FileNotFoundError:
        return []  # it was killed before its end
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # what cannot be read is not taken for nothing


def elsewhere(runbook: Runbook, journal: Journal) -> list[str]:
    """Why the run was not about the environment of this session; empty when it was."""
    environment = runbook.environment
    if problem := journal.too_new:
        return [f"{shown(journal.path)}: {problem}"]
    changed = dict.fromkeys(
        (str(entry["environment"]), str(entry["api"])) for entry in journal.entries() if entry["event"] in _BEGINS
    )
    if not changed:
        return [f"{shown(journal.path)} does not say which environment it changed"]
    where = " and ".join(f"{name} at {api}" for name, api in changed)
    if runbook.own_sandbox:
        return [f"the run changed {where}: name the file of that sandbox with --env, if it still runs"]
    if (environment.name, environment.urls.api) not in changed:
        here = f"--env is {environment.name} at {environment.urls.api}"
        return [f"the run changed {where}, {here}; name the same one"]
    return []
