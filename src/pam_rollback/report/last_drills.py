"""When each strategy was drilled for the last time: read from the run records that drills left."""

from collections.abc import Collection, Mapping
from pathlib import Path

from pam_rollback.report.drill_ages import LastDrill
from pam_rollback.report.latest_runs import age_s
from pam_rollback.report.past_drills import read
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import Outcome

_OF_THE_STORY = "rollback"
"""The phase of a drill's own tests: what was done, how long it took, what users have."""
_FAILED = frozenset({"NO-GO", "ACTION FAILED", "UNDO FAILED"})
_RED = frozenset({Outcome.BROKEN_CRITERION, Outcome.ACTION_FAILED, Outcome.UNDO_FAILED})


def last_drills(
    out: Path, ways: Mapping[str, Mapping[str, str]], *, environments: Collection[str] = ()
) -> tuple[LastDrill, ...]:
    """Of each strategy the newest drill that showed whether it works: GO, or what it failed with.

    In one of ``environments`` where some are named, else wherever it was done.

    ``ways`` has the ways of each strategy: the action under which the steps of a way are on record, and the situation that it leads to.

    What failed does not count for a strategy of the same session that was not red itself, unless nothing says whose failure it was. What
    was not measured, or was refused, shows nothing.

    A session that acted and then asked for one kind of check only was no drill: nothing of the strategy itself was judged. Neither is one
    that a clock dates into the future known to be young.
    """
    newest: dict[str, LastDrill] = {}
    for path in sorted(out.glob("*/run.json"), reverse=True):
        if len(newest) == len(ways):
            break
        record = read(path)
        if record is None or record.mode != "drill" or record.verdict not in {"GO", *_FAILED}:
            continue
        if environments and record.environment.name not in environments:
            continue
        if age_s(record) < 0:
            continue
        judged = {result.situation for result in record.results if result.phase == _OF_THE_STORY}
        shown = _done(record) if record.verdict == "GO" else _red(record, judged)
        failed = "" if record.verdict == "GO" else record.verdict
        for strategy, situations in ways.items():
            if any(
                (action in shown or situation in shown) and situation in judged
                for action, situation in situations.items()
            ):
                newest.setdefault(
                    strategy, LastDrill(strategy, age_s(record), record.environment.name, record.run_id, failed)
                )
    return tuple(newest.get(strategy) or LastDrill(strategy) for strategy in ways)


def _done(record: RunRecord) -> Collection[str]:
    """The actions that were done."""
    return {step.action for step in record.steps if step.outcome in {"done", "already done"}}


def _red(record: RunRecord, judged: Collection[str]) -> Collection[str]:
    """The situations of what failed; all that were judged where no result is red, as when something could not be put back."""
    return {one.situation for one in record.results if one.outcome in _RED and not one.advisory} or judged
