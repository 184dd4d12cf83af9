"""From outcomes to one exit code: the worst wins, and nothing at all is never GO."""

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, NothingToProve, Refused, StopRequested, UndoFailed
from pam_rollback.core.verdict import ExitCode, Outcome, classify, worst


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([0, 0], 0),
        ([0, 11], 11),
        ([11, 10], 10),
        ([10, 13], 13),
        ([13, 12], 12),
        ([12, 14], 14),
        ([0, 10, 11, 12, 13, 14], 14),
        ([], 11),
    ],
)
def test_the_worst_wins(codes: list[int], expected: int) -> None:
    """In the order 14, 12, 13, 10, 11; nothing is INCONCLUSIVE."""
    assert worst(map(ExitCode, codes)) == expected


@pytest.mark.parametrize(
    ("error", "in_body", "expected"),
    [
        (AssertionError("red"), True, Outcome.BROKEN_CRITERION),
        (AssertionError("red"), False, Outcome.UNKNOWN),
        (ActionFailed("no"), False, Outcome.ACTION_FAILED),
        (ActionFailed("no"), True, Outcome.ACTION_FAILED),
        (UndoFailed("no"), False, Outcome.UNDO_FAILED),
        (Refused("no"), False, Outcome.REFUSED),
        (NothingToProve("no"), False, Outcome.UNKNOWN),
        (MeasurementFailed("no"), True, Outcome.UNKNOWN),
        (StopRequested("no"), True, Outcome.UNKNOWN),
        (KeyError("no"), True, Outcome.UNKNOWN),
    ],
)
def test_an_exception_says_what_it_means(error: Exception, in_body: bool, expected: Outcome) -> None:  # noqa: FBT001 - a table
    """Only an assertion in the body of a test is a broken criterion."""
    assert classify(error, in_test_body=in_body) is expected


def test_unknown_is_never_green() -> None:
    """What was not measured, and what was not run, ends with 11."""
    assert {Outcome.UNKNOWN.exit_code, Outcome.NOT_RUN.exit_code} == {ExitCode.INCONCLUSIVE}
