"""What all strategies have in common: the action in the journal, the target found once, the undo at the end of a drill, the evidence.

And what a session does of a rollback beside its fixtures: what it would do, its notes, how its changes are put back.

When an action was not done to its end, it says how users are: whoever is called at night must not be sent to a stronger strategy when
users are well. So the prober's record is looked at for a few seconds, longer only as long as nothing bad is seen any more.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import allure
import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.configuration import ConfigurationError, Problem
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, StopRequested
from pam_rollback.core.figures import duration
from pam_rollback.core.run_files import JOURNAL, SETTINGS_FILE, TIMELINE_FILE
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.notify.briefing import WELL_FOR_S, Ending, Users, UsersNow, ending_of, users_now
from pam_rollback.notify.escalating import Escalation
from pam_rollback.notify.slack import team_channel
from pam_rollback.plan.flags import TeamNotice
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import Strategy
from pam_rollback.plan.stories import NOT_JUDGED, STORIES, Story
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.baseline_files import BaselinePart
from pam_rollback.plugin.listeners import undo_kinds
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.progress import progress_of
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.probe.incident import Incident
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.recovery import BAD_SECOND_PCT, GAP_MAX_S, OutageRule
from pam_rollback.rollback.asked_users import AskedUsers, asked_users
from pam_rollback.rollback.journal import ACTION, FINISHED, TARGET, Journal
from pam_rollback.rollback.provider_access import PROVIDERS
from pam_rollback.rollback.sandbox_proof import PLANTED_BEFORE
from pam_rollback.rollback.step_list import ActionRecord, StepList, Telling, planned_steps
from pam_rollback.rollback.steps import Narrator
from pam_rollback.rollback.undoing import UndoKinds, beside_actions, undo_all
from pam_rollback.target.environment import Environment
from pam_rollback.target.flag_service import SERVICES
from pam_rollback.target.served_release import ExpectedReleases

if TYPE_CHECKING:
    from pam_rollback.core.question import Call
    from pam_rollback.report.run_record import ActionStep

_ILL_AFTER_S = 3.0
"""Users who still suffer so long after the failure are told of at once."""
_LOOKED_EVERY_S = 0.25
_PATIENCE_S = WELL_FOR_S + _ILL_AFTER_S


def users_after(
    error: BaseException,
    watched: Callable[[], Observation | None],
    environment: Environment,
    waiter: Waiter,
    *,
    incident_s: float | None,
    decided_s: float,
) -> UsersNow:
    """How users are after an action that ended with this error; never raises for what cannot be measured.

    ``watched`` gives None when nobody did. A person who stopped the session waits for nothing.
    """
    stopped = isinstance(error, StopRequested | KeyboardInterrupt)
    clock = waiter.clock
    rule = OutageRule(limit_pct=BAD_SECOND_PCT, slow_ms=environment.probing.slow_ms)
    found = UsersNow(Users.UNKNOWN, "nobody watched")
    try:
        observation = watched()
        if observation is None:
            return found
    except MeasurementFailed as problem:
        return UsersNow(Users.UNKNOWN, str(problem))
    failed_s = clock.monotonic_s()

    def look() -> UsersNow:
        nonlocal found
        settled_s = observation.settled_s
        behind_s = clock.monotonic_s() - settled_s
        if behind_s > environment.probing.timeout_s + GAP_MAX_S:
            found = UsersNow(Users.UNKNOWN, f"the prober is {behind_s:.0f} s behind")
        else:
            samples = observation.samples(until_s=settled_s)
            found = users_now(samples, incident_s=incident_s, decided_s=decided_s, now_s=settled_s, rule=rule)
        return found

    def known(now: UsersNow) -> bool:
        suffering = now.state is Users.ILL and clock.monotonic_s() - failed_s >= _ILL_AFTER_S
        return now.state is Users.WELL or suffering

    try:
        if stopped:
            return look()
        return waiter.until(look, holds=known, within_s=_PATIENCE_S, what="users are well", every_s=_LOOKED_EVERY_S)
    except (NotReached, StopRequested):
        return found
    except MeasurementFailed as problem:
        return UsersNow(Users.UNKNOWN, str(problem))


@dataclass
class Action(StepList):
    """One rollback under way: why and since when, for whom, and what to say; and its steps, see ``StepList.step``."""

    story: Story
    strategy: Strategy
    decided_s: float
    reason: str
    message: str
    initiated_by: str
    runbook: Runbook
    environment: Environment
    journal: Journal
    """This situation's."""
    clock: Clock
    narrate: Narrator
    """Shows each step in the report."""
    followed: ExitStack
    """Who is told hears of the end when it is closed."""
    users: AskedUsers
    """Of whom it is asked in the end what they get."""
    notice: TeamNotice | None

    def __post_init__(self) -> None:
        """Begin with no step."""
        super().__init__(self.journal)

    @property
    def run_id(self) -> str:
        """Return the run's own id."""
        return self.runbook.id

    @contextmanager
    def apart(self) -> Iterator[StepList]:
        """Have steps listed that are part of one of the action's: carried out at the block's end, without telling the team of them."""
        steps = StepList(self.journal)
        yield steps
        steps.carry_out(Telling(None, "", self.journal, self.clock, self.narrate), self.decided_s)

    def to_its_end(self) -> None:
        """Carry the listed steps out, tell the team, and note that it is done. Raises StepsFailed, after that was told."""
        telling = Telling(self.notice, self.message, self.journal, self.clock, self.narrate)
        self.carry_out(telling, self.decided_s)
        self.finished()

    def target(self, find: Callable[[], Mapping[str, Any]], *, part: str = "") -> Mapping[str, Any]:
        """Return what to bring about: found once, shown in the journal before acting; a resumed run keeps what its first run found.

        ``part`` tells apart what has a target of its own.
        """
        known = self.journal.latest(TARGET, part=part) if self.runbook.resumed is not None else None
        if known is not None:
            facts: Mapping[str, Any] = known["facts"]
            return facts
        found = dict(find())
        self.journal.append(TARGET, story=self.story.name, part=part, facts=found)
        return found

    def finished(self) -> None:
        """Note that the action was done to its end."""
        self.journal.append(FINISHED, story=self.story.name)
        self.followed.close()
        if self.runbook.kept_to is not None:
            self.runbook.kept_to.patient = True


@dataclass(frozen=True)
class Run:
    """What every rollback of a situation works with. It begins one, and puts it back when a drill ends."""

    runbook: Runbook
    environment: Environment
    plan: Plan
    clock: Clock
    escalation: Escalation
    journal: Journal
    incident: Incident
    notice: TeamNotice | None
    undo_kinds: Callable[[], UndoKinds]
    waiter: Waiter
    watched: Callable[[], Observation | None]
    """Looked at only when an action fails: what cannot be measured keeps none from acting."""

    @contextmanager
    def rollback(self, name: str) -> Iterator[Action]:
        """Have the steps listed in the block, and carry them out at its end. Raises StepsFailed, after that was told."""
        with self.begin(STORIES[name]) as action:
            yield action
            action.to_its_end()

    @contextmanager
    def begin(self, story: Story) -> Iterator[Action]:
        """Note that the action begins, and have its end told, whichever it is."""
        runbook, options, journal, incident = self.runbook, self.runbook.options, self.journal, self.incident
        earlier = journal.entries() if runbook.resumed is not None else []
        strategy = self.plan.strategy(story.strategy)
        reason = options.reason or incident.description
        if runbook.resumed is not None:
            decided_s, reason = runbook.resumed.decided_s, runbook.resumed.reason or options.reason
        else:
            decided_s = runbook.started_s if options.real else self.clock.monotonic_s()
        journal.append(
            ACTION,
            run=runbook.id,
            strategy=story.name,
            environment=self.environment.name,
            api=self.environment.urls.api,
            mode=options.mode,
            reason=reason,
            observed=list(incident.observed),
            initiated_by=self.initiated_by,
            decided_s=decided_s,
            resumed=runbook.resumed is not None,
        )
        head = "DRILL, nothing is wrong: " if not options.real else ""
        why = "; ".join([reason, *incident.observed])
        message = f"{head}{strategy.message(environment=self.environment.name, why=why, run=runbook.id)}"

        def how_it_ended(error: BaseException) -> Ending:
            after = duration(self.clock.monotonic_s() - decided_s)
            users = users_after(
                error,
                self.watched,
                self.environment,
                self.waiter,
                incident_s=incident.started_s,
                decided_s=decided_s,
            )
            ending = ending_of(error, journal.entries(), users, run_id=runbook.id, after=after)
            return replace(ending, news=runbook.secrets.redact(ending.news))

        with ExitStack() as followed:
            followed.enter_context(self.escalation.following(earlier, how_it_ended=how_it_ended))
            yield Action(
                story=story,
                strategy=strategy,
                decided_s=decided_s,
                reason=reason,
                message=message,
                initiated_by=self.initiated_by,
                runbook=runbook,
                environment=self.environment,
                journal=journal,
                clock=self.clock,
                narrate=allure.step,
                followed=followed,
                users=asked_users(self.environment, runbook.id),
                notice=self.notice,
            )

    @property
    def initiated_by(self) -> str:
        """Return who rolls back."""
        return self.runbook.options.initiated_by or "pam-rollback-drill"

    def ended(self) -> None:
        """Put back in a drill what the action changed, and attach the journal. A real rollback is undone by ``--undo`` only."""
        try:
            if not self.runbook.options.real:
                with allure.step("undo: everything as it was before the drill"):
                    kinds = self.undo_kinds()
                    left = beside_actions(kinds)
                    undo_all(self.journal, self.environment, kinds, initiated_by=self.initiated_by, left_to_others=left)
        finally:
            _attach_journal(self.journal, self.runbook)


@pytest.fixture(scope="session")
@titled("A rollback can begin, and a drill is put back at its end")
def run(
    situation: str,
    incident: Incident,
    writes_watched: None,
    sole_writer_here: object,
    runbook: Runbook,
    environment: Environment,
    plan: Plan,
    clock: Clock,
    waiter: Waiter,
    journal: Journal,
    escalation: Escalation,
    incident_channel: TeamNotice | None,
    watch_users: Callable[[], Observation],
    pytestconfig: pytest.Config,
) -> Iterator[Run]:
    """Begin an action once the incident is seen, users' writes are watched and nobody else acts; put a drill back at its end."""

    def watched() -> Observation | None:
        return watch_users() if (runbook.evidence(situation) / TIMELINE_FILE).exists() else None

    begun = Run(
        runbook,
        environment,
        plan,
        clock,
        escalation,
        journal,
        incident,
        incident_channel,
        partial(undo_kinds, pytestconfig),
        waiter,
        watched,
    )
    yield begun
    begun.ended()


@pytest.fixture(scope="session")
def incident_channel(environment: Environment) -> TeamNotice | None:
    """Who tells the team; None where the environment declares nobody."""
    return team_channel(environment)


@pytest.fixture(scope="session")
@titled("The rollback of this situation is done")
def rolled_back(in_situation: Any) -> ActionRecord:
    """What the situation's action did, whichever strategy it was. Raises ActionFailed when it was not done."""
    if isinstance(in_situation, ActionFailed):
        raise in_situation
    if in_situation is None:
        raise MeasurementFailed("no rollback was done in this situation")
    done: ActionRecord = in_situation
    return done


def _attach_journal(journal: Journal, runbook: Runbook) -> None:
    lines = [json.dumps(entry, ensure_ascii=False) for entry in journal.entries()]
    if lines:
        allure.attach(
            runbook.secrets.redact("\n".join(lines) + "\n"),
            name=JOURNAL,
            attachment_type="application/x-ndjson",
            extension="jsonl",
        )


_LAST_PUT_BACK = {"planted_incident", "resumed_incident", "no_incident"}
"""The fixtures of which one is the last of a drill that is put back."""


@pytest.hookimpl(tryfirst=True)
def pytest_pam_preflight(environment: Environment, plan: Plan, to: ExpectedReleases) -> "list[Call]":
    """What each strategy stands on."""
    from pam_rollback.rollback.preflight_questions import calls  # noqa: PLC0415 - loads every client

    return calls(environment, plan, to)


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """By what releases of the back end are told apart, and flags and settings as they were."""
    given_by = "what gives them: flag_evaluation, test_account"
    return [
        BaselinePart(
            "what tells releases apart",
            "marks_recorded",
            "[[marks]] in the product's contract",
            ("backend_host",),
            quick=True,
        ),
        BaselinePart("flags and settings", "settings_recorded", given_by, quick=True, file=SETTINGS_FILE),
    ]


def pytest_pam_begins(environment: Environment) -> None:
    """Whoever answers for a site there, or switches flags, has to be known."""
    sites = {"[frontend_host] provider": environment.frontend_host, "[backend_host] provider": environment.backend_host}
    for key, named in sites.items():
        if named is not None and named.provider not in PROVIDERS:
            raise _unknown(environment, key, named.provider, "pam_rollback.rollback.provider_access.PROVIDERS")
    if environment.flag_service and environment.flag_service not in SERVICES:
        raise _unknown(
            environment, "flag_service", environment.flag_service, "pam_rollback.target.flag_service.SERVICES"
        )


def _unknown(environment: Environment, key: str, name: str, where: str) -> pytest.UsageError:
    what = f"nobody knows {name!r}: a conftest.py adds it to {where}"
    return pytest.UsageError(str(ConfigurationError(f"environment {environment.name}", [Problem(key, what)])))


def pytest_pam_undo_kinds() -> UndoKinds:
    """Those of the strategies, and of a planted incident."""
    from pam_rollback.rollback.undo_kinds import UNDO_KINDS  # noqa: PLC0415 - loads every strategy

    return UNDO_KINDS


@pytest.hookimpl(tryfirst=True)
def pytest_pam_planned(plan: Plan, environment: Environment, stories: Sequence[str]) -> "list[ActionStep]":
    """The steps of its stories, before whatever else it would do."""
    return list(planned_steps(plan, stories, environment))


@pytest.hookimpl(tryfirst=True)
def pytest_pam_notes(runbook: Runbook) -> list[str]:
    """What limits what a drill shows: that nothing was planted, or that something was before it began."""
    journal = runbook.journal
    entries = journal.entries()
    if not entries:
        return []
    limits = [f"{NOT_JUDGED}: nothing was planted here"] if runbook.undamaged and journal.action_began else []
    return [
        *limits,
        *(
            f"planted in the sandbox before {entry.get('situation', 'the drill')} began: {', '.join(map(str, entry['faults']))}"
            for entry in entries
            if entry["event"] == PLANTED_BEFORE
        ),
    ]


def pytest_fixture_post_finalizer(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """A drill has put back what it changed."""
    runbook = runbook_module.of(request.config)
    if runbook is None or fixturedef.argname not in _LAST_PUT_BACK or runbook.options.real:
        return
    if runbook.journal.action_began and not runbook.journal.owed():
        progress_of(request.config, runbook).phase("undo", "everything is as it was before the drill")
