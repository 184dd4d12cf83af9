"""The share of users for whom a feature fails: above the limit, not above it, or too near to it to tell."""

import pytest

from pam_rollback.access.affected_users import USERS, AffectedUsers, affected
from pam_rollback.core.errors import MeasurementFailed

LIMIT_PCT = 25.0


def outcome(*, chat: bool = True, expenses: bool = True) -> dict[str, bool]:
    """What works for one user."""
    return {"chat": chat, "expenses": expenses}


def found(failing: int, asked: int, *later: dict[str, dict[str, bool]]) -> AffectedUsers:
    """So many of so many users for whom the chat does not work in the first try, and what came later."""
    first = {f"user-{number}": outcome(chat=number >= failing) for number in range(asked)}
    return affected([first, *later], limit_pct=LIMIT_PCT, users=10_000)


@pytest.mark.parametrize(("failing", "asked"), [(0, 11), (0, 400), (84, 400), (8, 60)])
def test_few_enough(failing: int, asked: int) -> None:
    """Even the most that the sample leaves possible is not above the limit."""
    assert found(failing, asked).at_least_pct <= LIMIT_PCT


@pytest.mark.parametrize(("failing", "asked"), [(115, 400), (400, 400), (25, 60), (3, 3)])
def test_too_many(failing: int, asked: int) -> None:
    """Even the fewest that the sample leaves possible are above it."""
    assert found(failing, asked).at_least_pct > LIMIT_PCT


@pytest.mark.parametrize(("failing", "asked"), [(0, 10), (86, 400), (100, 400), (114, 400), (2, 3), (0, 1)])
def test_too_near_to_tell(failing: int, asked: int) -> None:
    """In between nothing is known, however small the sample."""
    with pytest.raises(MeasurementFailed, match="too near to the limit of 25 % for this sample to tell"):
        _ = found(failing, asked).at_least_pct


def test_the_sample_can_tell_what_the_plan_asks() -> None:
    """So many users, of whom 35 % are affected, are enough to say so, and so are 20 %."""
    assert found(round(USERS * 0.35), USERS).at_least_pct > LIMIT_PCT
    assert found(round(USERS * 0.20), USERS).at_least_pct <= LIMIT_PCT


def test_who_is_helped_by_another_try_is_not_affected() -> None:
    """Errors that hit everybody now and then are another criterion."""
    later = {f"user-{number}": outcome() for number in range(300)}

    assert found(300, 400, later).worst.failing == ()


def test_who_is_not_helped_stays_affected() -> None:
    """Also when a later try says nothing of them, or of that feature."""
    later = {**{f"user-{number}": outcome(chat=False) for number in range(100)}, "user-100": {"expenses": True}}

    assert len(found(150, 400, later).worst.failing) == 150


def test_the_worst_feature_decides() -> None:
    """A chat that works for all does not make up for expenses that do not."""
    first = {f"user-{number}": outcome(expenses=number >= 200) for number in range(400)}
    users = affected([first], limit_pct=LIMIT_PCT, users=400)

    assert users.at_least_pct > LIMIT_PCT
    assert users.worst.feature == "expenses"


def test_an_outcome_that_is_missing_is_not_fine() -> None:
    """Nobody tried, or a feature that was not told."""
    nobody: list[list[dict[str, dict[str, bool]]]] = [[{}], []]
    for tries in nobody:
        with pytest.raises(MeasurementFailed, match="tried for nobody"):
            _ = affected(tries, limit_pct=LIMIT_PCT, users=0).at_least_pct
    with pytest.raises(MeasurementFailed, match="does not say for 1 of 2 users whether each of chat, expenses works"):
        affected([{"a": outcome(), "b": {"chat": True}}], limit_pct=LIMIT_PCT, users=2)
