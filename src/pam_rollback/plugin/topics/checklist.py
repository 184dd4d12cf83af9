"""The items of the plan's checklists: measured where something can be, else a person's word for this run.

Items ask what each kind of check has said so far in a situation; TF-1 to TF-3 of the plan, when first: a finding, never a decision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, duration
from pam_rollback.notify.communication import MessageDelivery, PublicTruth
from pam_rollback.notify.tickets import TicketVolume
from pam_rollback.plan.checklist import ONLY_A_PERSON, ChecklistItem, Finding
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateGoal
from pam_rollback.plugin import markers
from pam_rollback.plugin.classification import HEARD, named
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import situation_of, story_of
from pam_rollback.probe.held_window import HeldWindow
from pam_rollback.probe.incident import Incident
from pam_rollback.probe.measure import Window, WindowState
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.window import answers_spec
from pam_rollback.report.earlier_runs import age_s, latest
from pam_rollback.report.verdict import Outcome
from pam_rollback.rollback.carried_out import CarriedOut, in_time, watched
from pam_rollback.target.environment import Environment

ON_RECORD = pytest.StashKey[Callable[[Environment], tuple[bool, str] | None]]()
"""Says whether the incident is on record in a tracker (PRE-4), and where; None where the environment names none.

Raises MeasurementFailed when it cannot be told: then a person's word counts.
"""
KINDS = {"health_checks": "health", "monitoring": "performance", "integrity": "integrity"}
"""Which kind of check judges a section of the plan."""
_DECISION_HOLDS_FOR = timedelta(hours=2)
"""An older decision was about another state of affairs."""


def said(session: pytest.Session, situation: str, kind: str) -> Finding:
    """What the checks of that kind said. Raises MeasurementFailed when none ran, not all of them ran, or one could not measure.

    Advisory ones do not count. With pytest-xdist another process may have run some: then nothing is known here.
    """
    heard = session.config.stash[HEARD]
    asked = [
        item.nodeid
        for item in session.items
        if kind in markers.kinds_of(item)
        and situation_of(item) == situation
        and markers.phase_of(item) == "post_rollback"  # a story's own test of that kind is not the checks after it
        and not item.get_closest_marker("advisory")
    ]
    if not asked:
        raise MeasurementFailed(f"this session has no {kind} check in the situation {situation}")
    broken = [nodeid for nodeid in asked if heard.test(nodeid).outcome is Outcome.BROKEN_CRITERION]
    if broken:
        return Finding(done=False, words=f"{len(broken)} of {len(asked)} {kind} checks are red: {named(broken)}")
    unknown = [nodeid for nodeid in asked if heard.test(nodeid).outcome not in {Outcome.PASSED, Outcome.KNOWN}]
    if unknown:
        raise MeasurementFailed(f"{len(unknown)} of {len(asked)} {kind} checks said nothing: {named(unknown)}")
    return Finding(done=True, words=f"all {len(asked)} {kind} checks of this session passed")


@dataclass(frozen=True)
class _Session:
    """What an item is measured by: this session, in one situation."""

    request: pytest.FixtureRequest
    situation: str
    runbook: Runbook
    environment: Environment
    plan: Plan
    clock: Clock

    @property
    def strategy(self) -> str:
        """What was carried out here. Raises MeasurementFailed when this session did no rollback."""
        story = story_of(self.situation)
        if not story:
            raise MeasurementFailed("no rollback was done in this session")
        # drills/test_frontend_restore.py is one way of the strategy "frontend"; the journal names the strategy or the story.
        return story

    def needs(self, ability: str) -> None:
        """Raises MeasurementFailed where the environment does not declare it."""
        if ability not in self.environment.abilities:
            raise MeasurementFailed(f"{self.environment.name} declares no {ability}")

    def get(self, fixture: str) -> Any:
        """What another fixture knows; pytest cannot know which, since each item is about another, and most would start what watches."""
        return self.request.getfixturevalue(fixture)

    @property
    def carried_out(self) -> CarriedOut:
        """The rollback as journaled."""
        return CarriedOut.of(self.runbook.journal_of(self.situation).entries(), self.strategy)


def _reason(session: _Session) -> Finding:
    """PRE-1: a criterion was seen to be broken, or is declared to be."""
    _ = session.strategy
    incident: Incident = session.get("incident")
    seen = f"seen: {incident.seen}" if incident.seen.n else "nothing was measured before the rollback"
    options = session.runbook.options
    if options.real:
        observed = f"; observed: {'; '.join(incident.observed)}" if incident.observed else ""
        return Finding(done=True, words=f"declared by {options.initiated_by}: {options.reason}{observed}; {seen}")
    if incident.detected_s is None:
        raise MeasurementFailed(f"the planted incident was not seen to break a criterion; {seen}")
    return Finding(done=True, words=f"planted, and seen to break a criterion: {incident.description}")


def _choice(session: _Session) -> Finding:
    """PRE-2: the latest decision recommends the strategy."""
    strategy = session.strategy
    name = session.environment.name
    out = session.request.config.rootpath / "reports" / "out"
    record = latest(out, environment=name, holds=lambda one: one.decision is not None, within=_DECISION_HOLDS_FOR)
    decision = record.decision if record is not None else None
    if record is None or decision is None:
        raise MeasurementFailed(f"no decision was made here in the last 2 h (pytest -m decision --env {name})")
    advised = [one.name for one in (decision.strategy, *decision.next) if one is not None]
    when = f"the decision of {duration(age_s(record))} ago ({record.run_id}) says {decision.recommendation}"
    if any(strategy == one or strategy.startswith(f"{one}-") for one in advised):
        return Finding(done=True, words=f"{when}, with {', then '.join(advised)}")
    return Finding(
        done=False, words=f"{when}, with {', then '.join(advised) or 'no strategy'}, and not with {strategy}"
    )


def _told(session: _Session) -> Finding:
    """PRE-3 and DUR-5: the incident channel accepted the message of this rollback."""
    _ = session.strategy
    session.needs("slack")
    told: MessageDelivery = session.get("team_told")
    return Finding(not told.why, str(told))


def _on_record(session: _Session) -> Finding:
    """PRE-4: the incident is in the tracker, where the environment names one."""
    ask = session.request.config.stash.get(ON_RECORD, None)
    found = None if ask is None else ask(session.environment)
    if found is None:
        raise MeasurementFailed(f"{ONLY_A_PERSON}: {session.environment.name} names no tracker ([tracker])")
    done, words = found
    return Finding(done, words)


def _done(session: _Session) -> Finding:
    """DUR-1: every step is done, by the journal."""
    return session.carried_out.finding(session.runbook.journal_of(session.situation).failed_actions)


def _watched(session: _Session) -> Finding:
    """DUR-2: users were watched from before the first step until now."""
    carried_out = session.carried_out
    observation: Observation = session.get("observation")
    goal = session.plan.the(ErrorRateGoal)
    spec = answers_spec(
        goal,
        goal.error_rate_pct_max,
        observation.rate_hz,
        environment=session.environment,
        pace=session.runbook.pace,
    )
    usable = [sample.due_s for sample in observation.samples() if sample.measured()]
    return watched(
        usable,
        first_step_s=carried_out.first_step_s,
        last_step_s=carried_out.last_step_s,
        until_s=observation.settled_s,
        hole_s_max=spec.gap_max_s,
    )


def _stable(session: _Session) -> Finding:
    """POST-1: the success criteria were held for the plan's time. They are not held for this item alone."""
    said(session.request.session, session.situation, "window")
    held: HeldWindow = session.get("held_window")
    windows: list[Window] = [held.error_rate(), held.latency_p95(), held.memory()]
    asked_s = session.plan.post_rollback["POST-1"].stable_s_min or 0.0
    pace = session.runbook.pace
    paced = f", {asked_s:g} s divided by the pace {pace:g}" if pace > 1 else ""
    least_s = min(window.spec.duration_s for window in windows)
    words = f"error rate, p95 and memory were held for {least_s:g} s{paced}"
    broken = [str(window) for window in windows if window.state is WindowState.BROKEN]
    if broken:
        return Finding(done=False, words="; ".join(broken))
    if not all(window.met for window in windows):
        raise MeasurementFailed("; ".join(str(window) for window in windows))
    if least_s * pace < asked_s:
        return Finding(done=False, words=f"{words}: the plan asks for {asked_s:g} s")
    return Finding(done=True, words=words)


def _tickets(session: _Session) -> Finding:
    """POST-3: no more people than usual ask for help."""
    session.needs("database")
    tickets: TicketVolume = session.get("ticket_volume")
    return Finding(tickets.count < tickets.unusual_from, str(tickets))


def _status_page(session: _Session) -> Finding:
    """POST-4: the status page says how it is."""
    session.needs("status_page")
    truth: PublicTruth = session.get("public_truth")
    return Finding(not truth.why, str(truth))


def _kind(kind: str) -> "Measure":
    """DUR-3, DUR-4, POST-2: what that kind of check said in this session."""
    return lambda session: said(session.request.session, session.situation, kind)


def _before(session: _Session) -> Finding:
    """TF-4: from the decision to the first step."""
    carried_out = session.carried_out
    took_s = carried_out.first_step_s - carried_out.decided_s
    return in_time(took_s, session.plan.time_frame("pre_rollback"), "the first step began", "the decision")


def _during(session: _Session) -> Finding:
    """TF-5: from the decision to the end of the last step."""
    carried_out = session.carried_out
    took_s = carried_out.last_step_s - carried_out.decided_s
    return in_time(took_s, session.plan.time_frame("during_rollback"), "the last step ended", "the decision")


def _after(session: _Session) -> Finding:
    """TF-6: from the decision until now, when all that can be measured was."""
    took_s = session.clock.monotonic_s() - session.carried_out.decided_s
    paced = f" with windows {session.runbook.pace:g} times shorter" if session.runbook.pace > 1 else ""
    return in_time(
        took_s, session.plan.time_frame("post_rollback"), f"the verification{paced} came to its end", "the decision"
    )


Measure = Callable[[_Session], Finding]
MEASURES: dict[str, Measure] = {
    "PRE-1": _reason,
    "PRE-2": _choice,
    "PRE-3": _told,
    "PRE-4": _on_record,
    "DUR-1": _done,
    "DUR-2": _watched,
    "DUR-3": _kind("health"),
    "DUR-4": _kind("journey"),
    "DUR-5": _told,
    "POST-1": _stable,
    "POST-2": _kind("integrity"),
    "POST-3": _tickets,
    "POST-4": _status_page,
    "TF-4": _before,
    "TF-5": _during,
    "TF-6": _after,
}
"""By item. What is not here only a person can say."""


@pytest.fixture
def checklist_item(
    item: str,
    request: pytest.FixtureRequest,
    situation: str,
    in_situation: object,
    runbook: Runbook,
    environment: Environment,
    plan: Plan,
    clock: Clock,
) -> ChecklistItem:
    """The item of the test's own case, as this session knows it."""
    session = _Session(request, situation, runbook, environment, plan, clock)
    measure = MEASURES.get(item)
    words = [text.partition("=")[2].strip().strip('"') for text in runbook.options.ack if text.startswith(f"{item}=")]
    return ChecklistItem.of(
        item,
        plan.item(item).title,
        None if measure is None else lambda: measure(session),
        vouched="; ".join(words),
    )


@dataclass(frozen=True, repr=False)
class FirstVerdict(Fact):
    """When the first verdict of a section came, in seconds from ``since``. ``due_until_s`` may be reached."""

    section: str
    came_s: float
    due_until_s: float
    since: str
    due_from_s: float = 0.0
    """From when on the plan waits for it; sooner is no fault."""

    @property
    def measured(self) -> Measured:
        """When it came."""
        asked = f"{self.due_from_s:g} to {self.due_until_s:g} s"
        how = "in time" if self.came_s <= self.due_until_s else "late"
        return Measured(
            what=f"first verdict, {self.section}",
            asked=asked,
            value=round(self.came_s, 1),
            unit="s",
            n=1,
            margin=self.due_until_s - self.came_s,
            definition=f"from {self.since}",
            sentence=f"first verdict, {self.section}: {how}, {self.came_s:.1f} s from {self.since} (the plan: {asked})",
        )


@pytest.fixture
def first_verdict(
    request: pytest.FixtureRequest, situation: str, in_situation: Any, plan: Plan, runbook: Runbook
) -> FirstVerdict:
    """The first verdict of the section that the test's own criterion is about (TF-1 to TF-3).

    Counted from the end of this situation's rollback; without one, from the session's start, which it says. Raises MeasurementFailed when
    no check of that section has given a verdict.
    """
    marker = request.node.get_closest_marker("criterion")
    frame = plan.time_frames[marker.args[0]]
    kind = KINDS[frame.section]
    came_s = request.config.stash[HEARD].first_s.get((situation, kind))
    if came_s is None:
        raise MeasurementFailed(
            f"no {kind} check has given a verdict in the situation {situation}: nothing can have been late"
        )
    ended_s: float | None = getattr(in_situation, "finished_s", None)
    return FirstVerdict(
        section=frame.title.lower(),
        came_s=came_s - (runbook.started_s if ended_s is None else ended_s),
        due_until_s=frame.until_s,
        due_from_s=frame.from_s,
        since="the session's start (no rollback was done in it)" if ended_s is None else "the end of the rollback",
    )
