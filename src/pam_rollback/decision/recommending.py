"""A decision as a part of the run record, with what there is to know of the strategies that it names."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.decision.decision import Decision, Finding
from pam_rollback.environment.environment import Environment
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import RecoveryTime, Strategy
from pam_rollback.plan.stories import STORIES, first_way
from pam_rollback.report import sections, wording
from pam_rollback.report.decision_record import CriterionFound, DecisionRecord, StrategyAdvised
from pam_rollback.report.earlier_runs import PastRecovery, past_recoveries, recoveries_told, sought


@dataclass(frozen=True)
class Here:
    """Where it is decided."""

    plan: Plan
    root: Path
    """Of the project: its drills, and the runs of earlier days."""
    environment: str
    """Its name."""
    env: str
    """What ``--env`` was given."""
    on_sandbox: bool
    answer_with: str
    """The session once more, with the answers that it has already: without secrets."""


def recommended(here: Here, decision: Decision) -> DecisionRecord:
    """The decision as data."""
    plan, out = here.plan, here.root / "reports" / "out"
    past = past_recoveries(out, sought(plan))
    ready = sections.last_known(out, environment=here.environment)
    files = {path.stem for path in (here.root / "drills").glob("test_*.py")}
    advice = decision.advice
    return DecisionRecord(
        recommendation=decision.recommendation.value,
        criteria=tuple(_criterion(plan, finding) for finding in decision.findings),
        why=tuple(finding.criterion for finding in decision.why),
        unknown=tuple(finding.criterion for finding in decision.unknown),
        answer_with=here.answer_with,
        strategy=advised(advice.strategy, here, past, files, ready) if advice and advice.strategy else None,
        chosen_because=advice.why if advice else "",
        caution=advice.first if advice else "",
        next=tuple(advised(strategy, here, past, files, ready) for strategy in advice.next) if advice else (),
    )


def refused_in(plan: Plan, environment: Environment) -> dict[str, str]:
    """The strategies (ids) that the guard would refuse there (13), and why: by what the way to begin with needs."""
    found = {}
    for strategy in plan.strategies.values():
        story = STORIES.get(first_way(strategy))
        missing = [name for name in story.abilities if name not in environment.abilities] if story else []
        if missing:
            flags = environment.constant_flags if "flag_admin" in missing else ""
            what = f"nobody can switch a flag here ({flags})" if flags else f"no {' and no '.join(missing)} is declared"
            found[strategy.id] = what
        elif strategy.rollout_steps_pct and environment.no_shares:
            found[strategy.id] = environment.no_shares
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


def advised(
    strategy: Strategy,
    here: Here,
    past: Mapping[str, Sequence[PastRecovery]],
    files: Collection[str],
    ready: Mapping[str, str],
) -> StrategyAdvised:
    """A strategy, and what there is to know of it here."""
    name, env = here.environment, shlex.quote(here.env)
    story = first_way(strategy)
    file = f"test_{story.replace('-', '_')}"
    objective = here.plan.recovery_times[strategy.rto] if strategy.rto is not None else None
    command = (
        f'pytest drills/{file}.py --env {env} --mode real --execute --confirm {name} --reason "…" --initiated-by "…"'
    )
    if here.on_sandbox:
        command = f"pytest drills/{file}.py"
    return StrategyAdvised(
        id=strategy.id,
        name=strategy.name,
        title=strategy.title,
        when_to_use=strategy.when_to_use,
        objective=_objective(objective),
        past=recoveries_told(past.get(strategy.name, ())),
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
