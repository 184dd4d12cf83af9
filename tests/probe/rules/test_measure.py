"""The engine of windows: what ends a run of bad times, what a gap hides, and that broken comes before unknown."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.probe.measure import (
    Bin,
    Reach,
    Told,
    WindowResult,
    WindowState,
    bad_runs,
    held,
    seconds,
    shortened_gap_s,
)


def bins(marks: str) -> list[Bin]:
    """One a second: ``x`` bad, ``.`` good, ``?`` not to be told, a blank where nothing was asked."""
    kinds = {"x": True, ".": False, "?": None}
    return [Bin(at, at + 1, kinds[mark]) for at, mark in enumerate(marks) if mark != " "]


@pytest.mark.parametrize(
    ("marks", "runs"),
    [
        ("", []),
        ("....", []),
        (".xx.", [(1, 3)]),
        ("xx", [(0, 2)]),
        ("x.x", [(0, 1), (2, 3)]),
        ("x x", [(0, 3)]),
        ("x?x", [(0, 3)]),
        ("?x?.", [(1, 2)]),
    ],
)
def test_only_a_good_time_ends_a_run(marks: str, runs: list[tuple[float, float]]) -> None:
    """Where nothing is known it goes on, and does not begin."""
    assert [(run.from_s, run.until_s, run.bad) for run in bad_runs(bins(marks))] == [(*run, True) for run in runs]


def test_a_run_as_long_as_tolerated_is_not_too_long() -> None:
    """The first that is longer breaks the window, and all are told."""
    reach = Reach.of(100, 10, 110)
    told = Told(reach=reach, known=range(100, 111), bins=bins("xx.xxx...."))

    assert held(told, gap_max_s=1, bad_run_max_s=3).state is WindowState.MET
    found = held(told, gap_max_s=1, bad_run_max_s=2)
    assert (found.state, found.bad_run_s, len(found.bad)) == (WindowState.BROKEN, 3, 2)
    assert held(Told(reach=reach, known=range(100, 111)), gap_max_s=1).bad_run_s == 0
    assert found.reason == "every sample bad for 3 s from +3 s of the watch on (tolerated 2 s)"


def test_a_second_is_bad_by_its_share() -> None:
    """Of a second without answers nothing is said, and in whatever order they come."""
    answers = [(2.0, True), (0.1, True), (0.9, False), (2.5, True)]

    assert [(one.from_s, one.bad, one.n, one.bad_n) for one in seconds(answers)] == [(0, False, 2, 1), (2, True, 2, 2)]
    assert [one.bad for one in seconds(answers, bad_share=0.5)] == [True, True]


def test_the_longest_hole_is_told() -> None:
    """Of two, whichever comes first."""
    told = Told(reach=Reach.of(0, 20, 20), known=[1, 8, 9, 12, 18])

    assert held(told, gap_max_s=5).reason.startswith("no usable sample for 7.0 s from +1.0 s of the watch on")


@given(
    moments=st.lists(st.integers(0, 30), max_size=30).map(sorted),
    marks=st.text("x.? ", max_size=20),
    settled_s=st.integers(0, 40),
    lost=st.sampled_from(["", "lost"]),
    unfit=st.sampled_from(["", "unfit"]),
    lacking=st.sampled_from(["", "lacking"]),
)
def test_broken_before_unknown_and_met_only_at_the_end(
    moments: list[int], marks: str, settled_s: int, lost: str, unfit: str, lacking: str
) -> None:
    """Whatever comes together: one bad second in a row more than tolerated, a gap, or the source's own reasons."""
    reach = Reach.of(0, 20, settled_s)
    told = Told(reach=reach, known=moments, bins=bins(marks), lost=lost, unfit=unfit, lacking=lacking)
    found = held(told, gap_max_s=5, bad_run_max_s=2)

    inside = [0, *(at_s for at_s in moments if at_s <= reach.reach_s), reach.reach_s]
    a_gap = any(after - before > 5 for before, after in pairwise(inside))
    assert bool(found.gaps) is a_gap
    if lost or found.bad_run_s > 2:
        assert found.state is WindowState.BROKEN
    elif unfit or a_gap or lacking:
        assert found.state is WindowState.UNKNOWN
    else:
        assert found.state is (WindowState.MET if settled_s >= 20 else WindowState.HOLDING)
    assert bool(found.reason) is (found.state in {WindowState.BROKEN, WindowState.UNKNOWN})


@dataclass(frozen=True)
class Standing(WindowResult):
    """A verdict of nothing but its state."""

    state: WindowState

    def __str__(self) -> str:
        """Why."""
        return f"it is {self.state}"


def test_met_and_broken_are_answers() -> None:
    """Both are final."""
    assert Standing(WindowState.MET).met
    assert not Standing(WindowState.BROKEN).met
    assert [state for state in WindowState if not Standing(state).final] == [WindowState.HOLDING]


@pytest.mark.parametrize("state", [WindowState.HOLDING, WindowState.UNKNOWN])
def test_what_is_not_known_is_no_answer(state: WindowState) -> None:
    """Neither an all-clear nor an accusation: it raises, with the reason."""
    with pytest.raises(MeasurementFailed, match=f"it is {state}"):
        _ = Standing(state).met


@pytest.mark.parametrize(
    ("state", "found", "words"),
    [
        (WindowState.BROKEN, "3 %", "error rate 3 %"),
        (WindowState.MET, "1 %", "error rate 1 %"),
        (WindowState.HOLDING, "1 %", "error rate 1 % so far"),
        (WindowState.UNKNOWN, "1 %", "error rate not known: 1 %"),
        (WindowState.UNKNOWN, "", "error rate not known: nothing measured"),
        (WindowState.HOLDING, "", "error rate: nothing measured"),
    ],
)
def test_the_first_words_say_what_was_found_and_whether_it_counts(state: WindowState, found: str, words: str) -> None:
    """A figure of a window that is not known is told, and is none."""
    assert Standing(state).headed("error rate", found) == words


@pytest.mark.parametrize(("pace", "tolerated_s"), [(0.5, 60.0), (1.0, 60.0), (1.5, 5.0), (60.0, 5.0)])
def test_a_window_that_the_pace_shortens_tolerates_short_holes_only(pace: float, tolerated_s: float) -> None:
    """At the plan's pace the plan's own figure holds, and a shorter one of the plan always does."""
    assert shortened_gap_s(60.0, pace) == tolerated_s
    assert shortened_gap_s(3.0, pace) == 3.0


def test_nothing_measured_is_no_figure() -> None:
    """Also where a window counts as met."""

    class Seen(WindowResult):
        state, reason = WindowState.MET, ""
        measured = Measured("answers", asked="some", value=None, n=0, sentence="nothing")

    with pytest.raises(MeasurementFailed):
        Seen().decided(None)
    assert Seen().decided(0.5) == 0.5
