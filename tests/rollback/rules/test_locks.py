"""When a lock may be taken from its holder: histories written out, and all ways in which clocks may disagree."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.rollback.locks import (
    RENEWED_EVERY_S,
    Claim,
    LockRecord,
    TakeOver,
    Taking,
    may_take,
    read_lock_record,
    stopped,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
OTHERS = LockRecord(
    "Ada",
    "ci-1",
    "run-1",
    since=NOON - timedelta(minutes=12),
    renewed=NOON,
    last_step="push the revert",
    place="a",
    token="t1",
    pid=4242,
    targets=("site-1",),
)
MINE = Claim("production", "Grace", "laptop", "run-2", token="t2", place="b")


def judged(
    watched_s: float = 0.0, *, moved: bool = False, claim: Claim = MINE, text: str = "", now: datetime = NOON
) -> Taking:
    """What a lock of Ada's means after so long."""
    return may_take(claim, text or OTHERS.text(), watched_s=watched_s, moved=moved, now=now)


def test_what_is_written_is_read() -> None:
    """Also with letters of other languages, by a person too; and where it says no more than who has it."""
    held = LockRecord(
        "Zoë", "ci-1", "run-1", since=NOON, renewed=NOON, last_step="…", place="p", targets=("a", "b"), beat=3
    )

    assert read_lock_record(held.text()) == held
    known = {"who": "Ada", "host": "ci-1", "run": "run-1", "since": NOON.isoformat(), "renewed": NOON.isoformat()}
    assert read_lock_record(json.dumps(known)) == LockRecord("Ada", "ci-1", "run-1", since=NOON, renewed=NOON)
    assert '"who": "Zoë"' in held.text()


def test_a_lock_that_moves_refuses_with_holder_and_step() -> None:
    """Who it is, where, since when, at which step, how we know, and what to do."""
    assert judged(20, moved=True, now=NOON + timedelta(seconds=20)).refused == (
        "another session is changing production right now: run run-1 of Ada on ci-1 (process 4242), since 2026-11-25 11:48:00 UTC "
        "(12 min ago), last sign of life 20 s ago, last step 'push the revert'; it lives: its lock moved within 20 s; "
        'wait for it, or stop it, before run-2 acts; if it is known to be dead or hung: --take-over run-1="who: how you know"'
    )


@pytest.mark.parametrize(("watched_s", "wait_s"), [(0, 90), (60, 30), (89, 1), (90, 0), (86400, 0)])
def test_a_lock_that_does_not_move_is_watched_and_then_taken(watched_s: float, wait_s: float) -> None:
    """Three signs of life that did not come; loudly."""
    taking = judged(watched_s)

    assert taking.wait_s == wait_s
    assert not taking.refused
    assert ("was taken over from run run-1 of Ada on ci-1" in taking.warning) is (wait_s == 0)


@given(
    ours=st.integers(-(10**6), 10**6),
    theirs=st.integers(-(10**6), 10**6),
    watched_s=st.floats(0, 200),
    moved=st.booleans(),
)
def test_no_clock_decides(ours: int, theirs: int, watched_s: float, moved: bool) -> None:  # noqa: FBT001 - drawn
    """However far two machines' clocks are apart: what moves is refused, what does not is watched for 90 s of our own time."""
    renewed = NOON + timedelta(seconds=theirs)
    held = LockRecord("Ada", "ci-1", "run-1", since=renewed, renewed=renewed, token="t1")
    taking = judged(watched_s, moved=moved, text=held.text(), now=NOON + timedelta(seconds=ours))

    assert bool(taking.refused) is moved
    assert (taking.wait_s > 0) is (not moved and watched_s < 90)
    assert bool(taking.warning) is (not moved and watched_s >= 90)


def test_a_named_take_over_does_not_watch() -> None:
    """With whose word it was; another run's lock is watched as ever."""
    named = Claim("production", "Grace", "laptop", "run-2", take_over=TakeOver.of("run-1=Grace: ci-1 was switched off"))
    other = Claim("production", "Grace", "laptop", "run-2", take_over=TakeOver.of("run-9=Grace: ci-1 was switched off"))

    assert "on the word of Grace: ci-1 was switched off" in judged(claim=named).warning
    assert judged(claim=other).wait_s == 90


def test_a_session_of_this_machine_that_died_gives_way_at_once() -> None:
    """Its lock on this machine is ours: the kernel knows that it is gone, although its machine may have written meanwhile."""
    for taking in (judged(claim=replace(MINE, place="a")), judged(20, moved=True, claim=replace(MINE, place="a"))):
        assert not taking.refused
        assert not taking.wait_s
        assert "that session has died" in taking.warning
    assert "gave no sign of life for 90 s" in judged(90).warning


def test_a_machine_that_cannot_be_told_from_others_proves_no_death() -> None:
    """Two empty places are not the same place."""
    held = LockRecord("Ada", "ci-1", "run-1", since=NOON, renewed=NOON)

    assert judged(claim=Claim("production", "Grace", "ci-1", "run-2"), text=held.text()).wait_s == 90


def test_what_we_wrote_ourselves_is_ours() -> None:
    """As when the answer to the write was lost."""
    assert judged(text=LockRecord.by(MINE, NOON).text()) == Taking()


@pytest.mark.parametrize(
    "text",
    ["held by Ada", "[]", "{}", "null", '{"who": "Ada"}', "[" * 100_000, OTHERS.text().replace("2026", "no year")],
)
def test_what_cannot_be_read_stops_nobody(text: str) -> None:
    """It is said, and taken over: a rollback does not wait for a riddle."""
    taking = judged(text=text)

    assert not taking.refused
    assert not taking.wait_s
    assert "the lock of production could not be read" in taking.warning


def test_who_lost_the_lock_is_told_what_becomes_of_the_rest() -> None:
    """By the run that its journal is of: an undo's own id names none."""
    undoing = Claim("production", "Grace", "laptop", "run-2", undoes="run-1")

    assert "finished with --resume run-2, or put back with --undo run-2" in stopped(MINE, "the flags", "taken")
    assert stopped(undoing, "the flags", "taken") == (
        "stopped before the flags, which was not sent: taken. Find out who is acting; the rest is put back with --undo run-1, "
        "once they are done"
    )


def test_a_lock_is_taken_with_its_holders_place() -> None:
    """The first place, by which a later session of that machine knows that the holder died; none where that is not certain."""
    assert LockRecord.by(MINE, NOON) == LockRecord(
        "Grace", "laptop", "run-2", since=NOON, renewed=NOON, place="b", token="t2", beat=0
    )
    assert LockRecord.by(replace(MINE, place=""), NOON).place == ""
    assert LockRecord.by(replace(MINE, who="G" * 300), NOON).who == "G" * 200


def test_a_sign_of_life_moves_the_record() -> None:
    """Whatever the clock says; nothing else of it changes."""
    assert OTHERS.renewed_at(NOON, "s" * 300) == replace(OTHERS, last_step="s" * 200, beat=1)
    assert RENEWED_EVERY_S == 30, "three signs of life, and a takeover, are counted in it"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (OTHERS, True),
        (replace(OTHERS, run="run-9", beat=7), True),
        (replace(OTHERS, token="t9"), False),
        (replace(OTHERS, token=""), False),
    ],
)
def test_a_session_is_known_by_its_token(other: LockRecord, same: bool) -> None:  # noqa: FBT001 - a table
    """Two sessions of one run have two."""
    assert OTHERS.is_of(other) is same
    assert other.is_of(OTHERS) is same


def test_only_what_is_known_of_a_holder_is_said() -> None:
    """An old record has less."""
    old = LockRecord("", "ci-1", "run-1", since=NOON, renewed=NOON)

    assert old.described(NOON + timedelta(seconds=119)).endswith("(119 s ago), last sign of life 119 s ago")
    assert old.described(NOON + timedelta(seconds=120)).startswith(
        "run run-1 on ci-1, since 2026-11-25 12:00:00 UTC (2 min"
    )
    assert "last sign of life 0 s ago" in old.described(NOON - timedelta(hours=1)), "its clock is ahead"
