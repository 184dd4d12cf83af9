"""When users were well again, as whoever watches a session reads it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pam_rollback.observation.recovery import JudgedRecovery, Recovery
from pam_rollback.observation.watched import users

CET = timezone(timedelta(hours=1), "CET")


def at(moment_s: float) -> datetime:
    """What the clock showed."""
    return datetime(2026, 11, 27, 14, 0, tzinfo=UTC) + timedelta(seconds=moment_s)


def found(recovered_s: float | None, by_s: float | None = None) -> JudgedRecovery:
    """A recovery from an incident at 5 s that was decided upon at 10 s; 30 s are asked for."""
    by_s = recovered_s if by_s is None else by_s
    return JudgedRecovery(Recovery(5, 10, 5.1, recovered_s, 3.0, 0.2, by_s, (), (), 100), 30)


@pytest.mark.parametrize(
    ("recovery", "words"),
    [
        (
            found(12.5),
            "have been well again since 14:00:12 UTC (15:00:12 CET), 2.5 s after the decision, within the objective of 30 s",
        ),
        (
            found(50.0),
            "have been well again since 14:00:50 UTC (15:00:50 CET), 40 s after the decision, LATER than the objective of 30 s",
        ),
        (
            found(12.5, 60.0),
            (
                "have been well again since 14:00:12 UTC (15:00:12 CET), 2.5 s after the decision, within the objective "
                "of 30 s or not: probes are too rare to tell"
            ),
        ),
        (found(None), "NOT well again, good for only 3.0 s so far; the objective of 30 s is missed"),
    ],
    ids=["in time", "late", "not known", "never"],
)
def test_when_users_are_well_again(recovery: JudgedRecovery, words: str) -> None:
    """Since when, by both clocks, and whether that is what the plan asks for; never a yes that is not known."""
    assert users(recovery, at, CET) == words
