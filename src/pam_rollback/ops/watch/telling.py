"""A scheduled decision wakes people as a watch does: ``pytest -m decision --env NAME -p pam_rollback.ops.watch.telling``.

PagerDuty has one alert for it, which is resolved once nothing asks for a rollback. Mail and channel are told at each run that asks.
"""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from pam_rollback.plugin import runbook as runbook_module

if TYPE_CHECKING:
    from pam_rollback.plugin.runbook import Runbook
    from pam_rollback.report.record_parts import DecisionRecord


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Tell what the session recommended, by its record. Without one nothing is known, and the exit code says so."""
    runbook = runbook_module.of(config)
    if runbook is None or runbook.worker or runbook.options.dry_run:
        return
    from pam_rollback.report.run_record import UnreadableRecord, read  # noqa: PLC0415 - for decisions

    try:
        decision = read(runbook.folder / "run.json").decision
    except (OSError, UnreadableRecord):
        return
    for line in [] if decision is None else told(decision, runbook, datetime.now(UTC)):
        sys.stderr.write(f"{runbook.secrets.show(line)}\n")


def told(decision: "DecisionRecord", runbook: "Runbook", now: datetime) -> list[str]:
    """Tell it, and give a line for each means: whether it was taken."""
    from pam_rollback.decision.decision import State  # noqa: PLC0415 - for decisions
    from pam_rollback.ops.watch.channel import PAGER, people  # noqa: PLC0415 - the same
    from pam_rollback.report.record_parts import Recommendation  # noqa: PLC0415 - the same
    from pam_rollback.report.watched_incident import CriterionSeen, WatchedIncident  # noqa: PLC0415 - the same

    asks = decision.recommendation in {Recommendation.NOW, Recommendation.CONSIDER}
    if not asks and decision.recommendation != Recommendation.NO:
        return []  # what is not known calls nobody, and is over for nobody: the job is red
    states: Final = {State.HOLDS.value, State.CONSIDER.value}
    strategy, environment = decision.strategy, runbook.environment
    incident = WatchedIncident(
        key=f"pam-{environment.name}-decision",
        environment=environment.name,
        recommendation=decision.recommendation,
        found=tuple(
            CriterionSeen(one.id, one.title, one.words, now) for one in decision.criteria if one.state in states
        ),
        strategy=strategy.id if strategy else "",
        strategy_title=strategy.title if strategy else decision.caution,
        rehearsed=strategy.past if strategy else "",
        command=strategy.command if strategy else "",
        opened=now,
        seen=now,
        run=runbook.id,
    )
    found = []
    for name, tell in people(environment, runbook.plan, runbook.journal).items():
        if not asks and name != PAGER:
            continue
        try:
            tell("opened" if asks else "closed", incident)
            found.append(f"{name} was told: {decision.recommendation}")
        except Exception as problem:  # noqa: BLE001 - the others are told all the same
            found.append(f"{name} was not told: {problem}")
    return found
