"""From outcomes to one exit code: the worst wins, and nothing at all is never GO."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, NothingToProve, Refused, StopRequested, UndoFailed
from pam_rollback.report.verdict import (
    VERDICT_WORDS,
    Cause,
    Ending,
    ExitCode,
    Outcome,
    causes_of_outcomes,
    classify,
    counted,
    counted_criteria,
    worst,
)


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


CAUSES = st.builds(Cause, code=st.sampled_from([code for code in ExitCode if code]), why=st.sampled_from(["a", "b"]))


@settings(deadline=None)
@given(st.lists(CAUSES, max_size=5))
def test_whatever_is_not_go_has_a_reason(causes: list[Cause]) -> None:
    """And it is one of those that have this code."""
    ending = Ending.of(causes)

    assert (ending.code is ExitCode.GO) is (not causes)
    assert bool(ending.why) is bool(causes)
    assert set(ending.why) == {cause.why for cause in causes if cause.code is ending.code}


@settings(deadline=None)
@given(st.lists(st.sampled_from(Outcome), max_size=6))
def test_whatever_tests_said_has_a_reason_unless_all_passed(outcomes: list[Outcome]) -> None:
    """The code is that of the worst; without one that passed it is never GO."""
    ending = Ending.of(causes_of_outcomes(outcomes))

    said = [outcome.exit_code for outcome in outcomes if outcome is not Outcome.KNOWN]
    assert ending.code is worst(said)
    assert (not ending.why) is (ending.code is ExitCode.GO)


@pytest.mark.parametrize(("code", "why"), [(ExitCode.INCONCLUSIVE, " "), (ExitCode.GO, "fine")])
def test_a_cause_without_a_reason_cannot_be_made(code: ExitCode, why: str) -> None:
    """Nor one that is no cause."""
    with pytest.raises(ValueError, match="expected a reason"):
        Cause(code, why)


def test_each_ending_has_its_word() -> None:
    """The verdict's, by the number that CI sees."""
    assert {int(code): VERDICT_WORDS[code] for code in ExitCode} == {
        0: "GO",
        10: "NO-GO",
        11: "INCONCLUSIVE",
        12: "ACTION FAILED",
        13: "REFUSED",
        14: "UNDO FAILED",
    }


def test_outcomes_are_counted_in_words() -> None:
    """One and many; those that passed are not told."""
    assert counted(Outcome) == [
        "1 criterion broken",
        "1 test met a failed action",
        "1 undo failed",
        "1 refusal",
        "1 test could not measure",
        "1 test not run",
    ]
    assert counted([*Outcome, *Outcome]) == [
        "2 criteria broken",
        "2 tests met a failed action",
        "2 undos failed",
        "2 refusals",
        "2 tests could not measure",
        "2 tests not run",
    ]
    assert counted([Outcome.PASSED, Outcome.UNKNOWN]) == ["1 test could not measure"]


def test_criteria_are_counted_and_not_their_tests() -> None:
    """Several tests may ask for one, and one test for several; a test that names none stands for itself."""
    assert counted_criteria([("SC-1",)]) == "1 criterion broken"
    assert counted_criteria([("SC-1",), ("SC-2",)]) == "2 criteria broken"
    assert counted_criteria([("CR-4",), ("CR-4",), ("CR-4", "SC-5")]) == "2 criteria broken (3 tests)"
    assert counted_criteria([("CR-4", "SC-5")]) == "2 criteria broken (1 test)"
    assert counted_criteria([(), ()]) == "2 criteria broken"
