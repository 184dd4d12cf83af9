"""What a ramp's invocation shows: when it is good, when it is broken, and when nobody knows."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.redeploy.ramp.facts import Look, MeasuredExposure, UsersFared, UsersTried
from pam_rollback.redeploy.ramp.state import GOOD, UNKNOWN
from pam_rollback.rollback.flag_facts import FlagShare

SEEN = Look(0, 900, GOOD, "0.1 % errors")


def share(having: int, asked_pct: int, users: int = 200) -> FlagShare:
    """So many of the users who were asked have it."""
    return FlagShare("A", asked_pct, tuple(f"u{number}" for number in range(having)), users)


@pytest.mark.parametrize(("errors", "broken"), [(0, False), (1, False), (8, False), (9, True), (80, True)])
def test_users_who_have_the_features_are_tried(errors: int, broken: bool) -> None:  # noqa: FBT001 - a case
    """Of 80 answers, 9 that fail come once in 10,000 times where the plan's 2 % hold."""
    assert UsersTried(errors, 80, 40, 2).broken is broken


def test_too_few_users_say_nothing_unless_they_say_it_all() -> None:
    """5 users without an error are unknown; 5 users with 10 errors are not."""
    with pytest.raises(MeasurementFailed, match="5 of those drawn have them, 20 are needed"):
        _ = UsersTried(0, 10, 5, 2).broken
    with pytest.raises(MeasurementFailed):
        _ = UsersTried(0, 0, 0, 2).broken
    assert UsersTried(10, 10, 5, 2).broken


def test_users_fare_well_only_when_somebody_looked() -> None:
    """A breach and trouble before the start are broken; nobody looked is unknown; a ramp that is finished needs no look."""
    assert UsersFared((SEEN,), "", "", is_over=False).broken == ""
    assert UsersFared((SEEN,), "5 % errors", "", is_over=False).broken == "5 % errors"
    assert UsersFared((SEEN,), "", "5 % errors", is_over=False).broken == "5 % errors"
    assert UsersFared((), "", "", is_over=True).broken == ""
    with pytest.raises(MeasurementFailed):
        _ = UsersFared((), "", "", is_over=False).broken
    with pytest.raises(MeasurementFailed, match="no answer"):
        _ = UsersFared((SEEN, Look(900, 1000, UNKNOWN, "no answer")), "", "", is_over=False).broken


@pytest.mark.parametrize(("having", "as_said"), [(20, True), (33, True), (60, False), (0, False), (200, False)])
def test_the_share_is_held_against_the_flag(having: int, as_said: bool) -> None:  # noqa: FBT001 - a case
    """Of 200 users at 10 %."""
    assert (MeasuredExposure((share(having, 10),)).outside == ()) is as_said


def test_a_share_says_something_of_the_stage_that_users_are_in() -> None:
    """And nothing of those that nobody entered; where nobody has the features, of the ramp."""
    assert [MeasuredExposure((share(20, 10),), stage).judges for stage in ("RA-2", "")] == ["RA-2", "RP-3"]


def test_a_share_that_nobody_measured_is_unknown() -> None:
    """Not fine."""
    with pytest.raises(MeasurementFailed):
        _ = MeasuredExposure(()).outside
