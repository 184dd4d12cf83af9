"""Moments of an earlier session by this session's clock: exact on one machine, by date after a restart or on another machine."""

from datetime import UTC, datetime

from pam_rollback.plugin.runbook import Resumption, moment_s

NOW = datetime(2026, 11, 25, 3, 0, 0, tzinfo=UTC)
ENTRY = {"at": "2026-11-25T02:59:00+00:00", "at_s": 1000.0}


def test_on_one_machine_the_monotonic_clock_counts() -> None:
    """To the millisecond, whatever the date says within a few seconds."""
    assert moment_s(ENTRY, 999.25, now_s=1059.0, now=NOW) == 999.25


def test_after_a_restart_the_date_counts() -> None:
    """The clock began at 0 again: a minute ago is before it."""
    assert moment_s(ENTRY, 999.0, now_s=20.0, now=NOW) == -41.0


def test_on_another_machine_the_date_counts() -> None:
    """Its clock knows nothing of the first one's."""
    assert moment_s(ENTRY, 999.0, now_s=500_000.0, now=NOW) == 499_939.0


def test_the_gap_is_never_negative() -> None:
    """By clocks that disagree a little, a run may seem to go on before it ended."""
    assert Resumption(0, None, interrupted_s=10.5, resumed_s=10.0, reason="").gap_s == 0
    assert Resumption(0, None, interrupted_s=10, resumed_s=70, reason="").gap_s == 60
