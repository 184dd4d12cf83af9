"""What a ramp's journal says, what is due after it, and what is refused."""

from dataclasses import replace

import pytest

from pam_rollback.core.run_files import Event
from pam_rollback.redeploy.ramp.due import Do, World, approval_refusal, due
from pam_rollback.redeploy.ramp.state import BROKEN, UNKNOWN, GateRun, RampEvent, RampRules, fold
from tests.ramp.rules.journals import (
    ASKING,
    AT_50,
    BEGUN,
    COMMIT,
    HELD,
    OTHER,
    OVER,
    RAISED,
    RULES,
    TERMS,
    due_after,
    entered,
    go,
    started,
    state_of,
    watched,
    world,
)

# ---------------------------------------------------------------- the way up


def test_a_stage_is_watched_for_its_time() -> None:
    """60 of 100 s watched at 70 s: 40 more; complete and 200 s after it began, the next one is due."""
    early = due_after([*BEGUN, watched(10, 70, "RA-1")], world(70, 10))
    held = due_after([*HELD, watched(190, 210, "RA-1")], world(210, 10))

    assert (early.do, early.until_s) == (Do.WATCH, 110)
    assert (held.do, held.stage) == (Do.RAISE, RULES.stages[1])


def test_stages_are_apart() -> None:
    """Complete at 110 s, begun at 10 s: the next stage is entered at 210 s, and it says so."""
    found = due_after(HELD, world(115, 10))

    assert (found.do, found.until_s) == (Do.WATCH, 210)
    assert "not entered sooner" in found.why


def test_a_long_hole_begins_the_window_anew() -> None:
    """90 s, a hole of 31 s, 50 s: only the 50 count."""
    state = state_of([*BEGUN, watched(10, 100, "RA-1"), watched(131, 181, "RA-1")])
    later = due_after([*BEGUN, watched(10, 100, "RA-1")], world(131, 10))

    assert (state.watched_s, state.complete_s) == (50, None)
    assert (later.do, later.until_s) == (Do.WATCH, 231), "100 s from now: what was watched is too long ago"


def test_what_was_complete_stays_complete() -> None:
    """The night between two stages is no hole in a window; the users are looked at again before the next."""
    found = due_after(HELD, world(900, 10))

    assert state_of([*HELD, watched(880, 900, "RA-1")]).complete_s == 110
    assert (found.do, found.stage) == (Do.WATCH, RULES.stages[0])
    assert "before RA-2 (25 %) is entered" in found.why


def test_unknown_is_neither_watched_nor_broken() -> None:
    """It counts for nothing, and what was seen before it is not fresh any more: nobody is let in on the strength of it."""
    state = state_of([*HELD, watched(180, 205, "RA-1"), watched(205, 212, "RA-1", UNKNOWN)])
    found = due_after([*HELD, watched(180, 205, "RA-1"), watched(205, 212, "RA-1", UNKNOWN)], world(212, 10))

    assert (state.breach, state.seen_s) == ("", None)
    assert found.do is Do.WATCH


def test_a_journal_that_leaves_a_stage_out_is_refused() -> None:
    """Whoever wrote 10 % and then 100 % into it: nothing more is done by it."""
    events = [*BEGUN, *entered(300, "RA-4"), watched(300, 320, "RA-4")]

    assert due_after(events, world(320, 100)).do is Do.REFUSE
    assert "one was left out" in due_after(events, world(320, 100)).why


# ---------------------------------------------------------------- a breach


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([*BEGUN, watched(10, 20, "RA-1", BROKEN, "5 % errors")], id="while its window runs"),
        pytest.param([*HELD, watched(120, 130, "RA-1", BROKEN, "5 % errors")], id="while the next stage is waited for"),
        pytest.param(
            [*HELD, Event(211, RampEvent.RAISING, {"stage": "RA-2"}), watched(211, 215, "RA-1", BROKEN, "5 % errors")],
            id="in the middle of a raise",
        ),
        pytest.param(
            [*HELD, Event(130, RampEvent.BREACH, {"why": "5 % errors"})], id="noted, and killed before it was acted on"
        ),
        pytest.param(
            [*HELD, Event(130, RampEvent.LOWERING, {"why": "5 % errors"})], id="killed in the middle of the rollback"
        ),
    ],
)
@pytest.mark.parametrize("share", [0, 10, 25, 77])
def test_a_breach_is_rolled_back_whatever_else(events: list[Event], share: int) -> None:
    """Also when somebody changed the flags, the release or the plan meanwhile, the gate is gone or the clock is wrong."""
    for now in (world(140, share), world(140, share, release="2.0.0", gate=None), world(10, share, wrong_users="all")):
        for rules in (RULES, ASKING, replace(RULES, terms="changed")):
            found = due(fold(events, rules), rules, now)

            assert (found.do, found.why) == (Do.ROLL_BACK, "5 % errors")


def test_a_good_look_does_not_take_a_breach_back() -> None:
    """It broke; that it is well again a minute later is no reason to go on."""
    events = [*BEGUN, watched(10, 20, "RA-1", BROKEN, "5 % errors"), watched(20, 120, "RA-1")]

    assert due_after(events, world(230, 10)).do is Do.ROLL_BACK


def test_a_breach_before_anybody_is_in_rolls_nothing_back() -> None:
    """Nobody has the features: the start is put off until a look is good."""
    events = [watched(0, 20, "", BROKEN, "5 % errors")]

    assert (due_after(events, world(20, 0)).do, state_of(events).breach) == (Do.WATCH, "")


def test_after_a_rollback_the_same_release_stays_out() -> None:
    """It says why and when, and how to begin anew: a newer GO of the gate is not enough."""
    for gate in (go(), go(25)):
        found = due_after(OVER, world(30, 0, gate=gate))

        assert found.do is Do.REFUSE
        assert "5 % errors" in found.why
        assert '--approve RA-1="who: why"' in found.why


@pytest.mark.parametrize("gate_s", [0, 25])
def test_after_a_rollback_the_same_release_needs_a_yes_and_a_gate_from_after_it(gate_s: float) -> None:
    """The GO from before the breach was wrong. Once begun, the yes is still asked for when the first users are let in."""
    said = world(60, 0, approved={"RA-1"}, gate=go(gate_s))
    begins = due_after(OVER, said)
    anew = [*OVER, started(30), watched(30, 60, "")]
    allowed, unsaid = due_after(anew, said), due_after(anew, replace(said, approved=()))

    if gate_s:
        assert (begins.do, begins.begins) == (Do.WATCH, True)
        assert (allowed.do, allowed.stage, allowed.begins) == (Do.RAISE, RULES.stages[0], False)
        assert unsaid.do is Do.WAIT
    else:
        assert {one.do for one in (begins, allowed, unsaid)} == {Do.REFUSE}
        assert "from before the breach" in begins.why


def test_a_corrected_release_begins_a_ramp_of_its_own() -> None:
    """From the first users on, with a gate of its own, and no yes is needed."""
    now = world(60, 0, release="1.42.1")
    begins = due_after(OVER, replace(now, gate=go(55, release="1.42.1")))

    assert "another release" in due_after(OVER, now).why
    assert (begins.do, begins.begins) == (Do.WATCH, True)


def test_a_release_that_broke_is_remembered_beyond_the_next_ramp() -> None:
    """1.42.0 broke, 1.42.1 went to everybody and was taken back: 1.42.0 answers again, and stays out without a yes."""
    other = {"release": "1.42.1", "terms": TERMS}
    events = [*OVER, Event(40, RampEvent.STARTED, other), *entered(50, "RA-1"), Event(60, RampEvent.FINISHED)]
    again = world(80, 0, gate=go(70))

    assert due_after(events, again).do is Do.REFUSE
    assert "1.42.0 was rolled back at" in due_after(events, again).why
    assert due_after(events, replace(again, approved={"RA-1"})).begins


# ---------------------------------------------------------------- the gate


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        (None, "no run of the re-deployment gate"),
        (go(release="1.41.3"), "about another release"),
        (go(verdict="NO-GO"), "was not GO"),
        (go(verdict="INCONCLUSIVE"), "was not GO"),
        (go(-900), "older than 1000 s"),
        (go(211), "is from the future, so its age is not known"),
        (replace(go(), host="old.example"), "was about old.example (gate-1: GO"),
    ],
)
def test_the_gate_is_still_satisfied(gate: GateRun | None, why: str) -> None:
    """Else nobody more is let in, and it says which run was looked at."""
    found = due_after([*HELD, watched(190, 210, "RA-1")], world(210, 10, gate=gate, host="api.example"))

    assert found.do is Do.REFUSE
    assert why in found.why


@pytest.mark.parametrize(
    ("commits", "answers", "why"),
    [
        ([OTHER], COMMIT, f"was about another commit, {OTHER} (gate-1: GO"),
        ([COMMIT, OTHER], COMMIT, f"was about another commit, {COMMIT} and {OTHER} (gate-1: GO"),
        ([], COMMIT, f"does not say which commit it was about, and commit {COMMIT} answers (gate-1: GO"),
        ([COMMIT], "", f"was about commit {COMMIT}, and what answers names none (gate-1: GO"),
        ([COMMIT], COMMIT, ""),
        ([COMMIT + "a" * 28], COMMIT, ""),
        ([], "", ""),
    ],
)
def test_a_gate_of_another_build_lets_nobody_in(commits: list[str], answers: str, why: str) -> None:
    """A version can be given twice. A gate whose record has no commit is no match; of an API that names none nothing is compared."""
    noted = fold([Event(0, RampEvent.GATE, {**vars(go()), "commits": commits})], RULES).gate
    found = due_after([*HELD, watched(190, 210, "RA-1")], world(210, 10, gate=noted, commit=answers))

    assert found.do is (Do.REFUSE if why else Do.RAISE)
    assert why in found.why


def test_the_newest_gate_counts_wherever_it_is_known_from() -> None:
    """A GO of the journal stands where the folder of runs is gone; a NO-GO that came later does not let it stand."""
    noted = [*HELD, Event(190, RampEvent.GATE, go(150).__dict__), watched(190, 210, "RA-1")]

    assert due_after(noted, world(210, 10, gate=None)).do is Do.RAISE
    assert due_after(noted, world(210, 10, gate=go(160, verdict="NO-GO"))).do is Do.REFUSE


# ---------------------------------------------------------------- a person's yes


@pytest.mark.parametrize(
    ("events", "stage", "why"),
    [
        (HELD, "RA-9", "no such stage"),
        (HELD, "RA-3", "a yes is given to the next stage only"),
        (HELD, "RA-1", "a yes is given to the next stage only"),
        (BEGUN, "RA-2", "too early"),
        ([], "RA-2", "the next stage is RA-1 (10 %)"),
        (HELD, "RA-2", ""),
        (HELD, "25", ""),
        ([], "RA-1", ""),
        (OVER, "RA-1", ""),
    ],
)
def test_a_yes_is_given_to_the_next_stage_when_its_time_has_come(events: list[Event], stage: str, why: str) -> None:
    """Of another stage, or before the window is complete, it is refused."""
    found = approval_refusal(state_of(events), RULES, stage, world(200, 0 if events in ([], OVER) else 10))

    assert why in found if why else found == ""


# ---------------------------------------------------------------- the world is not what the journal says


@pytest.mark.parametrize(
    ("now", "rules", "why"),
    [
        (
            world(210, 10, commit=OTHER),
            RULES,
            f"about commit {COMMIT} of release 1.42.0, and commit {OTHER} of it answers",
        ),
        (world(210, 10, release="1.43.0"), RULES, "this ramp is about release 1.42.0, and 1.43.0 answers"),
        (world(210, 10, release=""), RULES, "does not name its release"),
        (world(210, 10), replace(RULES, terms="as changed"), "the plan was changed"),
        (world(210, 25), RULES, "somebody changed the flags: the journal says 10 %, they stand at A 25 %"),
        (world(210, 0), RULES, "somebody changed the flags"),
        (world(210, {"A": 10, "B": 25}), RULES, "somebody changed the flags"),
        (world(210, {}), RULES, "no flag was read"),
        (world(210, 10, wrong_users="A at 10 %: 90 of 200"), RULES, "A at 10 %: 90 of 200"),
        (world(40, 10), RULES, "one of the clocks is wrong"),
    ],
)
def test_what_the_journal_does_not_explain_stops_the_ramp(now: World, rules: RampRules, why: str) -> None:
    """Nobody more is let in, nothing is lowered on a guess, and it says what differs."""
    found = due_after([*HELD, watched(190, 210, "RA-1")], now, rules)

    assert found.do is Do.REFUSE
    assert why in found.why


@pytest.mark.parametrize("share", [10, 25, 33, 100])
def test_a_lost_state_never_means_that_a_stage_is_done(share: int) -> None:
    """Flags stand somewhere and there is no journal: refused, whoever says yes to what."""
    for approved in ((), {"RA-1", "RA-2"}):
        found = due_after([], world(10, share, approved=approved))

        assert found.do is Do.REFUSE
        if share != 100:
            assert "a lost state never means that a stage is done" in found.why
            assert "--state-dir" in found.why
            assert '--approve RA-1="who: why"' in found.why


@pytest.mark.parametrize("events", [OVER, [*AT_50, *entered(810, "RA-3")]])
def test_everybody_is_let_in_by_a_ramp_alone(events: list[Event]) -> None:
    """100 % without the stages before is refused, whoever says yes."""
    assert due_after(events, world(900, 100, approved={"RA-4"})).do is Do.REFUSE


STOPPED = [*HELD, Event(120, "paused")]
"""By an event of a newer version."""


@pytest.mark.parametrize(
    ("events", "now"),
    [
        (HELD, world(210, 0)),
        (HELD, world(210, 0, release="1.43.0", gate=go(release="1.43.0"))),
        (HELD, world(210, 0, commit=OTHER, gate=replace(go(), commits=[OTHER]))),
        (STOPPED, world(210, 0)),
        ([*AT_50, *entered(810, "RA-4"), Event(840, RampEvent.FINISHED)], world(900, 0)),
    ],
)
def test_a_ramp_that_somebody_ended_begins_anew_by_a_yes(events: list[Event], now: World) -> None:
    """Features are off, and the journal does not say why: refused; a person begins from the first users on, and then it has begun."""
    said = replace(now, approved={"RA-1"})
    begun = [*events, started(now.now_s, release=now.release, commit=now.commit)]

    assert due_after(events, now).do is Do.REFUSE
    assert (due_after(events, said).do, due_after(events, said).begins) == (Do.WATCH, True)
    assert (due_after(begun, said).do, due_after(begun, said).begins) == (Do.WATCH, False)


def test_a_ramp_that_let_nobody_in_makes_way() -> None:
    """Another release is deployed, or the plan changed, between its beginning and its first users."""
    for now, rules in ((world(20, 0, release="2.0.0", gate=go(release="2.0.0")), RULES), (world(20, 0), LONGER)):
        assert due(fold([started(0)], rules), rules, now).begins


LONGER = replace(RULES, terms="changed")


def test_features_that_come_back_after_a_rollback_are_refused() -> None:
    """A person switched them on again."""
    assert due_after(OVER, world(30, 10)).do is Do.REFUSE


# ---------------------------------------------------------------- killed in the middle


def test_a_raise_that_changed_nothing_is_decided_anew() -> None:
    """Killed between the note and the change: with the gate gone meanwhile, nobody is let in."""
    assert due_after(RAISED, world(215, 10)).do is Do.RAISE
    assert due_after(RAISED, world(215, 10, gate=None)).do is Do.REFUSE
    assert due_after(RAISED, world(900, 10)).do is Do.WATCH


@pytest.mark.parametrize("shares", [{"A": 25, "B": 25}, {"A": 25, "B": 10}])
def test_a_raise_that_was_made_is_finished(shares: dict[str, int]) -> None:
    """Users are in: it is noted as entered, and its window begins then."""
    found = due_after(RAISED, world(900, shares))

    assert (found.do, found.stage) == (Do.RAISE, RULES.stages[1])


def test_a_raise_to_somewhere_else_is_somebody_elses() -> None:
    """Neither where it was nor where it was going."""
    assert "10 % or 25 %" in due_after(RAISED, world(215, 50)).why


def test_a_short_hole_is_not_counted_and_does_no_harm() -> None:
    """50 s, a hole of 30 s, 40 s: 90 s were watched, not 120."""
    state = state_of([*BEGUN, watched(10, 60, "RA-1"), watched(90, 130, "RA-1")])

    assert (state.watched_s, state.complete_s) == (90, None)


def test_watches_that_overlap_count_once() -> None:
    """Two sessions that watched the same 50 s did not watch 100."""
    assert state_of([*BEGUN, watched(10, 60, "RA-1"), watched(10, 60, "RA-1")]).watched_s == 50


def test_what_was_watched_before_the_stage_is_not_of_it() -> None:
    """From 0 to 60 s, entered at 10 s: 50 s."""
    assert state_of([*BEGUN, watched(0, 60, "RA-1")]).watched_s == 50


def test_a_watch_of_another_stage_counts_for_nothing() -> None:
    """It says nothing of the users who are in now."""
    assert state_of([*BEGUN, watched(10, 110, "RA-2")]).complete_s is None


def test_a_torn_line_changes_nothing() -> None:
    """What it would have said was never done, or is done again."""
    assert state_of([*HELD, Event(150, RampEvent.TORN, {"line": '{"at'})]) == replace(state_of(HELD), last_s=150)
