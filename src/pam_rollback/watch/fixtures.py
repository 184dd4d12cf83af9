"""The watch: a turn of looks at what users are answered, and the incident that they may show."""

import os
import secrets
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.base.clock import Clock
from pam_rollback.base.errors import MeasurementFailed, Refused
from pam_rollback.base.outside_text import one_line
from pam_rollback.base.wait import Waiter
from pam_rollback.communication.service.team_channel import TeamChannel, team_channel
from pam_rollback.decision.fixtures.decision import Watcher
from pam_rollback.decision.rules.decision import Finding, State, decide
from pam_rollback.decision.rules.decision_measures import DOWNTIME, ERRORS, FAR_SLOWER, SLOWER
from pam_rollback.decision.rules.decision_states import MEMORY
from pam_rollback.decision.service.recommending import Here, recommended
from pam_rollback.environment.environment import Environment
from pam_rollback.observation.fixtures.observation import Observation
from pam_rollback.observation.rules.journeys import HEALTH_JOURNEY
from pam_rollback.observation.rules.probed_journeys import probe_config
from pam_rollback.observation.service import asked
from pam_rollback.observation.service.blocked import Lookout, Sorting
from pam_rollback.observation.service.prober import Prober, start_prober
from pam_rollback.outside.http import fetch
from pam_rollback.plan.plan import Plan
from pam_rollback.product.client.offline import refuse_when_offline
from pam_rollback.product.rules.limits import Asks, Steady
from pam_rollback.records.service.memory_lately import Lately, memory_lately
from pam_rollback.report.in_short import in_short
from pam_rollback.report.run_record import read
from pam_rollback.rollback.service.writer_lock import environment_lock
from pam_rollback.session import listeners
from pam_rollback.session.asks import Around, asks
from pam_rollback.session.baseline_files import staleness
from pam_rollback.session.progress import Progress
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.titles import titled
from pam_rollback.stats.distribution import Distribution
from pam_rollback.watch.client.files import NOTES, WatchFiles
from pam_rollback.watch.client.own_code import OwnCode
from pam_rollback.watch.client.session import WITHIN_S, Command, starter
from pam_rollback.watch.rules.beside import BESIDE, SELECTED
from pam_rollback.watch.rules.consent import ways_on
from pam_rollback.watch.rules.looks import Look, Streaks
from pam_rollback.watch.rules.memory import is_red_when_it_leaks, memory_found
from pam_rollback.watch.rules.state import HOOKS
from pam_rollback.watch.rules.turn import Moment, Turn, length_s
from pam_rollback.watch.service.beside import AT_ONCE, Beside
from pam_rollback.watch.service.channel import Channel
from pam_rollback.watch.service.tools import Advised, Consent, Tell, WatchTools
from pam_rollback.watch.service.turn import Watching
from pam_rollback.watch.service.typed import Typed

_ON_SANDBOX_S, _ELSEWHERE_S = 15.0, 60.0
_OWN_SANDBOX_S = 120.0
ROTATED_AFTER_S = 3600.0
"""A prober keeps all that it saw: another one takes its place, so that a watch of days needs no more than one of hours."""
CONTROL = "http://red-control.invalid/"
"""No name in .invalid exists (RFC 6761): whoever gets a good answer there gets one anywhere."""
_FIRST_WITHIN_S = 15.0
_SETTLES_S = 5.0
"""The latest answers are still out."""
_CHANNEL = "the team's channel"


class Eyes:
    """A prober, and its successor before its hour is over: one looks back as far as the plan asks at any time."""

    def __init__(
        self, start: Callable[[int], tuple[Prober, Observation]], watcher: Callable[[Observation], Watcher]
    ) -> None:
        self._start = start
        self._watcher = watcher
        self._number = 0
        self._now = self._next()
        self._following: tuple[Prober, Observation, Watcher] | None = None

    def _next(self) -> tuple[Prober, Observation, Watcher]:
        self._number += 1
        prober, observation = self._start(self._number)
        return prober, observation, self._watcher(observation)

    def look(self) -> Watcher:
        """The one that saw for long enough. Raises MeasurementFailed when the prober is gone; the next look has another."""
        try:
            age_s = _age_s(self._now[1])
            if self._following is None and age_s > ROTATED_AFTER_S:
                self._following = self._next()
            if self._following is not None and _age_s(self._following[1]) > self._following[2].longest_s:
                self._retire(self._now[0])
                self._now, self._following = self._following, None
        except MeasurementFailed:
            self.close()
            self._now, self._following = self._next(), None
            raise
        return self._now[2]

    @property
    def began_s(self) -> float:
        """Since when the one that is looked at has seen anything."""
        return self._now[0].timeline.header.first_due_s

    def close(self) -> None:
        """End them."""
        for found in (self._now, self._following):
            if found is not None:
                self._retire(found[0])

    @staticmethod
    def _retire(prober: Prober) -> None:
        prober.stop()
        prober.timeline.path.unlink(missing_ok=True)


def _age_s(observation: Observation) -> float:
    """For how long it has seen everything."""
    return observation.settled_s - observation.first_due_s


def _asked(around: Around) -> Asks:
    """One prober takes over from another; memory is read at each look."""
    environment = around.environment
    usual_s = _ON_SANDBOX_S if environment.kind == "sandbox" else _ELSEWHERE_S
    steady = (Steady(environment.paths.metrics, 60 / usual_s),) if "metrics" in environment.abilities else ()
    return asked.of_prober(environment) + asked.of_prober(environment) + Asks(steady=steady)


@pytest.fixture(scope="session")
@titled("The watch looks until its turn is over")
@asks(of=_asked)
def watched(
    in_situation: object,
    environment: Environment,
    plan: Plan,
    runbook: Runbook,
    clock: Clock,
    waiter: Waiter,
    progress: Progress,
    pytestconfig: pytest.Config,
) -> Turn:
    """One turn. Raises MeasurementFailed when the prober does not begin, or the journal cannot be read."""
    del in_situation  # entered before anybody looks
    lines: list[str] = []

    def say(line: str) -> None:
        shown = runbook.secrets.show(f"{clock.wall():%H:%M:%S} UTC watch: {line}")
        lines.append(shown)
        del lines[:-_NOTED]
        progress.announce(f"  {shown}")

    code = OwnCode([pytestconfig.rootpath / "plan.toml"])

    def looked() -> Look:
        if code.was_updated():
            say(
                "the suite was updated below this watch, which goes on with what it began with; the next turn has the new one"
            )
        return with_memory(look(environment, eyes, clock), lately, plan)

    with ExitStack() as stack:
        eyes = Eyes(
            lambda number: _prober(environment, runbook, clock, number),
            lambda seen: Watcher(seen, plan, runbook.pace, _before(runbook)),
        )
        stack.callback(eyes.close)
        option = pytestconfig.option
        usual_s = _ON_SANDBOX_S if runbook.on_sandbox else _ELSEWHERE_S
        lately = memory_lately(environment)
        every_s = length_s(option.pam_look_every) if option.pam_look_every else usual_s
        beside = _beside(environment, runbook, pytestconfig, say)
        if beside is not None:
            stack.callback(beside.close)
        tools = WatchTools(
            files=WatchFiles(_folder(environment, runbook, pytestconfig), runbook.secrets.redact),
            look=looked,
            advise=lambda criteria, streaks: _advised(pytestconfig, runbook, criteria, streaks),
            title=lambda criterion: plan.item(criterion).title,
            listeners=_listeners(pytestconfig, team_channel(environment)),
            now=lambda: Moment(_passed_s(), clock.wall().timestamp()),
            pause=waiter.pause,
            say=say,
            environment=environment.name,
            run=runbook.id,
            token=secrets.token_hex(8),
            every_s=every_s,
            length_s=length_s(option.pam_turn)
            if option.pam_turn
            else _OWN_SANDBOX_S
            if runbook.own_sandbox
            else _FOR_EVER_S,
            watched=_criteria(runbook) if lately is None else (*_criteria(runbook), MEMORY),
            verdict=lambda folder: in_short(read(Path(folder) / "run.json")),
            ways_on=lambda use: ways_on(use, shlex.quote(runbook.options.env), f"--confirm {environment.name}"),
            consent=_consent(environment, runbook, pytestconfig),
            beside=beside,
        )
        say(f"looks every {every_s:g} s at {', '.join(tools.watched)}; tells {', '.join(tools.listeners) or 'nobody'}")
        say(_of_the_others(beside))
        try:
            turn = Watching(tools).turn()
            say(str(turn))
        finally:
            runbook.folder.joinpath(NOTES).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return turn


_NOTED = 50
_FOR_EVER_S = float("inf")


def look(environment: Environment, eyes: Eyes, clock: Clock) -> Look:
    """Look once, after the red controls: an address that must fail, and the samples of now as if all had failed."""
    at_s = clock.wall().timestamp()
    watcher = eyes.look()
    seen = watcher.seen(eyes.began_s).watch
    findings = tuple(judged.finding for judged in seen.all)
    blind = (
        "" if watcher.is_red_when_all_fail(eyes.began_s) else "the red control was good: an outage would not be seen"
    )
    answer = fetch(CONTROL, deadline_s=environment.probing.request_deadline_s)
    if answer.http_status is not None and answer.http_status < 400:  # noqa: PLR2004 - the first status of a fault
        blind = f"the red control {CONTROL} was answered with {answer.http_status}: this network answers for everybody"
    if not blind and any(finding.state is not State.CLEAR for finding in findings):
        try:
            refuse_when_offline(environment, "users are not answered")
        except MeasurementFailed as problem:
            blind = str(problem)
    return Look(at_s, findings, blind, early=clock.monotonic_s() - eyes.began_s < watcher.longest_s + _SETTLES_S)


def with_memory(look: Look, lately: Lately | None, plan: Plan) -> Look:
    """With what is known of memory, where somebody tells it. A service that does not answer tells none: what users get is told anyway."""
    if lately is None or look.blind:
        return look
    try:
        readings = lately()
        found = memory_found(readings, plan)
    except MeasurementFailed as problem:
        if any(finding.state is not State.CLEAR for finding in look.findings):
            return look
        return replace(look, findings=(*look.findings, Finding(MEMORY, State.UNKNOWN, str(problem))))
    if found.state is State.CLEAR and not is_red_when_it_leaks(readings, plan):
        return replace(look, blind="the red control was good: a leak would not be seen")
    return replace(look, findings=(*look.findings, found))


def _prober(environment: Environment, runbook: Runbook, clock: Clock, number: int) -> tuple[Prober, Observation]:
    config = probe_config(environment, run=runbook.id)
    prober = start_prober(config, runbook.folder / f"watch-{number}.jsonl")
    prober.wait_for_first(1, _FIRST_WITHIN_S)
    signed_in = config.sign_in is not None
    journeys = tuple(one.name for one in config.journeys if not (signed_in and one.name == HEALTH_JOURNEY))
    answered_before = () if runbook.stored is None else runbook.stored.answered
    sorting = Sorting(config, Lookout(environment, runbook.options.observed), clock, answered_before)
    return prober, Observation(prober, journeys, clock, sorting=sorting)


def _before(runbook: Runbook) -> Distribution | None:
    return (
        None
        if runbook.stored is None or runbook.stored.overall is None or staleness(runbook)
        else runbook.stored.overall.latencies
    )


def _criteria(runbook: Runbook) -> tuple[str, ...]:
    return (DOWNTIME, ERRORS) if _before(runbook) is None else (DOWNTIME, ERRORS, FAR_SLOWER, SLOWER)


def _folder(environment: Environment, runbook: Runbook, config: pytest.Config) -> Path:
    where = runbook.options.state_dir or config.rootpath / "reports" / "state"
    return runbook.folder / "state" if runbook.own_sandbox else where / environment.name


def _passed_s() -> float:
    """Since this machine started, its sleep included where the system counts that."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _listeners(config: pytest.Config, channel: TeamChannel | None) -> dict[str, Tell]:
    """Who listens, by names that are the same on another machine."""
    found: dict[str, Tell] = {} if channel is None else {_CHANNEL: Channel(channel)}
    known = {name: shown for hook in HOOKS.values() for name, shown in listeners.names_of(config, hook).items()}
    for name, shown in known.items():
        found[shown.removeprefix(f"{config.rootpath}/")] = lambda hook, incident, name=name: listeners.tell_one(
            config, hook, name, incident
        )  # type: ignore[misc]
    return found


def _beside(
    environment: Environment, runbook: Runbook, config: pytest.Config, say: Callable[[str], None]
) -> Beside | None:
    """The decision sessions; None where none are asked for."""
    every = config.option.pam_decide_every
    if not every:
        return None
    cwd = config.invocation_params.dir
    env = str(environment.file) if runbook.own_sandbox else runbook.options.env
    more = [f"{option}={text}" for option, value in _JUDGED_BY.items() if (text := getattr(config.option, value))]
    command = Command(
        words=(
            *(sys.executable, "-m", "pytest", os.path.relpath(config.rootpath / "checks", cwd), "-m", SELECTED),
            *(f"--env={env}", *more, "-p", "no:cacheprovider"),
        ),
        cwd=cwd,
        variables=os.environ,
    )
    return Beside(starter(command, runbook.folder), every_s=length_s(every), within_s=WITHIN_S, say=say)


_JUDGED_BY = {"--baseline": "pam_baseline", "--pace": "pam_pace"}


def _of_the_others(beside: Beside | None) -> str:
    """What becomes of the criteria that no look judges."""
    others = ", ".join(BESIDE)
    if beside is None:
        return f"{others} are not looked at: they take decision sessions (--decide-every)"
    return (
        f"a decision session every {beside.every_s:g} s looks at {others}, at most {AT_ONCE} more at once to make sure"
    )


def _consent(environment: Environment, runbook: Runbook, config: pytest.Config) -> Consent | None:
    """What was typed when this watch was started; the guard has seen that it is whole."""
    options = runbook.options
    if not options.real or options.signers is None:
        return None
    typed = Typed(
        env=options.env,
        name=environment.name,
        file=environment.file,
        signers=options.signers,
        again=options.consent_again,
        reason=options.reason,
        initiated_by=options.initiated_by,
        more=[f"{option}={text}" for option, value in _CARRIED.items() if (text := getattr(config.option, value))],
        root=config.rootpath,
        cwd=config.invocation_params.dir,
        variables=os.environ,
    )
    return typed.consent(lambda: locked(environment, runbook))


_CARRIED = {"--baseline": "pam_baseline", "--state": "pam_state", "--state-dir": "pam_state_dir"}


class _Impatient(Waiter):
    """A lock that has to be watched first is somebody's, as far as a watch knows."""

    def pause(self, seconds: float) -> None:
        """Refuse."""
        raise Refused(f"a session of another machine has the lock, or had it less than {seconds:.0f} s ago")


def locked(environment: Environment, runbook: Runbook) -> str:
    """Whether the rollback could have the lock now, and keep everybody out: why not; empty when it could."""
    try:
        with environment_lock(
            environment, run=runbook.id, who=runbook.options.initiated_by, pushes=True, waiter=_Impatient()
        ) as lock:
            # A person is told of it and decides; where nobody looks, a lock that others do not see is none.
            return f"the lock of {environment.name} is in doubt: {one_line(lock.warnings[0])}" if lock.warnings else ""
    except Refused as refused:
        return f"the lock of {environment.name} is not free: {one_line(str(refused))}"


def _advised(config: pytest.Config, runbook: Runbook, criteria: Sequence[str], streaks: Streaks) -> Advised:
    """What the decision would say of these criteria."""
    latest = [streak.latest for name in criteria if (streak := streaks.of.get(name)) is not None]
    asking = [Finding(one.criterion, one.state, one.words) for one in latest if one is not None]
    decision = decide(runbook.plan, asking, observed={}, vouched={}, constant_flags=runbook.environment.constant_flags)
    here = Here(
        plan=runbook.plan,
        root=config.rootpath,
        environment=runbook.environment.name,
        env=runbook.options.env,
        on_sandbox=runbook.on_sandbox,
        answer_with="",
    )
    record = recommended(here, decision)
    strategy = record.strategy
    if strategy is None:
        return Advised(record.recommendation, "", "no strategy is named for it", "", "")
    return Advised(record.recommendation, strategy.id, strategy.title, strategy.past, strategy.command)
