"""What a decision session says to a watch: its own states and words, and never more than it found out."""

from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.decision.rules.decision import Finding, State
from pam_rollback.watch.rules.beside import findings_of, wants_another
from pam_rollback.watch.rules.looks import BESIDE, Look, Streaks
from tests.watch.decisions import record


@pytest.mark.parametrize("state", State)
def test_each_state_is_the_decisions(state: State) -> None:
    """With its words; of the others nothing else is said."""
    found = {one.criterion: one for one in findings_of(record({"IR-3": state})).findings}

    assert [*found] == [*BESIDE]
    assert (found["IR-3"].state, found["IR-3"].words) == (state, "IR-3 as written")
    assert {one.state for name, one in found.items() if name != "IR-3"} == {State.CLEAR}


def test_what_the_environment_does_not_declare_is_no_finding() -> None:
    """Nor is it unknown at each session anew: it is named, with the decision's reason."""
    found = findings_of(record(left_out=("CR-1", "CR-3")))

    assert [one.criterion for one in found.findings] == ["IR-1", "IR-3", "CR-2", "CR-4"]
    assert found.left_out == {"CR-1": "nothing declares CR-1", "CR-3": "nothing declares CR-3"}


def test_what_is_asked_in_part_is_judged_by_that_part() -> None:
    """A part that is left out is named; one that was asked and not found out is not known."""
    found = findings_of(record({"CR-2": State.UNKNOWN}, in_part=("IR-3",)))

    assert {one.criterion: one.state for one in found.findings}["IR-3"] is State.CLEAR
    assert {one.criterion: one.state for one in found.findings}["CR-2"] is State.UNKNOWN
    assert found.in_part == {"IR-3": "nothing declares IR-3"}


@pytest.mark.parametrize(
    "more",
    [
        {"verdict": "REFUSED", "exit_code": 13, "reasons": ("somebody has the lock",)},
        {"exit_code": 2},
        {"exit_code": 4},
        {"exit_code": 5},
    ],
)
def test_a_session_that_came_to_no_decision_tells_nothing(more: dict[str, Any]) -> None:
    """Whatever its record holds: tests that it never reached are not left out by the environment."""
    with pytest.raises(MeasurementFailed, match=f"ended with {more['exit_code']}"):
        findings_of(record(**more))
    with pytest.raises(MeasurementFailed, match="ran no test"):
        findings_of(record(left_out=BESIDE))


def streaks(*states: State, name: str = "IR-3") -> Streaks:
    """What sessions in a row found."""
    found = Streaks()
    for state in states:
        found = found.after(Look(0, (Finding(name, state, "as written"),)))
    return found


H, C = State.HOLDS, State.CLEAR


@pytest.mark.parametrize(
    ("seen", "held", "wanted"),
    [
        (streaks(), (), False),
        (streaks(C), (), False),
        (streaks(H), (), True),
        (streaks(H, H), (), True),
        (streaks(H, H, H), ("IR-3",), False),
        (streaks(H, C), (), True),
        (streaks(H, C, C, C), (), False),
        (streaks(), ("IR-3",), True),
        (streaks(C, C), ("IR-3",), True),
        (streaks(C, C, C), ("IR-3",), False),
        (streaks(H, name="IR-2"), (), False),
        (streaks(), ("IR-2",), False),
    ],
)
def test_one_more_at_once_where_it_could_tell(seen: Streaks, held: tuple[str, ...], *, wanted: bool) -> None:
    """To open or to close an incident, of the criteria that sessions judge; never because of what looks judge."""
    assert wants_another(seen, held) is wanted
