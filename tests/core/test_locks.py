"""When a lock may be taken from its holder: histories written out."""

from datetime import UTC, datetime, timedelta

import pytest

from pam_rollback.core.locks import Claim, Held, may_take, read_held

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
OTHERS = Held(
    "Ada",
    "ci-1",
    "run-1",
    since=NOON - timedelta(minutes=12),
    renewed=NOON,
    ttl_s=300,
    last_step="push the revert",
    place="a",
)
MINE = Claim("production", "Grace", "laptop", "run-2", place="b")


def test_what_is_written_is_read() -> None:
    """Also with letters of other languages, by a person too."""
    held = Held("Zoë", "ci-1", "run-1", since=NOON, renewed=NOON, ttl_s=300, last_step="…", place="p")

    assert read_held(held.text()) == held
    assert '"who": "Zoë"' in held.text()


def test_a_fresh_lock_refuses_with_holder_and_age() -> None:
    """Who it is, where, for how long, whether alive, at which step, and when it will be free."""
    taking = may_take(MINE, OTHERS.text(), NOON + timedelta(seconds=20))

    assert taking.refused == (
        "another session is changing production: run run-1 of Ada on ci-1, since 2026-11-25 11:48:00 UTC (12 min ago), "
        "last sign of life 20 s ago, last step 'push the revert'; wait for it, or stop it, before run-2 acts; "
        "if it is dead, this works in 280 s"
    )


@pytest.mark.parametrize(("silent_s", "refused"), [(299, True), (300, False), (86400, False)])
def test_a_lock_runs_out(silent_s: int, refused: bool) -> None:  # noqa: FBT001 - a column of the table
    """At its time to live exactly, and loudly."""
    taking = may_take(MINE, OTHERS.text(), NOON + timedelta(seconds=silent_s))

    assert bool(taking.refused) is refused
    assert ("was taken over from run run-1 of Ada on ci-1" in taking.warning) is not refused


@pytest.mark.parametrize(("silent_s", "refused"), [(89, True), (90, False)])
def test_the_run_that_is_resumed_gives_way_sooner(silent_s: int, refused: bool) -> None:  # noqa: FBT001 - a column of the table
    """After three signs of life that did not come; not while it works."""
    claim = Claim("production", "Grace", "laptop", "run-2", place="b", resumes="run-1")

    assert bool(may_take(claim, OTHERS.text(), NOON + timedelta(seconds=silent_s)).refused) is refused


def test_a_session_of_this_machine_that_died_gives_way_at_once() -> None:
    """Its lock on this machine is ours: the kernel knows that it is gone."""
    claim = Claim("production", "Grace", "ci-1", "run-2", place="a")
    taking = may_take(claim, OTHERS.text(), NOON)

    assert not taking.refused
    assert "that session has died" in taking.warning


def test_a_machine_that_cannot_be_told_from_others_proves_no_death() -> None:
    """Two empty places are not the same place."""
    held = Held("Ada", "ci-1", "run-1", since=NOON, renewed=NOON, ttl_s=300)
    claim = Claim("production", "Grace", "ci-1", "run-2")

    assert may_take(claim, held.text(), NOON).refused


def test_a_clock_that_is_ahead_makes_nothing_older() -> None:
    """A sign of life from the future is one of now."""
    ahead = Held("Ada", "ci-1", "run-1", since=NOON, renewed=NOON + timedelta(hours=1), ttl_s=300)

    assert "last sign of life 0 s ago" in may_take(MINE, ahead.text(), NOON).refused


@pytest.mark.parametrize(
    "text", ["", "held by Ada", "[]", "{}", '{"who": "Ada"}', OTHERS.text().replace("2026", "no year")]
)
def test_what_cannot_be_read_stops_nobody(text: str) -> None:
    """It is said, and taken over: a rollback does not wait for a riddle."""
    taking = may_take(MINE, text, NOON)

    assert not taking.refused
    assert "the lock of production could not be read" in taking.warning
