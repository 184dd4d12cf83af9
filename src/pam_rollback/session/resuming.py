"""``--resume RUN``: finish what a run that was killed left half done, in its folder and with its journal, target and decision."""

from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.base.errors import MeasurementFailed, Refused
from pam_rollback.journal.journal import ACTION, FINISHED, RESUMED, UNDOING, Journal
from pam_rollback.journal.undoing import beside_actions
from pam_rollback.session import listeners, second_places
from pam_rollback.session.baseline_files import BASELINE_FILE
from pam_rollback.session.earlier_run import elsewhere, journal_of, lost_steps
from pam_rollback.session.preparing import stored_baseline_of
from pam_rollback.session.runbook import Resumption, Runbook, moment_s, shown
from pam_rollback.session.situations import SITUATIONS_KEY


def take_over(config: pytest.Config, runbook: Runbook) -> None:
    """Go on in the folder of the run that ``--resume`` names.

    Raises pytest.UsageError when there is no such run, Refused with all reasons when it cannot be resumed like this.
    """
    path = journal_of(config, "--resume", runbook.options.resume)
    journal = Journal(path, others=second_places.files(path))
    reasons = _refusals(config, runbook, journal)
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
    runbook.id = str(first.get("run") or path.parent.name)
    runbook.move_to(config, path.parent)
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


def _refusals(config: pytest.Config, runbook: Runbook, journal: Journal) -> list[str]:
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


def evidence_folder(runbook: Runbook, situation: str) -> Path:
    """Make the folder where this session records: a resumed one beside what the first one recorded, never over it.

    Raises MeasurementFailed when it cannot be made, as on a full disk.
    """
    folder = runbook.folder / situation
    if runbook.resumed is not None:
        times = sum(1 for entry in runbook.journal.entries() if entry["event"] == RESUMED)
        folder = folder.with_name(f"{situation}-resumed-{times}")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise MeasurementFailed(f"{folder}: nothing can be recorded there: {error.strerror}") from error
    return folder
