"""What a journal says of a rollback, over written-out histories."""

from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.rollback.carried_out import CarriedOut, watched


def event(at_s: float, name: str, **facts: Any) -> dict[str, Any]:
    """One line of a journal."""
    return {"at_s": at_s, "event": name, **facts}


BEGUN = [event(10, "action", strategy="feature-flag", decided_s=9.0)]
READ = [event(11, "step-started", step="read"), event(12, "step-done", step="read", problem="")]
SWITCH = [event(12, "step-started", step="switch"), event(13, "step-done", step="switch", problem="")]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            [event(12, "step-started", step="tell"), event(13, "step-failed", step="tell", problem="HTTP 500")],
            "HTTP 500",
        ),
        ([event(12, "step-not-done", step="lock", problem="'restore' failed")], "never begun, 'restore' failed"),
        ([event(12, "step-started", step="tell")], "step 'tell' was begun and never ended"),
    ],
)
def test_a_step_that_failed_or_never_ended_is_not_done(more: list[dict[str, Any]], words: str) -> None:
    """Nothing else that was done makes up for it."""
    finding = CarriedOut.of([*BEGUN, *READ, *more], "feature-flag").finding()

    assert not finding.done
    assert words in finding.words


def test_a_failed_action_is_not_done_whatever_its_steps() -> None:
    """The action as a whole has a word, too."""
    finding = CarriedOut.of([*BEGUN, *READ], "feature-flag").finding(["nobody was helped"])

    assert (finding.done, finding.words) == (False, "feature-flag: nobody was helped")


def test_steps_side_by_side_are_told_apart() -> None:
    """Their ends come in another order than their beginnings."""
    entries = [
        *BEGUN,
        event(11, "step-started", step="front end"),
        event(11, "step-started", step="back end"),
        event(12, "step-failed", step="back end", problem="refused"),
        event(15, "step-done", step="front end", problem=""),
    ]

    found = CarriedOut.of(entries, "feature-flag")

    assert [(step.name, step.ended_s, step.problem) for step in found.steps] == [
        ("front end", 15.0, ""),
        ("back end", 12.0, "refused"),
    ]


def test_another_actions_steps_do_not_count() -> None:
    """One journal holds all stories of a drill; a resumed action begins anew."""
    other = [event(20, "action", strategy="gradual", decided_s=20.0), event(21, "step-started", step="x")]

    assert len(CarriedOut.of([*BEGUN, *READ, *other], "feature-flag").steps) == 1
    assert CarriedOut.of([*BEGUN, *READ, *other, *BEGUN, *SWITCH], "feature-flag").steps[0].name == "switch"


def test_nothing_is_known_without_an_action_or_a_step() -> None:
    """Empty is never done."""
    with pytest.raises(MeasurementFailed, match="has no gradual"):
        CarriedOut.of([*BEGUN, *READ], "gradual")
    with pytest.raises(MeasurementFailed, match="no step of it"):
        CarriedOut.of(BEGUN, "feature-flag")


def test_the_end_is_not_known_while_a_step_has_none() -> None:
    """A rollback that goes on was not in time."""
    found = CarriedOut.of([*BEGUN, event(11, "step-started", step="read")], "feature-flag")

    with pytest.raises(MeasurementFailed, match="'read' has no end"):
        _ = found.last_step_s


@pytest.mark.parametrize(
    ("moments", "until_s", "done", "words"),
    [
        ([8, 9, 10, 11, 12, 13, 14], 15.0, True, "from 2.0 s before the first step on: 7 usable probes"),
        ([], 15.0, False, "not one usable probe"),
        ([10.5, 11, 12, 13, 14], 15.0, False, "watched only from 0.5 s after the first step on"),
        ([8, 9, 10, 14, 15], 15.0, False, "not watched for a while, 0.0 s after the first step"),
        ([8, 9, 10, 11], 15.0, False, "not watched for a while, 1.0 s after the first step"),
        ([8, 9, 10, 11], 11.5, False, "watched until 1.5 s before the last step ended"),
    ],
)
def test_watched_means_from_before_until_the_end_without_a_hole(
    moments: list[float],
    until_s: float,
    done: bool,  # noqa: FBT001 - a parameter
    words: str,
) -> None:
    """A late beginning, a hole, silence at the end and no probe at all are each seen."""
    found = watched(moments, first_step_s=10.0, last_step_s=13.0, until_s=until_s, hole_s_max=2.0)

    assert found.done is done, found
    assert words in found.words
