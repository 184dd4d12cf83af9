"""What users see, from before the incident to the end of the window: the prober, what the baseline has, recovery and the window."""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import allure
import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.once import Once
from pam_rollback.core.run_files import TIMELINE_FILE
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateGoal, P95Goal
from pam_rollback.plan.stories import SITUATIONS, objective_of
from pam_rollback.plugin.baseline_files import BaselinePart, Recorded, stored_baseline
from pam_rollback.plugin.earlier_run import refuse_gap
from pam_rollback.plugin.needs import INDEX, needs, titled
from pam_rollback.plugin.progress import Progress, progress_of
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import AS_IS, BASELINE
from pam_rollback.plugin.watched import users
from pam_rollback.probe.held_window import AnswersJudge, HeldWindow, Standings
from pam_rollback.probe.incident import Acted, Incident
from pam_rollback.probe.journeys import HEALTH_JOURNEY
from pam_rollback.probe.measure import Window
from pam_rollback.probe.memory import MemoryGrowth, MemoryWindow, judge_memory, memory_spec, reading_every_s
from pam_rollback.probe.memory_readings import MemoryWatch, memory_reader
from pam_rollback.probe.observation import FIRST_SAMPLES_WITHIN_S, Experience, Observation, SampleSize, answers_of
from pam_rollback.probe.observer import Prober
from pam_rollback.probe.parts import BACK_END, FRONT_END, by_part, probe_config, recovery_of_parts
from pam_rollback.probe.recovery import BAD_SECOND_PCT, OutageRule, Recovery
from pam_rollback.probe.samples import OwnAnswers
from pam_rollback.probe.until_the_end import NAMING, HeldReleases, ReleasesSpec, judge_releases
from pam_rollback.probe.window import WindowSpec, answers_spec, gap_at
from pam_rollback.report.baseline_record import Baseline
from pam_rollback.target.accounts import signed_in
from pam_rollback.target.contract import BACKEND
from pam_rollback.target.environment import Environment
from pam_rollback.target.pam_api import Account
from pam_rollback.target.served_release import ExpectedReleases


def _owner_unsaid(_: pytest.Item, environment: Environment) -> str:
    said = any(one.owner and one.address for one in environment.contract.operations.values())
    return "" if said else f"no answer of {environment.product} says whose it is"


@pytest.fixture(scope="session")
def sign_in(environment: Environment) -> Callable[[], Account]:
    """Sign in as the environment's test account at the first call, for what does without one. Raises MeasurementFailed as ``account``."""
    return Once(lambda: signed_in(environment))


@pytest.fixture(scope="session")
@titled("The test account is signed in at the API")
@needs("test_account")
def account(sign_in: Callable[[], Account]) -> Account:
    """The environment's own test account. Raises MeasurementFailed when it cannot sign in."""
    return sign_in()


@pytest.fixture(scope="session")
def memory_watch(
    situation: str, environment: Environment, runbook: Runbook, plan: Plan
) -> Iterator[MemoryWatch | None]:
    """Readings of the product's own metric, as long as the situation is watched; None where the environment declares no metrics."""
    if "metrics" not in environment.abilities:
        yield None
        return
    every_s = reading_every_s(memory_spec(plan, pace=runbook.pace))
    with MemoryWatch(memory_reader(environment), every_s) as watch:
        yield watch


@pytest.fixture(scope="session")
def prober(
    environment: Environment, evidence: Path, runbook: Runbook, memory_watch: MemoryWatch | None
) -> Iterator[Prober]:
    """A process that asks as users do, and memory beside it; ``observation`` waits for its first answers."""
    file = evidence / TIMELINE_FILE
    with Prober(probe_config(environment, run=runbook.id), file) as begun:
        yield begun
    if file.exists():
        allure.attach.file(str(file), name=TIMELINE_FILE, attachment_type="application/x-ndjson", extension="jsonl")


@pytest.fixture(scope="session")
@titled("The prober watches what users see")
def observation(
    environment: Environment,
    prober: Prober,
    waiter: Waiter,
    runbook: Runbook,
    clock: Clock,
    memory_watch: MemoryWatch | None,
) -> Observation:
    """What users see, from before the incident to the end of the window, and memory beside it."""
    if runbook.records_before:  # a real rollback acts at once
        n = len(prober.config.journeys)
        prober.wait_for_first(n, FIRST_SAMPLES_WITHIN_S + n / prober.config.rate_hz, waiter)
    answered_before, observed = () if runbook.stored is None else runbook.stored.answered, runbook.options.observed
    return Observation.of(prober, environment, clock, memory_watch, observed=observed, answered_before=answered_before)


@pytest.fixture(scope="session")
@titled("Users' answers are held against whose they are")
@needs("test_account", lacking=_owner_unsaid)
def own_answers(observation: Observation, environment: Environment, waiter: Waiter) -> OwnAnswers:
    """All that was answered so far to the reads that say whose they are. Raises MeasurementFailed when nothing is answered."""

    def answered() -> OwnAnswers:
        return OwnAnswers.of(one for one in observation.samples() if one.journey in observation.owning)

    within_s = OwnAnswers.ENOUGH / observation.rate_of(*observation.owning) + 2 * environment.probing.timeout_s
    with suppress(NotReached):
        return waiter.until(
            answered,
            holds=lambda found: bool(found.foreign) or found.n >= OwnAnswers.ENOUGH,
            within_s=within_s,
            what="answers",
            every_s=0.25,
        )
    return answered()


@pytest.fixture(scope="session")
def answers_from_s(observation: Observation, memory_beside: object, clock: Clock, progress: Progress) -> float:
    """From when on answers tell how it was before. They come in by themselves: whoever waits for them can do something else first."""
    progress.phase("baseline", "recording how things are now")
    return clock.monotonic_s()


@pytest.fixture(scope="session")
@titled("Enough answers are recorded to say how it was before")
def baseline_answers(
    environment: Environment,
    plan: Plan,
    observation: Observation,
    answers_from_s: float,
    waiter: Waiter,
    progress: Progress,
) -> Recorded:
    """As many answers as the plan asks for, with memory read meanwhile: 15 s on the sandbox, 10 minutes elsewhere."""
    answers = SampleSize(observation, environment, plan, waiter, progress)
    return Recorded(fields=answers_of(answers.since(answers_from_s)))


@pytest.fixture(scope="session")
@titled("Enough answers are there to hold them against the baseline")
@needs(baseline=INDEX, waits="answers")
def experience(
    good_since_s: float,
    observation: Observation,
    environment: Environment,
    plan: Plan,
    waiter: Waiter,
    runbook: Runbook,
    progress: Progress,
    baseline: Baseline | None,
) -> Experience:
    """All answers since the recovery, or since the prober began, as many as the baseline must have. Reads only.

    Raises MeasurementFailed when there is no baseline, or it is too old, or has no answers.
    """
    before = stored_baseline(runbook) or baseline
    if before is None:
        raise MeasurementFailed("there is no baseline to compare with: give --baseline FILE")
    _ = before.answers
    answers = SampleSize(observation, environment, plan, waiter, progress)
    found = Experience(answers.since(good_since_s), before, plan)
    # A second look, and no third: whoever looks until it fits finds what they like.
    return found if found.is_decided else Experience(answers.since(good_since_s, times=2), before, plan)


_GIVE_UP_AFTER_OBJECTIVES = 1.5
"""A recovery that takes longer than this many objectives has missed it; waiting on would only delay the answer."""


_SETTLING_S = 10.0


_SILENT_MAX_S = 30.0
"""A machine that is too busy for its prober is behind by seconds."""


_ANSWERED_WITHIN_S = 2.0


_PARTS = {"frontend": FRONT_END, "backend": BACK_END}
"""What users meet of each site that a rollback takes back."""


@pytest.fixture(scope="session")
@titled("Users are well again")
def recovery(
    situation: str,
    rolled_back: Acted,
    incident: Incident,
    observation: Observation,
    plan: Plan,
    waiter: Waiter,
    environment: Environment,
    runbook: Runbook,
    request: pytest.FixtureRequest,
) -> Recovery:
    """From the samples: when the service became good and stayed so. Waits for it, but not much longer than the objective."""
    refuse_gap(runbook)
    rule = OutageRule(limit_pct=BAD_SECOND_PCT, slow_ms=environment.probing.slow_ms)
    objective_s = objective_of(plan, SITUATIONS[situation]).max_s
    needed = [_PARTS[site] for site in SITUATIONS[situation].sites]
    _await_answers(observation, waiter, since_s=rolled_back.decided_s, within_s=environment.probing.timeout_s)
    give_up_s = rolled_back.decided_s + objective_s * _GIVE_UP_AFTER_OBJECTIVES

    def look() -> Recovery:
        settled_s = observation.settled_s
        refuse_silence(
            waiter.clock.monotonic_s() - settled_s, environment.probing.timeout_s, rate_hz=observation.rate_hz
        )
        return recovery_of_parts(
            observation.samples_of_parts(until_s=settled_s),
            observation.series,
            needed=needed,
            incident_s=incident.started_s,
            decision_s=rolled_back.decided_s,
            rule=rule,
            acted_s=rolled_back.began_s,
        )

    found = waiter.until(
        look,
        holds=lambda found: found.recovered_s is not None or observation.settled_s >= give_up_s,
        within_s=objective_s * (_GIVE_UP_AFTER_OBJECTIVES + 1) + environment.probing.timeout_s,
        what="users are well again, or the objective is missed",
        every_s=0.25,
    )

    def at(moment_s: float) -> datetime:
        return runbook.started + timedelta(seconds=moment_s - runbook.started_s)

    told = users(found.within(objective_s), at, datetime.now().astimezone().tzinfo)
    progress_of(request.config, runbook).phase("users", told)
    return found


def refuse_silence(silent_s: float, timeout_s: float, *, rate_hz: float) -> None:
    """Nobody waits for what a prober that runs and records nothing could tell. Raises MeasurementFailed."""
    if silent_s > timeout_s + max(_SILENT_MAX_S, gap_at(rate_hz)):
        raise MeasurementFailed(
            f"whether users are well again is not known: the prober has recorded nothing for {silent_s:.0f} s; is the disk full?"
        )


def _await_answers(observation: Observation, waiter: Waiter, *, since_s: float, within_s: float) -> None:
    """A rollback can be done before a slow service has answered the first probe after the decision, or before the prober has begun."""
    observation.wait_for_first(waiter)

    asked = [one for one in observation.series if one.journeys]

    def answered() -> bool:
        own = by_part(observation.samples_of_parts(since_s, observation.settled_s), asked)
        return all(any(one.due_s > since_s and one.measured() for one in samples) for samples in own.values())

    within_s += _ANSWERED_WITHIN_S + 2 / observation.slowest_part_hz
    with suppress(NotReached):  # whoever judges says that recovery was not observed
        waiter.until(answered, holds=bool, within_s=within_s, what="a probe of each part after the decision")


@pytest.fixture(scope="session")
def good_since_s(
    situation: str,
    in_situation: object,
    observation: Observation,
    clock: Clock,
    runbook: Runbook,
    request: pytest.FixtureRequest,
) -> float:
    """From when on the service has to be good: the recovery in a story, elsewhere the beginning of the session's watch.

    Answers from before the recovery say nothing of what came after it. After a rollback that was not done, or did not help: from now on.
    """
    if situation in {AS_IS, BASELINE}:
        return min((sample.due_s for sample in observation.samples()), default=clock.monotonic_s())
    if not isinstance(in_situation, ActionFailed) and runbook.resumed is None:
        found: Recovery = request.getfixturevalue(
            "recovery"
        )  # it waits for users who are ill, and there are none elsewhere
        if found.recovered_s is not None:
            return found.recovered_s
    return clock.monotonic_s()


def _no_release_named(environment: Environment) -> str:
    backend = environment.contract.health[BACKEND]
    if why := environment.unasked(backend):
        return why
    if not backend.names_release:
        return f"the back end of {environment.product} names no release in its health"
    weight = environment.probing.weights.get(HEALTH_JOURNEY, 1)
    return "" if weight else "health, which names the release, is not probed ([probing.weights] health = 0)"


def from_its_end_s(in_situation: object, runbook: Runbook, *, start_s: float) -> float:
    """From when on the same process of the same release has to answer: users may be well before the last step of a rollback is done."""
    if runbook.resumed is not None:  # its moments may be of another boot
        return start_s
    return max(start_s, getattr(in_situation, "finished_s", start_s))


def releases_spec(
    environment: Environment,
    observation: Observation,
    errors: WindowSpec,
    in_situation: object,
    expected: ExpectedReleases,
    commits: ExpectedReleases,
    *,
    start_s: float,
) -> ReleasesSpec | None:
    """The releases over the time of the error rate; after a rollback from its end on: until then the old one may answer."""
    if _no_release_named(environment):
        return None
    # A rollback that stopped half way leaves one release or the other: from then on it has to stay.
    if isinstance(in_situation, ActionFailed):
        expected = commits = ExpectedReleases()
    gap_max_s = max(errors.gap_max_s, gap_at(observation.rate_of(HEALTH_JOURNEY)))
    return ReleasesSpec(
        expected=expected, start_s=start_s, duration_s=errors.duration_s, gap_max_s=gap_max_s, commits=commits
    )


@pytest.fixture(scope="session")
@titled("A window over the success criteria is open")
@needs(waits="window")
def held_window(
    situation: str,
    good_since_s: float,
    running_release: str,
    observation: Observation,
    waiter: Waiter,
    clock: Clock,
    progress: Progress,
    plan: Plan,
    runbook: Runbook,
    environment: Environment,
    in_situation: object,
    expected_releases: ExpectedReleases,
    expected_commits: ExpectedReleases,
) -> HeldWindow:
    """Error rate (SC-1), p95 (SC-2) and memory (SC-3) over one window that all who ask for it share."""
    progress.phase("window", "watching the success criteria for the time the plan asks")
    errors_goal, p95_goal = plan.the(ErrorRateGoal), plan.the(P95Goal)
    start_s, watch = good_since_s, observation.memory
    slowest_hz = observation.slowest_part_hz
    spec = partial(answers_spec, environment=environment, pace=runbook.pace, slowest_hz=slowest_hz)
    errors_at = partial(spec, errors_goal, errors_goal.error_rate_pct_max)
    p95_at = partial(spec, p95_goal, p95_goal.p95_ms_max)
    errors, p95 = errors_at(slowest_hz), p95_at(slowest_hz)
    answers = AnswersJudge(observation, errors_at, p95_at)
    memory = memory_spec(plan, pace=runbook.pace)
    memory_s = from_its_end_s(in_situation, runbook, start_s=start_s)
    releases = releases_spec(
        environment, observation, errors, in_situation, expected_releases, expected_commits, start_s=memory_s
    )
    longest_s = max(errors.duration_s, p95.duration_s, memory.duration_s)
    if situation not in {AS_IS, BASELINE}:
        runbook.journal_of(situation).append(
            "window-began", start_s=start_s, asked_s=errors.asked_s, observed_s=errors.duration_s
        )

    def judged() -> Standings:
        settled_s, now_s = observation.settled_s, clock.monotonic_s()
        error_rate, latency_p95 = answers(start_s=start_s, now_s=now_s)
        held = judge_memory(watch.readings, watch.missed, memory, start_s=memory_s, now_s=now_s) if watch else None
        served = None
        if releases is not None:
            named = observation.asked(NAMING, releases.start_s, math.inf)
            served = judge_releases(named, releases, settled_s=settled_s)
        return Standings(now_s - start_s, longest_s, error_rate, latency_p95, held, served)

    def later_memory(number: int) -> MemoryWindow:
        assert watch is not None, "asked for once memory was read"
        begin_s = memory_s + number * memory.duration_s
        return judge_memory(watch.readings, watch.missed, memory, start_s=begin_s, now_s=clock.monotonic_s())

    within_s = longest_s + 3 * environment.probing.timeout_s + _SETTLING_S
    return HeldWindow(judged, later_memory=later_memory, within_s=within_s, waiter=waiter, progress=progress)


@pytest.fixture(scope="session")
@titled("The error rate is watched for its time")
def held_error_rate(held_window: HeldWindow) -> Window:
    """SC-1: as soon as it is broken, and only when the window is complete otherwise."""
    return held_window.error_rate()


@pytest.fixture(scope="session")
@titled("Response times are watched for their time")
def held_response_time(held_window: HeldWindow) -> Window:
    """SC-2: as soon as it is broken, and only when the window is complete otherwise."""
    return held_window.latency_p95()


@pytest.fixture(scope="session")
@titled("Which release answers is watched for its time")
@needs(lacking=lambda _, environment: _no_release_named(environment))
def held_releases(held_window: HeldWindow) -> HeldReleases:
    """HC-1 and HC-2: as soon as another release answers, and only when the window is complete otherwise."""
    return held_window.releases()


@pytest.fixture(scope="session")
@titled("Memory is watched for its time")
@needs("metrics")
def held_memory(held_window: HeldWindow) -> MemoryWindow:
    """SC-3: as soon as it is broken, and only when the window is complete otherwise."""
    return held_window.memory()


@pytest.fixture(scope="session")
@titled("Where memory leads is watched")
@needs("metrics")
def held_memory_trend(held_window: HeldWindow) -> MemoryGrowth:
    """SC-3: growth in a shortened window counts when the windows after it grow, too."""
    return held_window.memory_trend()


@pytest.hookimpl(tryfirst=True)
def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """The users' answers, before whatever else is recorded."""
    what, begins = "a service that answers, long enough", ("answers_from_s",)
    return [BaselinePart("answers", "baseline_answers", what, quick=True, begins=begins)]
