"""When each strategy was drilled for the last time: read from the run records that drills left."""

from collections.abc import Collection, Mapping
from pathlib import Path

from pam_rollback.report.drill_ages import LastDrill
from pam_rollback.report.latest_runs import age_s
from pam_rollback.report.past_drills import read

_OF_THE_STORY = "rollback"
"""The phase of a drill's own tests: what was done, how long it took, what users have."""


def last_drills(
    out: Path, ways: Mapping[str, Mapping[str, str]], *, environments: Collection[str] = ()
) -> tuple[LastDrill, ...]:
    """Of each strategy the newest drill that ended with GO; in one of ``environments`` where some are named, else wherever it was done.

    ``ways`` has the ways of each strategy: the action under which the steps of a way are on record, and the situation that it leads to.

    A session that acted and then asked for one kind of check only was no drill: nothing of the strategy itself was judged. Neither is one
    that a clock dates into the future known to be young.
    """
    newest: dict[str, LastDrill] = {}
    for path in sorted(out.glob("*/run.json"), reverse=True):
        if len(newest) == len(ways):
            break
        record = read(path)
        if record is None or record.mode != "drill" or record.verdict != "GO":
            continue
        if environments and record.environment.name not in environments:
            continue
        if age_s(record) < 0:
            continue
        judged = {result.situation for result in record.results if result.phase == _OF_THE_STORY}
        done = {step.action for step in record.steps if step.outcome in {"done", "already done"}}
        for strategy, situations in ways.items():
            if any(action in done and situation in judged for action, situation in situations.items()):
                newest.setdefault(strategy, LastDrill(strategy, age_s(record), record.environment.name, record.run_id))
    return tuple(newest.get(strategy) or LastDrill(strategy) for strategy in ways)
