"""What is wrong now: planted on the sandbox and seen, or declared by the person who rolls back for real.

Each kind of session has a fixture of its own, whose arguments are what is started before there is an incident, in that order.
"""

from collections.abc import Callable, Iterator

import allure
import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from pam_rollback.notify.escalating import Escalation
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateTrigger
from pam_rollback.plugin.earlier_run import sole_writer
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.progress import progress_of
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import SITUATIONS_KEY
from pam_rollback.probe.incident import ErrorRate, Incident
from pam_rollback.probe.observation import Observation
from pam_rollback.report.baseline_record import Baseline
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.lock import WriterLock
from pam_rollback.rollback.planting import Planting, planted_in
from pam_rollback.rollback.release_proof import MarksSeen, Sighting
from pam_rollback.target.contract import BACKEND
from pam_rollback.target.environment import Environment
from pam_sandbox.remote import Remote

_SECOND_S = 1.0
_RELEASE_WITHIN_S = 2.0  # a broken API must not delay its own rollback


@pytest.fixture(scope="session")
def release_seen_before(situation: str, environment: Environment, runbook: Runbook, clock: Clock) -> Sighting:
    """The release that the API names before anything is done, and when; an empty one when it names none."""
    if not environment.contract.health[BACKEND].names_release:
        return Sighting(clock.wall(), "")  # `marks_before` is asked instead
    answer = fetch(
        environment.url_of("version"), deadline_s=min(_RELEASE_WITHIN_S, environment.probing.request_deadline_s)
    )
    body = answer.json
    # Today's product names its release under "version".
    release = str(body.get("release") or body.get("version") or "") if isinstance(body, dict) else ""
    runbook.saw_release(release)
    return Sighting(clock.wall(), release)


@pytest.fixture(scope="session")
def running_release(release_seen_before: Sighting) -> str:
    """The release that the API names before anything is done; empty when it names none."""
    return release_seen_before.version


@pytest.fixture(scope="session")
@titled("The incident is there and seen")
def incident(
    situation: str,
    runbook: Runbook,
    running_release: str,
    marks_before: MarksSeen | None,
    escalation: Escalation,
    request: pytest.FixtureRequest,
) -> Incident:
    """In a drill: planted, and seen above the plan's limit, or else NothingToProve. In a real rollback: as declared.

    People who are told of it hear of its end after it is gone, so ``escalation`` comes before it.
    """
    if runbook.options.real:
        kind = "declared_incident"
    elif runbook.resumed is not None:
        kind = "resumed_incident"
    else:
        kind = "no_incident" if runbook.undamaged else "planted_incident"
    # By name: a real rollback starts nothing that a drill does, and a resumed one plants nothing.
    found: Incident = request.getfixturevalue(kind)
    progress_of(request.config, runbook).phase("incident", found.description)
    return found


@pytest.fixture(scope="session")
def declared_incident(
    situation: str,
    runbook: Runbook,
    running_release: str,
    nothing_seen: ErrorRate,
    watch_users: Callable[[], Observation],
) -> Incident:
    """A real rollback does not wait for proof: when in doubt, it acts first. What cannot be measured does not keep it from acting."""
    return Incident(
        description=runbook.options.reason,
        release=running_release,
        started_s=None,
        seen=_as_seen(watch_users, nothing_seen),
        observed=runbook.options.observed,
    )


@pytest.fixture(scope="session")
def planted_incident(
    situation: str,
    environment: Environment,
    running_release: str,
    nothing_seen: ErrorRate,
    planting: Planting,
    sandbox_as_it_was: None,
    observation: Observation,
    well_before: None,
    written_before: None,
) -> Iterator[Incident]:
    """A drill on a sandbox: this session alone acts there, it is whole, users are watched and well, and their writes are acknowledged."""
    planted = planted_in(situation, environment)
    with planting.planted(planted, observation, nothing_seen, running_release, allure.step) as seen:
        yield seen


@pytest.fixture(scope="session")
def no_incident(
    situation: str,
    runbook: Runbook,
    running_release: str,
    nothing_seen: ErrorRate,
    sole_writer_here: WriterLock,
    observation: Observation,
    written_before: None,
    well_before: None,
) -> Incident:
    """A drill on staging plants nothing: this session alone acts there, users' writes are acknowledged, and users are well.

    The writes come before the baseline, which may take ten minutes there: without them nothing begins.
    """
    return _nothing(runbook, running_release, _as_seen(lambda: observation, nothing_seen))


@pytest.fixture(scope="session")
def resumed_incident(
    situation: str,
    runbook: Runbook,
    running_release: str,
    nothing_seen: ErrorRate,
    sole_writer_here: WriterLock,
    planting: Planting | None,
    watch_users: Callable[[], Observation],
) -> Iterator[Incident]:
    """A drill that goes on: the first session planted the incident and saw it, and it may be over by now."""
    resumed = runbook.resumed
    assert resumed is not None, "asked for in a resumed session"
    if planting is None:
        observation = watch_users()
        yield _nothing(runbook, running_release, _as_seen(lambda: observation, nothing_seen))
        return
    try:
        yield Incident(resumed.reason, running_release, started_s=resumed.planted_s, seen=nothing_seen)
    finally:
        planting.take_away()


@pytest.fixture(scope="session")
@titled("One session at a time changes this environment")
def sole_writer_here(environment: Environment, runbook: Runbook, pytestconfig: pytest.Config) -> Iterator[WriterLock]:
    """The locks of all that this session may change. Raises Refused when another one has them; what cannot be told stops nobody."""
    with sole_writer(runbook, pytestconfig.stash[SITUATIONS_KEY].stories) as lock:
        said = _warn(runbook, lock, 0)
        yield lock
    _warn(runbook, lock, said)


def _warn(runbook: Runbook, lock: WriterLock, said: int) -> int:
    """Put what the lock has to say into the journal, and so into the verdict; gives how much there is."""
    for warning in lock.warnings[said:]:
        runbook.journal.warn("lock", warning)
    return len(lock.warnings)


@pytest.fixture(scope="session")
def nothing_seen(plan: Plan, runbook: Runbook) -> ErrorRate:
    """No answer yet, over the time and against the limit of the plan's own trigger (IR-5)."""
    trigger = plan.the(ErrorRateTrigger)
    over_s = max(_SECOND_S, trigger.duration_s / runbook.pace)
    return ErrorRate(errors=0, n=0, over_s=over_s, limit_pct=trigger.error_rate_pct_max)


@pytest.fixture(scope="session")
def planting(environment: Environment, journal: Journal, waiter: Waiter) -> Planting | None:
    """The sandbox to plant a fault in; None elsewhere, where nothing is planted."""
    if environment.sandbox is None:
        return None
    controls = Remote(environment.sandbox.control_url, environment.sandbox.token)
    return Planting(controls, environment, journal, waiter)


@pytest.fixture(scope="session")
def sandbox_as_it_was(
    situation: str,
    sandbox_controls: Remote,
    sole_writer_here: WriterLock,
    planting: Planting,
    plan: Plan,
    runbook: Runbook,
) -> None:
    """The sandbox is as it was when it started. Raises NothingToProve when an earlier drill left something behind.

    The lock comes first: the quarter of a minute that a baseline takes must not be another session's incident.
    """
    planting.refuse_broken_sandbox(plan, runbook.journal, own=runbook.own_sandbox)


@pytest.fixture(scope="session")
def well_before(situation: str, writes_watched: None, baseline: Baseline | None, plan: Plan) -> None:
    """How it is while all is well is recorded, under the same writes as later. Raises MeasurementFailed when it is not well."""
    if baseline is None or baseline.answers.error_rate_pct > plan.the(ErrorRateTrigger).error_rate_pct_max:
        raise MeasurementFailed(
            f"the service is broken before anything was planted ({baseline}): this drill could prove nothing"
        )


@pytest.fixture(scope="session")
def watch_users(situation: str, request: pytest.FixtureRequest) -> Callable[[], Observation]:
    """Start the prober at the first call. Raises MeasurementFailed when users cannot be watched.

    For what must not wait for a prober, nor fail with it: a real rollback acts first.
    """

    def watch() -> Observation:
        observation: Observation = request.getfixturevalue("observation")
        return observation

    return watch


def _as_seen(watch_users: Callable[[], Observation], unseen: ErrorRate) -> ErrorRate:
    """What users see now, as far as it can be measured."""
    try:
        return watch_users().error_rate(over_s=unseen.over_s, limit_pct=unseen.limit_pct)
    except MeasurementFailed:
        return unseen


def _nothing(runbook: Runbook, release: str, seen: ErrorRate) -> Incident:
    """Nothing is wrong."""
    return Incident(f"nothing is wrong: {runbook.options.reason}", release, started_s=None, seen=seen)
