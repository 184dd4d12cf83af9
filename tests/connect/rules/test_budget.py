"""No minute has more paths than a careful guest asks for, and a budget is never exceeded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.connect.rules.budget import PATHS_PER_MINUTE, Budget, BudgetSpent, Spending

MINUTE_S = 60.0
TURNS_S = st.lists(st.floats(0, 30), min_size=1, max_size=60)


def most_in_a_minute(at_s: list[float]) -> int:
    """The most requests in any 60 seconds, both ends counted."""
    return max(sum(begin <= other <= begin + MINUTE_S for other in at_s) for begin in at_s)


@given(TURNS_S, st.floats(0, 20))
def test_no_minute_has_more_than_is_told(thinks_s: list[float], gap_s: float) -> None:
    """However long the asking itself takes."""
    spending, now_s = Spending(Budget(len(thinks_s)), gap_s=gap_s), 0.0
    for thinks in thinks_s:
        now_s += thinks
        now_s += spending.wait_s(now_s)
        spending.note_path(now_s)

    assert most_in_a_minute(spending.asked_s) <= PATHS_PER_MINUTE
    assert all(
        later - earlier >= gap_s - 1e-6 for earlier, later in zip(spending.asked_s, spending.asked_s[1:], strict=False)
    )


def test_whoever_does_not_wait_is_refused() -> None:
    """The rule is not a matter of who calls it."""
    spending = Spending(Budget(20))
    for _ in range(PATHS_PER_MINUTE):
        spending.note_path(0.0)

    assert spending.wait_s(10.0) == pytest.approx(51.0)
    with pytest.raises(ValueError, match="too soon"):
        spending.note_path(10.0)


def test_what_was_told_is_never_exceeded() -> None:
    """Paths, sign-ins and questions."""
    spending = Spending(Budget(1, sign_ins=1, questions=0))
    spending.note_path(0.0)
    spending.note_sign_in()

    with pytest.raises(BudgetSpent, match="1 paths"):
        spending.wait_s(1000.0)
    with pytest.raises(BudgetSpent, match="1 sign-ins"):
        spending.note_sign_in()
    with pytest.raises(BudgetSpent, match="0 questions"):
        spending.note_question()
    assert str(spending) == "1 of 1 paths, 1 of 1 sign-ins, 0 of 0 questions to PAM"


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (Budget(12), "at most 12 paths of the product, 12 a minute; no sign-in; no question to PAM"),
        (
            Budget(36, sign_ins=1, questions=1),
            "at most 36 paths of the product, 12 a minute, so up to 2 min; 1 sign-in; 1 question to PAM",
        ),
    ],
)
def test_it_is_told_beforehand(budget: Budget, told: str) -> None:
    """With the time that it takes."""
    assert str(budget) == told
