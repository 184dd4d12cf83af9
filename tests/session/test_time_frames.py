"""Late is later than the plan's end of the frame; early is no fault."""

import pytest

from pam_rollback.session.time_frames import FirstVerdict


@pytest.mark.parametrize(
    ("came_s", "in_time"),
    [(-0.5, True), (0.0, True), (119.9, True), (120.0, True), (120.001, False), (700.0, False)],
)
def test_a_verdict_may_come_until_the_end_of_its_frame(came_s: float, *, in_time: bool) -> None:
    """The end counts in."""
    verdict = FirstVerdict("health checks", came_s, 120, "the end of the rollback")

    assert verdict.in_time is in_time


def test_it_says_how_late_and_from_when() -> None:
    """The sentence and the row of the table."""
    verdict = FirstVerdict("health checks", 131.26, 120, "the session's start")

    assert str(verdict) == "first verdict, health checks: late, 131.3 s from the session's start (the plan: 0 to 120 s)"
    figures = verdict.figures
    assert (figures.measured, figures.unit, figures.definition) == (131.3, "s", "from the session's start")
    assert figures.margin == pytest.approx(-11.26)
