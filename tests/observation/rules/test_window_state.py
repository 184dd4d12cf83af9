"""What a verdict on a window can be asked: unknown is neither met nor broken."""

from dataclasses import dataclass

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation.window_state import WindowResult, WindowState


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
