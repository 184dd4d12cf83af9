"""From what tests found, and what people say, to the decision."""

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import duration
from pam_rollback.decision.decision import (
    BROWSERS,
    CHAT,
    FINDING,
    MODEL,
    Decision,
    Evidence,
    Finding,
    State,
    decide,
)
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import RecoveryTime, Strategy
from pam_rollback.plan.stories import STORIES, first_way
from pam_rollback.probe.parts import FRONT_END
from pam_rollback.report import sections
from pam_rollback.report.earlier_runs import PastRecovery, past_recoveries, recoveries_told, sought
from pam_rollback.report.record_parts import CriterionFound, DecisionRecord, Recommendation, StrategyAdvised
from pam_rollback.report.verdict import Outcome
from pam_rollback.report.wording import without_own_word
from pam_rollback.target.environment import Environment
from pam_rollback.target.known_before import OF_OLD


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
    least = f"{duration(objective.min_s)} to " if objective.min_s else "within "
    return f"{least}{duration(objective.max_s)} by the plan ({objective.id})"


_SHOWN = 3
_NOT_REACHED = re.compile(r"\b[a-z-]+ was not reached: ")
"""How an audit says that it never saw its page: a broken page, and no barrier on it (``browser/accessibility.py``)."""
_BLAMED = (
    (re.compile(r"\bask PAM: an apology instead of an answer\b"), ((CHAT,), (MODEL,))),
    (re.compile(r"\ban error screen: "), ((FRONT_END,), ())),
)
"""What journeys of a browser say of what failed behind the page, or in it; the first that fits."""


class Judging(Protocol):
    """A test that ran, and what it said."""

    properties: dict[str, Any]

    @property
    def message(self) -> str:
        """What was said of it."""

    @property
    def outcome(self) -> Outcome:
        """What came of it."""

    @property
    def criteria(self) -> list[str]:
        """The plan items that it serves."""


def decided(
    plan: Plan,
    tests: Sequence[Judging],
    not_asked: Iterable[tuple[str, Iterable[str]]],
    *,
    observed: Iterable[str],
    vouched: Iterable[str],
    refused: Mapping[str, str],
    whole: bool,
    unseen: Iterable[str] = (),
) -> Decision:
    """The recommendation. A selection that is not ``whole`` never says no.

    ``not_asked``: why a test was left out, and the plan items that it would have served; what it would have found is not known.
    ``observed`` and ``vouched``: what people say, as ``CRITERION=words``. ``refused``: strategies that cannot be carried out there.
    ``unseen``: browsers in which nobody looks here.
    """
    criteria = {*plan.immediate_criteria, *plan.consider_criteria}
    unknown = [
        Finding(criterion, State.UNKNOWN, why, Evidence.NONE)
        for why, ids in not_asked
        for criterion in criteria.intersection(ids)
    ]
    found = decide(
        plan,
        [*_findings(plan, tests, ", ".join(unseen)), *unknown],
        observed=_words_of_people(observed),
        vouched=_words_of_people(vouched),
        refused=refused,
    )
    if not whole and found.recommendation is Recommendation.NO:
        return replace(found, recommendation=Recommendation.NOT_KNOWN)
    return found


def _findings(plan: Plan, tests: Sequence[Judging], unseen: str) -> Iterable[Finding]:
    """One for each criterion and each thing that can be known of it: forty tests that passed are one sentence."""
    for criterion in (*plan.immediate_criteria, *plan.consider_criteria):
        own = [
            (test, _found(criterion, test))
            for test in tests
            if criterion in test.criteria and not test.properties.get("advisory")
        ]
        for state in State:
            alike = [(test, finding) for test, finding in own if finding.state is state]
            alike.sort(key=lambda one: one[1].old)  # what is new comes first
            if alike:
                words = _together(alike)
                if criterion == BROWSERS and unseen:
                    words += f"; not looked at in {unseen}"
                yield Finding.together(criterion, state, words, [finding for _, finding in alike])


def _found(criterion: str, test: Judging) -> Finding:
    own: Mapping[str, str] | None = test.properties.get(FINDING)
    outcome = test.outcome
    if outcome is Outcome.BROKEN_CRITERION and _NOT_REACHED.search(test.message):
        return Finding(criterion, State.UNKNOWN, without_own_word(test.message), Evidence.NONE)
    if outcome is Outcome.BROKEN_CRITERION:
        if own:
            return replace(Finding.of_data(criterion, own), state=State.HOLDS)
        parts, outside = _seen_in(test.message)
        old = bool(test.properties.get(OF_OLD))
        return Finding(criterion, State.HOLDS, test.message, parts=parts, outside=outside, old=old)
    if outcome is Outcome.PASSED:
        return Finding.of_data(criterion, own) if own else Finding(criterion, State.CLEAR, "")
    if outcome is Outcome.KNOWN:
        return Finding(criterion, State.CLEAR, test.message)
    why = test.message.removeprefix(f"{MeasurementFailed.__name__}: ")
    return Finding(criterion, State.UNKNOWN, why or "the session ended before it was reached", Evidence.NONE)


def _seen_in(message: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The part that a page's own words blame, and the cause from outside; nothing where they blame none."""
    return next((found for words, found in _BLAMED if words.search(message)), ((), ()))


def _together(alike: Sequence[tuple[Judging, Finding]]) -> str:
    words = list(dict.fromkeys(finding.words for _, finding in alike if finding.words))
    silent = sum(not finding.words for _, finding in alike)
    more = [f"and {len(words) - _SHOWN} more"] if len(words) > _SHOWN else []
    passed = [f"{silent} test{'s' if silent > 1 else ''} passed"] if silent else []
    return "; ".join([*words[:_SHOWN], *more, *passed])


def _words_of_people(options: Iterable[str]) -> dict[str, str]:
    """By criterion; whoever says two things says both."""
    found: dict[str, str] = {}
    for text in options:
        criterion, _, words = text.partition("=")
        said = words.strip().strip('"')
        found[criterion] = f"{found[criterion]}; {said}" if criterion in found else said
    return found
