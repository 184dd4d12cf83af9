"""What is decided, done and told by the plan, each as a function of the plan alone: it changes with every figure that it reads.

Where a fixture reads a figure, its own body is called.
"""

from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from pam_rollback.base.figures import Figures
from pam_rollback.communication import fixtures as communication
from pam_rollback.communication.escalation import Ladder, Sent, where_to_post
from pam_rollback.communication.escalation_told import Followed
from pam_rollback.decision.deciding import Here, advised
from pam_rollback.decision.decision import CHAT, Finding, State, decide
from pam_rollback.decision.fixtures import decision
from pam_rollback.environment.environment import Environment
from pam_rollback.exposure import fixtures as exposure
from pam_rollback.gate import fixtures as readiness
from pam_rollback.observation.memory import MemoryGrowth, MemoryLevel, MemoryReading
from pam_rollback.observation.parts import BACK_END, FRONT_END
from pam_rollback.observation.sustained import Condition, ConditionState
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import STORIES, no_such_story
from pam_rollback.product.invariants import InvariantResult
from pam_rollback.ramp.hooks import pytest_pam_planned
from pam_rollback.records.fixtures import performance
from pam_rollback.report.sections import at_hand, to_dos
from pam_rollback.rollback.gradual import Way
from pam_rollback.rollback.planned import planned_steps
from pam_rollback.session.allure_bridge import is_for_a_person
from pam_rollback.stats.percentiles import Distribution
from tests.plan.plan_scene import (
    LATENCIES_MS,
    LONG_AGO,
    ROOT,
    Watched,
    asked,
    body,
    environment,
    runbook,
    said,
)


def watch(plan: Plan) -> object:
    """Users' answers against every criterion with a time: all fail, some fail, all are slow, all are a little slow."""
    fast, usual = Distribution.of(LATENCIES_MS), Distribution.of([10 * ms for ms in LATENCIES_MS])
    worlds = (
        (usual, Watched(lambda _: True, for_s=620)),
        (usual, Watched(lambda at: at % 3 == 0, for_s=620)),
        (usual, Watched(ms=2000, for_s=620)),
        (usual, Watched(ms=1350, for_s=620)),
        (fast, Watched(ms=230, for_s=620)),
    )
    watchers = [decision.Watcher(world, plan, 1.0, before) for before, world in worlds]  # type: ignore[arg-type]
    return [(one.longest_s, one.seen(0)) for one in watchers]


def gaps_of_answers(plan: Plan) -> object:
    """Every state of every condition, and what is recommended of it."""

    def seen(state: ConditionState) -> Condition:
        return Condition(state, "words", 300, 300, 0, 300, 10, Figures(what="x", asked="y", measured=None))

    watcher = decision.Watcher(Watched(), plan, 1.0, None)  # type: ignore[arg-type]
    of_parts = ("down", "errors", "some errors")
    clear = {key: {"back end": seen(ConditionState.CLEAR)} for key in of_parts}
    beside = {"partly down": seen(ConditionState.CLEAR)}
    found = [
        watcher._judged({**clear, name: {"back end": seen(state)}}, beside)
        for name in of_parts
        for state in ConditionState
    ]
    found += [watcher._judged(clear, {"partly down": seen(state)}) for state in ConditionState]
    return [(watch.downtime.finding.state, watch.errors.finding.state) for watch in found]


def memory_criterion(plan: Plan) -> object:
    """Memory that is high, on its way up, and between the two levels."""

    def growth(first_mb: float, per_reading_mb: float) -> MemoryGrowth:
        readings = tuple(MemoryReading(float(at), first_mb + per_reading_mb * at) for at in range(30))
        return MemoryGrowth(readings, alarm_mb=200, horizon_s=900)

    found = []
    for seen in (growth(250, 0), growth(120, 1), growth(150, 0)):
        memory = performance.Memory(MemoryLevel(seen.readings, 100), seen)
        found.append(body(decision.memory_trend)(memory, plan).finding)
    return found


def user_data(plan: Plan) -> object:
    """One damaged row, then a damaged rule of the database."""
    link = SimpleNamespace(refuse_other=lambda: None, confirm_good=lambda _: None)
    of_rows = SimpleNamespace(id="rows", severity="critical", query="", anchor="data-corrupted")
    of_schema = SimpleNamespace(id="schema", severity="critical", query="", anchor="schema-damaged")
    found = []
    for damaged in ("rows", "schema"):
        results = {
            name: InvariantResult(name, "it holds", looked_at=10, offenders=int(name == damaged), worst=())
            for name in ("rows", "schema")
        }
        with (
            patch.object(decision, "invariants_of", return_value=[of_rows, of_schema]),
            patch.object(decision, "evaluated", return_value=(results, {})),
        ):
            request = asked(database_link=link, schema_before=None)
            request.config = SimpleNamespace(rootpath=ROOT)
            found.append(body(decision.user_data)(environment(), plan, runbook(plan), None, request).finding)
    return found


def affected_users(plan: Plan) -> object:
    """A core feature fails for one of the users."""
    account = SimpleNamespace(user_id="u")
    tries = SimpleNamespace(tries=lambda _: [], drawn=lambda _: (10, ["u"]))
    with (
        patch.object(Environment, "secret", return_value="secret"),
        patch.object(exposure, "FeatureCheckApi", return_value=tries),
        patch.object(exposure, "RealFeatures", return_value=SimpleNamespace(work=dict)),
        patch.object(exposure, "affected", side_effect=lambda *_, **how: how),
    ):
        return body(exposure.affected_users)(environment(), plan, account, None)


def decisions(plan: Plan) -> object:
    """What is recommended when a criterion holds, or two of them."""
    criteria = (*plan.immediate_criteria, *plan.consider_criteria)
    holding = [(one,) for one in criteria] + list(combinations(criteria, 2))
    found = []
    parts = ((), (FRONT_END,), (BACK_END,), (FRONT_END, BACK_END), (CHAT,))
    for state, which, where in product((State.HOLDS, State.CONSIDER), holding, parts):
        findings = [Finding(one, state if one in which else State.CLEAR, "words", parts=where) for one in criteria]
        advice = decide(plan, findings, observed={}, vouched={}).advice
        assert advice is not None, which
        found.append((advice.strategy and advice.strategy.id, advice.why, [one.id for one in advice.next]))
    return found


def advice(plan: Plan) -> object:
    """All that a recommendation says of each strategy."""
    here = Here(plan, ROOT, environment="e", env="e", on_sandbox=False, answer_with="")
    return [advised(one, here, {}, set(), {}) for one in plan.strategies.values()]


def drill_files(plan: Plan) -> object:
    """What is said of a drill that there is not, and by which files of ``drills/`` the gate looks for the last drills."""
    return no_such_story("front-end", plan), said(
        lambda: body(readiness.drill_ages)(plan, SimpleNamespace(rootpath=Path("/nowhere")))
    )


def ways_in_words(plan: Plan) -> str:
    """What is said of each way when somebody nearly names it."""
    return "; ".join(no_such_story(f"{name}s", plan) for name in plan.ways)


def dry_run(plan: Plan) -> object:
    """The steps of every drill, and of the ramp."""
    return [*planned_steps(plan, STORIES, environment()), *pytest_pam_planned(plan, environment(), {"ramp"})]


def way_down(plan: Plan) -> object:
    """How the new features are taken back step by step."""
    return Way.of(plan, plan.strategies["ST-2"], pace=1)


def messages(plan: Plan) -> object:
    """What the team is told of each strategy."""
    return [one.message(environment="production", why="it is down", run="run") for one in plan.strategies.values()]


def ladder(plan: Plan) -> object:
    """Who is told when, by which means, in a drill and in earnest."""
    able = ("slack", "pagerduty", "email", "statuspage")
    return [repr(Ladder.of(plan, abilities=able, drill=drill, on_sandbox=False, pace=1)) for drill in (True, False)]


def posts(plan: Plan) -> object:
    """Where a person posts, what is said there, and where the team's message must have arrived."""
    action = {"strategy": "gradual", "reason": "it is down"}
    told = body(communication.team_told)(
        SimpleNamespace(notice_problem=""), runbook(plan), environment(), plan, SimpleNamespace(decided_s=0.0), asked()
    )
    tweet = communication._briefing(action, environment(), runbook(plan), plan).tweet
    return where_to_post(plan, "twitter"), tweet, str(told)


def mail(plan: Plan) -> object:
    """At which address each contact must have got mail."""
    matrix = Ladder.of(plan, abilities=("email",), drill=False, on_sandbox=False, pace=1)
    followed = Followed(matrix, tuple(Sent(notice, notice.due_s) for notice in matrix.due(3600.0, ())), 3600.0)
    return [str(followed.contact(contact, email, ())) for contact, email in plan.emails.items()]


def manual(plan: Plan) -> object:
    """The items that a report shows as those that only a person can tell."""
    return [item.id for item in plan.items() if is_for_a_person(plan, [item.id])]


def to_do(plan: Plan) -> object:
    """What the draft of the post-mortem asks for."""
    return [*to_dos(plan, LONG_AGO)]


def addresses(plan: Plan) -> object:
    """What the last lines of a real run have at hand."""
    return at_hand(plan, environment())
