"""Journals of a ramp, written out, with figures that fit in the head.

Four stages of 10, 25, 50 and 100 %. Each is watched for 100 s, the last for 20 s; stages are at least 200 s apart; a hole of 30 s between
two watches is tolerated; a gate holds for 1000 s.
"""

from collections.abc import Mapping
from dataclasses import replace

from pam_rollback.core.run_files import Event
from pam_rollback.redeploy.ramp.due import Due, World, due
from pam_rollback.redeploy.ramp.state import BROKEN, GOOD, GateRun, RampEvent, RampRules, RampState, RampStep, fold

RELEASE, TERMS = "1.42.0", "as planned"
COMMIT, OTHER = "7cce05406677", "0d1e2f3a4b5c"
RULES = RampRules(
    stages=(
        RampStep("RA-1", 10, 100),
        RampStep("RA-2", 25, 100),
        RampStep("RA-3", 50, 100),
        RampStep("RA-4", 100, 20),
    ),
    gap_s_max=30,
    apart_s_min=200,
    gate_s_max=1000,
    terms=TERMS,
)
ASKING = replace(RULES, stages=(*RULES.stages[:1], replace(RULES.stages[1], approval=True), *RULES.stages[2:]))
"""Whose second stage needs a person's yes."""


def go(ended_s: float = 0.0, *, verdict: str = "GO", release: str = RELEASE) -> GateRun:
    """A run of the gate."""
    return GateRun("gate-1", release, verdict, ended_s)


def world(now_s: float, share: int | Mapping[str, int], **other: object) -> World:
    """Both flags at one share, the release as it was, and a gate that said GO at 0."""
    shares = {"A": share, "B": share} if isinstance(share, int) else share
    found = World(now_s=now_s, release=RELEASE, shares_pct=shares, gate=go())
    return replace(found, **other)  # type: ignore[arg-type]


def watched(from_s: float, until_s: float, stage: str, state: str = GOOD, words: str = "") -> Event:
    """One watch, noted when it ended."""
    return Event(
        until_s,
        RampEvent.WATCHED,
        {"stage": stage, "from_s": from_s, "until_s": until_s, "state": state, "words": words},
    )


def started(at_s: float, *, release: str = RELEASE, commit: str = "") -> Event:
    """A ramp that has begun."""
    return Event(at_s, RampEvent.STARTED, {"release": release, "commit": commit, "terms": TERMS})


def entered(at_s: float, stage: str) -> list[Event]:
    """A stage that was entered, noted before and after."""
    return [Event(at_s - 1, RampEvent.RAISING, {"stage": stage}), Event(at_s, RampEvent.ENTERED, {"stage": stage})]


BEGUN = [Event(0, RampEvent.STARTED, {"release": RELEASE, "commit": COMMIT, "terms": TERMS}), *entered(10, "RA-1")]
"""At 10 % since 10 s."""
HELD = [*BEGUN, watched(10, 60, "RA-1"), watched(60, 110, "RA-1")]
"""Its window is complete at 110 s."""
AT_50 = [
    *HELD,
    *entered(300, "RA-2"),
    watched(300, 400, "RA-2"),
    *entered(600, "RA-3"),
    watched(600, 700, "RA-3"),
]


def state_of(events: list[Event], rules: RampRules = RULES) -> RampState:
    """What the journal says."""
    return fold(events, rules)


def due_after(events: list[Event], now: World, rules: RampRules = RULES) -> Due:
    """What is due then."""
    return due(state_of(events, rules), rules, now)


OVER = [
    *BEGUN,
    watched(10, 20, "RA-1", BROKEN, "5 % errors"),
    Event(21, RampEvent.LOWERING, {"why": ""}),
    Event(22, RampEvent.ROLLED_BACK),
]
RAISED = [*HELD, watched(190, 210, "RA-1"), Event(211, RampEvent.RAISING, {"stage": "RA-2"})]
