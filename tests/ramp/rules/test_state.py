"""What the ramp's journal says: which stage users are in, for how long it was watched, and who said yes."""

from dataclasses import replace

from pam_rollback.core.run_files import Event
from pam_rollback.redeploy.ramp.state import RampEvent
from tests.ramp.rules.journals import BEGUN, HELD, state_of, watched


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
