"""What a watch looks with: a prober that is replaced each hour, red controls, the page, and memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.decision.decision import Finding, State
from pam_rollback.decision.decision_measures import DOWNTIME, ERRORS, FAR_SLOWER, SLOWER
from pam_rollback.decision.decision_states import MEMORY
from pam_rollback.decision.watcher import Watcher
from pam_rollback.http import pace
from pam_rollback.http.client import fetch
from pam_rollback.ops.watch.looks import Look, is_red_when_it_leaks, memory_found
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.baseline_files import staleness
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.probe.health import ask_front_page
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.observer import Prober, steady_of
from pam_rollback.probe.parts import FRONT_END, probe_config
from pam_rollback.records.memory_lately import Lately
from pam_rollback.stats.percentiles import Distribution
from pam_rollback.target.environment import Environment
from pam_rollback.target.offline import refuse_when_offline

ROTATED_AFTER_S = 3600.0
"""A prober keeps all that it saw: another one takes its place, so that a watch of days needs no more than one of hours."""


CONTROL = "http://red-control.invalid/"
"""No name in .invalid exists (RFC 6761): whoever gets a good answer there gets one anywhere."""


_FIRST_WITHIN_S = 15.0


_SETTLES_S = 5.0
"""The latest answers are still out."""


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


def look(environment: Environment, eyes: Eyes, clock: Clock) -> Look:
    """Look once, after the red controls (an address that must fail, the samples of now as if all had failed), and at the page.

    An outage that is seen stands, also where that of another part would not be.
    """
    at_s = clock.wall().timestamp()
    watcher = eyes.look()
    seen = watcher.seen(eyes.began_s).watch
    findings = tuple(judged.finding for judged in seen.all)
    early = clock.monotonic_s() - eyes.began_s < watcher.longest_s + _SETTLES_S
    unseen = watcher.blind(eyes.began_s, early=early)
    unseen = f"the red control was good, an outage would not be seen: {unseen}" if unseen else ""
    blind = "" if Look(at_s, findings).asks else unseen
    answer = fetch(CONTROL, deadline_s=environment.probing.request_deadline_s)
    if answer.http_status is not None and answer.http_status < 400:  # noqa: PLR2004 - the first status of a fault
        blind = f"the red control {CONTROL} was answered with {answer.http_status}: this network answers for everybody"
    if not blind and any(finding.state is not State.CLEAR for finding in findings):
        try:
            refuse_when_offline(environment, "users are not answered")
        except MeasurementFailed as problem:
            blind = str(problem)
    if not blind and any(one.criterion == DOWNTIME and one.state is State.CLEAR for one in findings):
        findings = _with_front_page(findings, environment)
    return Look(at_s, findings, blind, early=early, unseen=unseen)


def _with_front_page(findings: Sequence[Finding], environment: Environment) -> tuple[Finding, ...]:
    """With what is wrong with a page that is answered well: each may be an error, and no answer says so. For how long, nobody knows."""
    page = ask_front_page(environment)
    if page.is_the_site or not page.assets:  # a page that is not answered is the prober's to tell
        return (*findings,)
    wrong = Finding(DOWNTIME, State.CONSIDER, f"front end: {page}", parts=(FRONT_END,))
    return (wrong, *(one for one in findings if one.criterion != DOWNTIME))


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
        found = Finding(MEMORY, State.UNKNOWN, "the red control was good: a leak would not be seen")
    return replace(look, findings=(*look.findings, found))


def probing(environment: Environment, runbook: Runbook, clock: Clock, number: int) -> tuple[Prober, Observation]:
    """The prober of that number, once it has begun. Raises MeasurementFailed when it does not begin."""
    config = probe_config(environment, run=runbook.id)
    if number == 1:  # one takes over from another each hour, and both ask then
        pace.refuse_beyond(2 * steady_of(config))
    prober = Prober(config, runbook.folder / f"watch-{number}.jsonl")
    prober.wait_for_first(1, _FIRST_WITHIN_S)
    answered_before = () if runbook.stored is None else runbook.stored.answered
    observed = runbook.options.observed
    return prober, Observation.of(prober, environment, clock, observed=observed, answered_before=answered_before)


def before(runbook: Runbook) -> Distribution | None:
    """Response times of the baseline; None without one that is young enough."""
    return (
        None
        if runbook.stored is None or runbook.stored.overall is None or staleness(runbook)
        else runbook.stored.overall.latencies
    )


def criteria(runbook: Runbook) -> tuple[str, ...]:
    """What a look judges; slowness only beside a baseline."""
    return (DOWNTIME, ERRORS) if before(runbook) is None else (DOWNTIME, ERRORS, FAR_SLOWER, SLOWER)
