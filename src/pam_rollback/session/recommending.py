"""Puts a decision into the run record, with what there is to know of the strategies that it names."""

import shlex
from collections.abc import Mapping, Sequence

import pytest

from pam_rollback.decision.rules.decision import Decision, Finding
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import RecoveryTime, Strategy
from pam_rollback.report import readiness, wording
from pam_rollback.report.decision_record import CriterionFound, DecisionRecord, StrategyAdvised
from pam_rollback.report.past_drills import PastRecovery, Sought, past_recoveries, told
from pam_rollback.rollback.service.stories import STORIES, Story, first_way
from pam_rollback.session.runbook import Runbook


def recommended(config: pytest.Config, runbook: Runbook, decision: Decision) -> DecisionRecord:
    """The decision as data."""
    plan = runbook.plan
    out = config.rootpath / "reports" / "out"
    past = past_recoveries(out, sought(plan))
    ready = readiness.last_known(out, environment=runbook.environment.name)
    files = {path.stem for path in (config.rootpath / "drills").glob("test_*.py")}
    advice = decision.advice

    def advised(strategy: Strategy) -> StrategyAdvised:
        return _advised(strategy, runbook, past, files, ready)

    return DecisionRecord(
        recommendation=decision.recommendation.value,
        criteria=tuple(_criterion(plan, finding) for finding in decision.findings),
        why=tuple(finding.criterion for finding in decision.why),
        unknown=tuple(finding.criterion for finding in decision.unknown),
        answer_with=_again(runbook),
        strategy=advised(advice.strategy) if advice else None,
        chosen_because=advice.why if advice else "",
        next=tuple(advised(strategy) for strategy in advice.next) if advice else (),
    )


def sought(plan: Plan) -> dict[str, Sought]:
    """By strategy, which drills measured its recovery time: those of all its ways."""
    ways: dict[str, list[Story]] = {}
    for story in STORIES.values():
        ways.setdefault(story.strategy, []).append(story)
    found: dict[str, Sought] = {}
    for name, stories in ways.items():
        strategy = plan.strategy(name)
        found[name] = Sought(strategy.rto or strategy.id, [story.situation for story in stories])
    return found


def _criterion(plan: Plan, finding: Finding) -> CriterionFound:
    item = plan.item(finding.criterion)
    return CriterionFound(
        id=finding.criterion,
        title=item.title,
        asks_for="roll back now" if finding.criterion in plan.immediate_criteria else "consider",
        state=finding.state.value,
        words=finding.words,
        evidence=finding.evidence.value,
        runbook=item.runbook,
    )


def _advised(
    strategy: Strategy,
    runbook: Runbook,
    past: Mapping[str, Sequence[PastRecovery]],
    files: set[str],
    ready: Mapping[str, str],
) -> StrategyAdvised:
    name, env = runbook.environment.name, shlex.quote(runbook.options.env)
    story = first_way(strategy)
    file = f"test_{story.replace('-', '_')}"
    objective = runbook.plan.recovery_times[strategy.rto] if strategy.rto is not None else None
    command = (
        f'pytest drills/{file}.py --env {env} --mode real --execute --confirm {name} --reason "…" --initiated-by "…"'
    )
    if runbook.on_sandbox:
        command = f"pytest drills/{file}.py"
    return StrategyAdvised(
        id=strategy.id,
        name=strategy.name,
        title=strategy.title,
        when_to_use=strategy.when_to_use,
        objective=_objective(objective),
        past=told(past.get(strategy.name, ())),
        readiness=ready.get(strategy.name, f"not checked: pytest -m preflight --env {env}"),
        command=command if file in files else "",
        way=strategy.ways[story].title if story else "",
        runbook=strategy.runbook,
    )


def _objective(objective: RecoveryTime | None) -> str:
    if objective is None:
        return "the plan gives it no time"
    least = f"{wording.duration(objective.min_s)} to " if objective.min_s else "within "
    return f"{least}{wording.duration(objective.max_s)} by the plan ({objective.id})"


def _again(runbook: Runbook) -> str:
    """The session once more, with the answers that it has already."""
    options = runbook.options
    words = ["pytest", "-m", "decision", "--env", options.env]
    if options.baseline is not None:
        words += ["--baseline", str(options.baseline)]
    for name, answers in (("--observed", options.observed), ("--ack", options.ack)):
        for answer in answers:
            words += [name, answer]
    return runbook.secrets.redact(shlex.join(words))
