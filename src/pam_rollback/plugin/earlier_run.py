"""The run that ``--undo RUN`` or ``--resume RUN`` names: where its journal is, how it is put back, and how it is finished.

A real rollback is undone by ``--undo`` alone, never by a teardown. ``--resume`` goes on with a run that was killed, in its folder and with
its journal, target and decision.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pam_rollback import VERSION
from pam_rollback.core.errors import MeasurementFailed, Refused, UndoFailed
from pam_rollback.core.run_files import JOURNAL, KEPT_ELSEWHERE
from pam_rollback.plugin import listeners, second_places
from pam_rollback.plugin.baseline_files import BASELINE_FILE, stored_baseline_of
from pam_rollback.plugin.endings import Alarm
from pam_rollback.plugin.guard import blank_texts
from pam_rollback.plugin.runbook import Resumption, Runbook, journal_in, moment_s, shown
from pam_rollback.plugin.situations import SITUATIONS_KEY
from pam_rollback.rollback.journal import ACTION, FINISHED, RESUMED, TOLD, UNDOING, Journal, Undo
from pam_rollback.rollback.undoing import UndoKinds, beside_actions, owed_here, undo_all

if TYPE_CHECKING:
    from pam_rollback.rollback.lock import WriterLock

_BEGINS = frozenset({ACTION, "planting"})
"""What is written before the first change, whichever it is."""


class NothingDone(Exception):  # noqa: N818 - named by what happened
    """The run was killed before it changed anything: there is nothing to finish and nothing to put back."""


def journal_of(config: pytest.Config, option: str, run: str) -> Journal:
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
        journal = journal_in(path.parent.absolute())
        _refuse_unreadable(journal)
        # A journal that knows of no beginning knows of no change, since that is written before one. What is cut short may be the beginning:
        # whoever goes on with it says so.
        if not journal.gaps and not any(entry["event"] in {*_BEGINS, "undo-owed"} for entry in journal.entries()):
            raise _nothing_done(path.parent, f"has a {JOURNAL} without a beginning")
        return journal
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


def _refuse_unreadable(journal: Journal) -> None:
    """What holds not one whole line tells nothing, unless it is the very first line that somebody was kept from finishing.

    A run that wrote its record is told by that.
    """
    path, damaged = journal.path, journal.damaged
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


def undo_run(config: pytest.Config, runbook: Runbook) -> str:
    """Undo instead of testing, under the same consent as a real rollback; gives what was done in words.

    Raises Refused, UndoFailed, and pytest.UsageError when there is no such run.
    """
    options, environment = runbook.options, runbook.environment
    journal = journal_of(config, "--undo", options.undo)
    kinds = listeners.undo_kinds(config)
    reasons = _undo_refusals(runbook, journal, kinds)
    if reasons:
        raise Refused("\n".join(f"  - {reason}" for reason in reasons))
    if options.dry_run:
        here = owed_here(journal, environment)
        owed = ", ".join(f"{undo.kind} {dict(undo.facts)}" for undo in here) or "nothing"
        others = _named(undo for undo in journal.owed() if undo not in here)
        but = f", and not what is owed elsewhere: {others}" if others else ""
        gaps = _gaps(journal, kinds)
        more = f"; the journal is not whole, so there may be more: {'; '.join(gaps)}" if gaps else ""
        return f"PLANNED, nothing was sent: undo would put back {owed} of {shown(journal.path)}{but}{more}"
    real = any(entry["event"] == ACTION and entry.get("mode") == "real" for entry in journal.entries())
    try:
        undone = _put_back(config, runbook, journal, kinds)
    except (UndoFailed, MeasurementFailed) as problem:
        failed = f"UNDO FAILED: {problem}" if isinstance(problem, UndoFailed) else f"UNDONE IN PART: {problem}"
        told = _listeners_told(config, runbook, journal, failed) if real else []
        raise type(problem)("\n".join([str(problem), *told])) from problem
    return "\n".join([undone, *(_listeners_told(config, runbook, journal, undone) if real else [])])


def _listeners_told(config: pytest.Config, runbook: Runbook, journal: Journal, words: str) -> list[str]:
    redact, folder = runbook.secrets.redact, journal.path.parent
    return [redact(line) for line in listeners.run_ended(config, folder, runbook.environment, redact(words))]


def _put_back(config: pytest.Config, runbook: Runbook, journal: Journal, kinds: UndoKinds) -> str:
    """Under the environment's lock, with the team told. Raises UndoFailed, MeasurementFailed, and Refused when another one has the lock."""
    options, environment = runbook.options, runbook.environment
    alarm = Alarm(runbook)
    journal.tell_losses_to(alarm)
    config.add_cleanup(alarm.end)
    stories = [str(entry["strategy"]) for entry in journal.entries() if entry["event"] == ACTION]
    with sole_writer(runbook, stories) as lock:
        journal.append(UNDOING, initiated_by=options.initiated_by, reason=options.reason)
        with team_follows(runbook, journal, owed_here(journal, environment)) as untold:
            by = options.initiated_by or "pam-rollback-suite"
            count = undo_all(journal, environment, kinds, initiated_by=by)
            _refuse_gaps(journal, count, kinds)
    second_places.bring_home(journal.path)
    warned = "".join(f"\nwent on without it: lock: {warning}" for warning in lock.warnings)
    warned += "".join(f"\nthe team: {runbook.secrets.redact(problem)}" for problem in untold)
    return f"UNDONE: {count} change{'' if count == 1 else 's'} of {shown(journal.path)}, each read back{warned}"


def sole_writer(runbook: Runbook, stories: Sequence[str]) -> "AbstractContextManager[WriterLock]":
    """The locks of all that these strategies change. Raises Refused when another session has one; what else is wrong stops nobody."""
    from pam_rollback.rollback.lock import environment_lock  # noqa: PLC0415 - for whoever undoes
    from pam_rollback.rollback.lock_targets import may_push  # noqa: PLC0415 - the same
    from pam_rollback.rollback.provider_access import refuse_another  # noqa: PLC0415 - the same

    options = runbook.options
    refuse_another(runbook.environment, stories)
    return environment_lock(
        runbook.environment,
        run=runbook.id,
        who=options.initiated_by,
        pushes=may_push(stories),
        take_over=options.take_over,
        undoes=options.undo,
    )


@contextmanager
def team_follows(runbook: Runbook, journal: Journal, owed: Sequence[Undo]) -> Iterator[list[str]]:
    """The block is the undo, told to those who heard of the rollback; no channel delays it. Gives who was not told: whole in the end."""
    from pam_rollback.notify.team import team_of  # noqa: PLC0415 - for whoever undoes

    redact, told = runbook.secrets.redact, list[str]()
    with ExitStack() as followed:
        try:
            team = team_of(runbook.plan, runbook.environment, journal, pace=runbook.pace, redact=redact)
            if team is not None:
                who, reason = runbook.options.initiated_by, redact(runbook.options.reason)
                followed.enter_context(team.following(owed, who=who, reason=reason, redact=redact))
                told = team.problems
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - what is owed is put back, whoever hears of it
            told = [f"nobody was told: {type(problem).__name__}: {problem}"]
        yield told


def _named(undos: Iterable[Undo]) -> str:
    return ", ".join(f"{undo.kind} on {undo.environment} at {undo.api}" for undo in undos)


def _gaps(journal: Journal, kinds: UndoKinds) -> list[str]:
    return [*journal.lacks(beside_actions(kinds)), *filter(None, [unfinished_elsewhere(journal), lost_steps(journal)])]


def _refuse_gaps(journal: Journal, count: int, kinds: UndoKinds) -> None:
    """After all that is known is put back. Raises UndoFailed, or MeasurementFailed, when there may be more than the journal knows."""
    undone = f"{count} change{'' if count == 1 else 's'} of {shown(journal.path)} put back, each read back"
    gaps = _gaps(journal, kinds)
    if gaps:
        raise UndoFailed(
            f"{undone}; the journal is not whole, so there may be more: {'; '.join(gaps)}. "
            "A person must look at what the run changed, and put it back by hand"
        )
    if elsewhere := journal.owed():
        raise MeasurementFailed(
            f"{undone}; {len(elsewhere)} more of this run is owed to another environment and was not touched ({_named(elsewhere)}): "
            "name that one with --env"
        )
    if step := journal.open_change:
        journal.append(TOLD, step=step)
        raise MeasurementFailed(
            f"{undone}; the run ended within the step {step!r}, before it noted how to put that back. A note comes before "
            "its change, so nothing was changed by it, unless the disk of that run was full: look whether it took effect, then repeat "
            "this command to say that it did not"
        )


def _undo_refusals(runbook: Runbook, journal: Journal, kinds: UndoKinds) -> list[str]:
    options, environment = runbook.options, runbook.environment
    found = [*elsewhere(runbook, journal), *blank_texts(options.blank)]
    unknown = sorted({undo.kind for undo in journal.owed()} - kinds.keys())
    if unknown and journal.written_by not in {"", VERSION}:
        found.append(
            f"{shown(journal.path)} owes {', '.join(unknown)}, which pam-rollback {VERSION} cannot put back: "
            f"install pam-rollback {journal.written_by}, which wrote it, and repeat the command"
        )
    if not environment.is_sandbox and not runbook.own_sandbox and not options.dry_run:
        if not (options.execute and options.confirm == environment.name):
            found.append(f"undoing changes {environment.name}: it needs --execute --confirm {environment.name}")
        if not (options.reason and options.initiated_by) and not options.blank:
            found.append("undoing needs --reason and --initiated-by, for the journal")
    return found


def take_over(config: pytest.Config, runbook: Runbook) -> None:
    """Go on in the folder of the run that ``--resume`` names.

    Raises pytest.UsageError when there is no such run, Refused with all reasons when it cannot be resumed like this.
    """
    journal = journal_of(config, "--resume", runbook.options.resume)
    reasons = _resume_refusals(config, runbook, journal)
    if reasons:
        raise Refused("\n".join(f"  - {reason}" for reason in reasons))
    first, *_ = [entry for entry in journal.entries() if entry["event"] == ACTION]
    planted = journal.latest("planting")
    last = journal.entries()[-1]
    runbook.resumed = Resumption(
        decided_s=moment_s(first, first["decided_s"], now_s=runbook.started_s, now=runbook.started),
        planted_s=None
        if planted is None
        else moment_s(planted, planted["at_s"], now_s=runbook.started_s, now=runbook.started),
        interrupted_s=moment_s(last, last["at_s"], now_s=runbook.started_s, now=runbook.started),
        resumed_s=runbook.started_s,
        reason=str(first["reason"]),
    )
    runbook.id = str(first.get("run") or journal.path.parent.name)
    runbook.move_to(config, journal.path.parent)
    _use_its_baseline(config, runbook)


def begin(config: pytest.Config, runbook: Runbook) -> None:
    """Note that this run goes on; from now on it is two sessions' journal."""
    runbook.stop.clear()
    runbook.journal.append(RESUMED, initiated_by=runbook.options.initiated_by, reason=runbook.options.reason)
    journal = runbook.journal
    for gap in filter(None, [*journal.lacks(beside_actions(listeners.undo_kinds(config))), lost_steps(journal)]):
        journal.warn("undo", f"how it was before this run is not known for certain: {gap}")


def refuse_gap(runbook: Runbook) -> None:
    """Nobody watched between the kill and the resumption: what reaches across it is not known. Raises MeasurementFailed."""
    gap = runbook.resumed
    if gap is not None:
        raise MeasurementFailed(
            f"this run was interrupted: nobody watched for {gap.gap_s:.0f} s before it was resumed, "
            "so what users saw across that time is not known; verify from now on with pytest -m post_rollback"
        )


def _use_its_baseline(config: pytest.Config, runbook: Runbook) -> None:
    """What a drill recorded before its incident cannot be recorded again: the first run's is this run's."""
    if runbook.options.real or runbook.options.baseline is not None:
        return
    for situation in config.stash[SITUATIONS_KEY].situations:
        recorded = runbook.folder / situation / BASELINE_FILE
        if recorded.is_file():
            runbook.options = replace(runbook.options, baseline=recorded)
            runbook.stored = stored_baseline_of(recorded, runbook.plan)


def _resume_refusals(config: pytest.Config, runbook: Runbook, journal: Journal) -> list[str]:
    run, options = shown(journal.path.parent), runbook.options
    found = elsewhere(runbook, journal)
    events = {entry["event"] for entry in journal.entries()}
    stories = config.stash[SITUATIONS_KEY].stories
    actions = [entry for entry in journal.entries() if entry["event"] == ACTION]
    if not actions:
        found.append(f"{run} was not yet acting: put back with --undo what it planted, then start again")
        return found
    performed = list(dict.fromkeys(str(entry["strategy"]) for entry in actions))
    if list(stories) != performed:
        file = f"drills/test_{performed[-1].replace('-', '_')}.py"
        found.append(
            f"{run} was performing {', '.join(performed)}, selected: {', '.join(stories) or 'none'}; "
            + (f"name {file}" if len(performed) == 1 else "several actions cannot be resumed: use --undo")
        )
    if actions[-1]["mode"] != options.mode:
        found.append(f"{run} was a session in mode {actions[-1]['mode']}, this one is in mode {options.mode}")
    if FINISHED in events and (journal.path.parent / "run.json").is_file():
        found.append(f"{run} is complete: nothing is left to finish; verify with pytest -m post_rollback")
    elif UNDOING in events or ("undo-done" in events and not journal.owed()):
        found.append(f"{run} was undone: start again instead")
    if getattr(config.option, "numprocesses", None):
        found.append("a run is resumed in one process: leave -n out")
    if options.run_dir is not None:
        found.append("a resumed run goes on in its own folder: leave --run-dir out")
    return found
