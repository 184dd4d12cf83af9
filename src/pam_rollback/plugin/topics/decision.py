"""What the decision criteria are judged by, and what a decision watches from its beginning."""

import shlex
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pam_rollback.core.addresses import is_loopback
from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Scored
from pam_rollback.core.wait import Waiter
from pam_rollback.database.database_link import DatabaseLink
from pam_rollback.database.schema_changes import SchemaComparison
from pam_rollback.decision.decision import FINDING, Affected, AnyJudged, EnterJudged, Judged, State
from pam_rollback.decision.decision_measures import (
    DOWNTIME,
    ERRORS,
    FAR_SLOWER,
    SLOWER,
)
from pam_rollback.decision.decision_states import (
    CORRUPTED,
    DATA,
    MEMORY,
    SCHEMA,
    Leak,
    judged_data,
    judged_memory,
)
from pam_rollback.decision.watcher import SeenByWatcher, Slowdown, Watch, Watcher
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import (
    MemoryLimit,
    RecordLossTrigger,
)
from pam_rollback.plugin.baseline_files import staleness
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.progress import Progress
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.sql_files import critical_of
from pam_rollback.plugin.topics.database import evaluated
from pam_rollback.plugin.topics.records import Memory
from pam_rollback.probe.observation import Observation
from pam_rollback.stats.percentiles import Distribution
from pam_rollback.target.environment import Environment
from pam_rollback.target.offline import refuse_when_offline


@pytest.fixture
def judged(request: pytest.FixtureRequest, scored: Scored) -> EnterJudged:
    """Enters what was found of a criterion into the decision, its figures into the table of criteria, and gives it back.

    Raises MeasurementFailed where that is not known: unknown is neither met nor not.
    """

    def enter(fact: AnyJudged, /) -> AnyJudged:
        request.node.user_properties.append((FINDING, fact.finding.as_data()))
        scored(fact)
        if fact.finding.state is State.UNKNOWN:
            raise MeasurementFailed(fact.finding.words)
        return fact

    return enter


_RETRIED: Mapping[str, tuple[str, str]] = {
    DOWNTIME: ("watch", "downtime"),
    ERRORS: ("watch", "errors"),
    FAR_SLOWER: ("slower", "far"),
    SLOWER: ("slower", "noticeable"),
    DATA: ("user_data", ""),
    CORRUPTED: ("user_data", ""),
    MEMORY: ("memory_trend", ""),
}
"""By which fixture a criterion is judged, and which part of it: no other is asked for."""


def retest(criterion: str) -> tuple[str, Callable[[Any], tuple[bool, str]]] | None:
    """Criteria of the decision. Between the criteria is not gone: what asked for a rollback must be clear."""
    if criterion not in _RETRIED:
        return None
    fixture, part = _RETRIED[criterion]

    def judge(judged_now: Any) -> tuple[bool, str]:
        found: Judged = getattr(judged_now, part) if part else judged_now
        if found.finding.state is State.UNKNOWN:
            raise MeasurementFailed(found.finding.words)
        return found.finding.state is State.CLEAR, str(found)

    return fixture, judge


@pytest.fixture(scope="session")
@titled("Users' answers are watched for the times that the plan gives")
@needs(waits="window")
def watch(
    observation: Observation,
    environment: Environment,
    plan: Plan,
    runbook: Runbook,
    waiter: Waiter,
    clock: Clock,
    progress: Progress,
) -> Watch:
    """Every criterion with a time, looking back from now; all share one wait, which ends as soon as more would change nothing.

    What was seen since the session began counts, unless the browsers of the tests before shared the machine with the service, as on the
    sandbox: then it is watched from now on. Raises MeasurementFailed when the prober is gone, or this machine is offline.
    """
    watcher = Watcher(observation, plan, runbook.pace, _latencies_before(runbook))
    start_s = clock.monotonic_s() if is_loopback(environment.urls.api) else observation.began_s

    def judged_now() -> SeenByWatcher:
        seen = watcher.seen(start_s)
        progress.tell(f"  … watching, {seen.span.length_s:.0f} of {watcher.longest_s:.0f} s at most: {seen.briefly}")
        return seen

    seen = waiter.until(
        judged_now,
        holds=lambda seen: seen.final,
        within_s=watcher.longest_s + 3 * environment.probing.timeout_s + 10,
        what="the users' answers are watched",
        every_s=0.5,
    )
    progress.done()
    if seen.watch.downtime.finding.state is not State.CLEAR:
        refuse_when_offline(environment, "users are not answered")
    return seen.watch


@pytest.fixture(scope="session")
@titled("Users' answers are held against the baseline's")
def slower(watch: Watch, environment: Environment, runbook: Runbook) -> Slowdown:
    """IR-4 and CR-5. Raises MeasurementFailed when there is no baseline that counts, with the command that takes one."""
    stale = staleness(runbook)
    if stale:
        raise MeasurementFailed(f"whether answers are slower than before is not known: {stale}")
    if runbook.stored is not None:
        _ = runbook.stored.answers
    if watch.far_slower is None or watch.slower is None:
        raise MeasurementFailed(
            "whether answers are slower than before is not known without a baseline: give --baseline FILE; one is taken, while all is "
            f"well, with: pytest -m baseline --env {shlex.quote(runbook.options.env)}"
        )
    return Slowdown(watch.far_slower, watch.slower)


def _latencies_before(runbook: Runbook) -> Distribution | None:
    """Those of a baseline that is young enough; what else is watched does not depend on there being one."""
    stored = runbook.stored
    return None if stored is None or stored.overall is None or staleness(runbook) else stored.overall.latencies


@pytest.fixture(scope="session")
@titled("Every invariant of the users' data is evaluated on one snapshot")
@needs("database")
def user_data(
    environment: Environment,
    plan: Plan,
    runbook: Runbook,
    in_situation: object,
    database_link: DatabaseLink,
    schema_compared: SchemaComparison | MeasurementFailed | None,
    pytestconfig: pytest.Config,
) -> Affected:
    """IR-3: every file of ``checks/integrity`` that is not advisory, and what became of the baseline's schema.

    Raises MeasurementFailed when it is another database.
    """
    invariants, left_out = critical_of(pytestconfig.rootpath, environment)
    results, unknown = evaluated(invariants, environment, plan, runbook)
    database_link.refuse_other()
    # What else is damaged counts without it.
    failed = isinstance(schema_compared, MeasurementFailed)
    of_schema = {invariant.id for invariant in invariants if invariant.anchor == SCHEMA}
    found = judged_data(
        {name: result for name, result in results.items() if name not in of_schema},
        {name: result for name, result in results.items() if name in of_schema},
        {**unknown, **({"the schema": str(schema_compared)} if failed else {})},
        left_out=left_out,
        affected_max=plan.the(RecordLossTrigger).affected_records_max,
        gaps=plan.decision.gaps,
        schema=schema_compared if isinstance(schema_compared, SchemaComparison) else None,
    )
    if found.finding.state is State.CLEAR:
        database_link.confirm_good(found)
    return found


@pytest.fixture(scope="session")
@titled("What the memory of the product's process does")
def memory_trend(memory: Memory, plan: Plan) -> Leak:
    """IR-6."""
    low_below_mb = plan.the(MemoryLimit).memory_mb_max
    return judged_memory(memory.growth, low_below_mb=low_below_mb, gaps=plan.decision.gaps)
