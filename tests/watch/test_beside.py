"""Decision sessions beside the looks, on a virtual clock: when one begins, what opens and closes an incident, and what nobody knows."""

import gc
import random
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.decision.rules.decision import Finding, State
from pam_rollback.report.run_record import RunRecord
from pam_rollback.watch.rules.looks import BESIDE, Look
from pam_rollback.watch.rules.turn import Turn
from pam_rollback.watch.service.beside import AT_ONCE, Beside
from tests.watch.decisions import Timed, record
from tests.watch.simulated import DOWN, EVERY_S, Simulated, between, found

HOUR_S, DAY_S = 3600.0, 86_400.0
TAKES_S = 300.0
SELDOM_S = 150.0
"""Between the looks of days, which are many."""
Script = Callable[[float], "Mapping[str, State] | RunRecord | str"]
CALM = between({})


@dataclass
class Sessions:
    """A simulated watch with sessions that are written out: by the time at which each begins."""

    folder: Path
    script: Script
    looks: Callable[[float], Look | Sequence[Finding]] = CALM
    watch: Simulated = field(init=False)
    began_s: list[float] = field(default_factory=list)
    started: list[Timed] = field(default_factory=list)
    every_s: float = EVERY_S
    """Of the looks."""

    def __post_init__(self) -> None:
        self.watch = Simulated(self.folder, self.looks, every_s=self.every_s)

    def _start(self, number: int) -> Timed:
        now_s = self.watch.clock.now_s
        said = self.script(now_s)
        told = record(said) if isinstance(said, Mapping) else said
        session = Timed(self.folder / f"decision-{number}", told, over_at_s=now_s + TAKES_S, now_s=self._now_s)
        self.began_s.append(now_s)
        self.started.append(session)
        return session

    def _now_s(self) -> float:
        return self.watch.clock.now_s

    def turn(self, length_s: float) -> Turn:
        """One turn, each with sessions of its own."""
        beside = Beside(self._start, every_s=HOUR_S, within_s=1800, say=self.watch.lines.append)
        self.watch.beside = beside
        try:
            return self.watch.turn(length_s)
        finally:
            beside.close()


def while_(since_s: float, until_s: float, name: str = "IR-3", state: State = DOWN) -> Script:
    """That state of a criterion for some time."""
    return lambda now_s: {name: state} if since_s <= now_s < until_s else {}


def test_damage_opens_one_incident_after_three_sessions_and_three_close_it(tmp_path: Path) -> None:
    """Two more follow at once, so it is told within a quarter of an hour of the first session that saw it; all that is judged is named."""
    sessions = Sessions(tmp_path, while_(2 * HOUR_S - 1, 3 * HOUR_S - 1))

    turn = sessions.turn(5 * HOUR_S)

    [(_, opened, first), (_, closed, last)] = sessions.watch.told
    assert (opened[20:], closed[20:]) == ("opened", "closed")
    assert [one.criterion for one in first.found] == ["IR-3"]
    assert first.recommendation == "ROLL BACK NOW"
    spent_s = (first.opened - sessions.watch.clock.start).total_seconds() - 2 * HOUR_S
    assert spent_s <= 3 * (TAKES_S + 2 * EVERY_S)
    assert last.closed is not None
    assert turn.calm
    assert {*BESIDE} < {*turn.watched}
    assert "not judged" not in str(turn)


@pytest.mark.parametrize("sessions_in_a_row", [1, 2])
def test_fewer_than_three_open_nothing(tmp_path: Path, sessions_in_a_row: int) -> None:
    """A journey may stumble: the next session at once shows it."""
    seen: list[float] = []

    def script(now_s: float) -> Mapping[str, State]:
        seen.append(now_s)
        return {"CR-2": DOWN} if now_s >= HOUR_S and len(seen) <= 1 + sessions_in_a_row else {}

    sessions = Sessions(tmp_path, script)

    assert sessions.turn(4 * HOUR_S).calm
    assert sessions.watch.told == []


def test_no_more_sessions_than_are_told(tmp_path: Path) -> None:
    """A criterion that comes and goes costs three sessions an hour at most, and one that is well costs one."""
    lot = random.Random(19)
    restless = Sessions(
        tmp_path / "restless", lambda _now_s: {"CR-2": lot.choice([DOWN, State.CLEAR, State.WATCH])}, every_s=SELDOM_S
    )
    calm = Sessions(tmp_path / "calm", lambda _now_s: {}, every_s=SELDOM_S)
    restless.turn(DAY_S)
    calm.turn(DAY_S)

    in_an_hour = [sum(since <= one < since + HOUR_S for one in restless.began_s) for since in restless.began_s]
    assert max(in_an_hour) <= 2 * (1 + AT_ONCE)  # an hour on the clock may touch two of theirs
    assert len(restless.began_s) <= 24 * (1 + AT_ONCE)
    assert len(calm.began_s) == 24


def test_nobody_begins_one_while_users_are_not_answered(tmp_path: Path) -> None:
    """It would find that six times over; consider and the gaps hold none up."""
    down = Sessions(tmp_path / "down", lambda _now_s: {}, between({(HOUR_S / 2, 3.5 * HOUR_S): DOWN}))
    slow = Sessions(tmp_path / "slow", lambda _now_s: {}, between({(HOUR_S / 2, 3.5 * HOUR_S): State.CONSIDER}))

    known = down.turn(6 * HOUR_S)
    slow.turn(6 * HOUR_S)

    assert not [at for at in down.began_s if HOUR_S / 2 < at < 3.5 * HOUR_S]
    assert len(slow.began_s) == 6
    with pytest.raises(MeasurementFailed, match=r"IR-1 was not judged for \d+ s"):
        _ = known.works


def test_while_a_look_proves_nothing_no_session_does(tmp_path: Path) -> None:
    """As when this machine is offline: none begins, and what one found before counts as soon as looks do."""

    def looks(now_s: float) -> Look:
        away = HOUR_S + 60 <= now_s < 2.5 * HOUR_S
        return Look(now_s, tuple(CALM(now_s)), blind="offline" if away else "")

    sessions = Sessions(tmp_path, while_(HOUR_S - 1, HOUR_S + 1), looks, every_s=SELDOM_S)
    sessions.turn(2.5 * HOUR_S + 4 * SELDOM_S)

    before, away, *after = sessions.began_s[1:]
    assert before == HOUR_S
    assert away >= 2.5 * HOUR_S
    assert len([line for line in sessions.watch.lines if "a decision session found IR-3" in line]) == 1
    assert len(after) <= AT_ONCE


@pytest.mark.parametrize(
    "problem", ["HTTP 401", "HTTP 403", "HTTP 429", "HTTP 500", "not over within 1800 s", "no record: garbage"]
)
def test_a_session_that_fails_is_one_line_and_never_good(tmp_path: Path, problem: str) -> None:
    """The looks go on, no incident comes of it, and the turn is not known."""
    sessions = Sessions(tmp_path, lambda _now_s: problem)

    turn = sessions.turn(5 * HOUR_S)

    assert (turn.looks, turn.unknown) == (5 * HOUR_S / EVERY_S, 0)
    assert sessions.watch.told == []
    assert len([line for line in sessions.watch.lines if problem in line and "IR-1, IR-3, CR-1" in line]) == 1
    with pytest.raises(MeasurementFailed, match=f"IR-1 was not judged: {problem}"):
        _ = turn.calm
    assert f"IR-1 was not judged: {problem}" in str(turn)


def test_a_source_that_fails_for_an_hour_is_tolerated_and_for_four_is_not(tmp_path: Path) -> None:
    """Of one criterion; the others are known by the same sessions. What was not known before is not made good by what came after."""

    def failing(until_s: float) -> Script:
        return lambda now_s: {"CR-1": State.UNKNOWN} if HOUR_S - 1 <= now_s < until_s else {}

    short = Sessions(tmp_path / "short", failing(1.5 * HOUR_S)).turn(6 * HOUR_S)
    long = Sessions(tmp_path / "long", failing(4.5 * HOUR_S)).turn(6 * HOUR_S)

    assert short.calm
    with pytest.raises(MeasurementFailed, match=r"^CR-1 was not judged for 18\d\d\d s: CR-1 as written$"):
        _ = long.calm


def test_a_turn_in_which_none_ended_proves_nothing(tmp_path: Path) -> None:
    """Empty is not green."""
    sessions = Sessions(tmp_path, lambda _now_s: {})

    turn = sessions.turn(TAKES_S - EVERY_S)

    with pytest.raises(MeasurementFailed, match="no decision session came to its end"):
        _ = turn.calm
    assert sessions.started[0].ended == ["stopped", "forgotten"]


def test_what_cannot_be_judged_here_is_named_once_and_stays_out(tmp_path: Path) -> None:
    """Also after a session that told nothing; it makes no turn worse than it is."""
    sessions = Sessions(
        tmp_path, lambda now_s: "HTTP 500" if HOUR_S - 1 <= now_s < HOUR_S + 1 else record(left_out=("CR-1",))
    )

    turn = sessions.turn(4 * HOUR_S)

    assert turn.calm
    assert "not judged: CR-1" in str(turn)
    assert sessions.watch.lines.count("CR-1 is not judged here: nothing declares CR-1") == 1
    assert [line for line in sessions.watch.lines if "500" in line] == [
        "a decision session did not find out IR-1, IR-3, CR-2, CR-3, CR-4: HTTP 500"
    ]


def test_a_watch_without_sessions_claims_nothing_of_theirs(tmp_path: Path) -> None:
    """Their criteria are named as not judged."""
    turn = Simulated(tmp_path, CALM).turn(HOUR_S)

    assert turn.calm
    assert f"not judged: {', '.join(BESIDE)}" in str(turn)


def test_the_next_turn_closes_what_was_open_without_waiting_for_hours(tmp_path: Path) -> None:
    """An incident that a session opened is open in the journal: sessions of the next turn make sure at once that it is over."""
    sessions = Sessions(tmp_path, while_(0, 1.9 * HOUR_S))

    sessions.turn(2 * HOUR_S)
    turn = sessions.turn(HOUR_S / 2)

    assert sessions.watch.hooks == ["opened", "closed"]
    assert turn.calm


def test_one_that_asks_is_evidence_and_no_more_than_three_are_kept(tmp_path: Path) -> None:
    """The others leave nothing behind, so that a week needs no more room than a day."""
    sessions = Sessions(tmp_path, while_(6 * HOUR_S - 1, DAY_S), every_s=SELDOM_S)
    sessions.turn(DAY_S)

    kept = [one for one in sessions.started if not one.ended]
    assert 1 <= len(kept) <= 3
    assert sessions.started[-1].ended in (["stopped", "forgotten"], [])
    assert all(one.ended == ["forgotten"] for one in sessions.started[:5])


def test_no_false_incident_in_a_week(tmp_path: Path) -> None:
    """In one session of twenty something stumbles, each twentieth tells nothing, one look in a hundred is bad: nothing is behind it."""
    lot = random.Random(19)

    def script(_now_s: float) -> Mapping[str, State] | str:
        if len(sessions.began_s) % 20 == 19:
            return "HTTP 503"
        return {name: lot.choice([DOWN, State.CONSIDER]) for name in BESIDE if lot.random() < 0.05 / len(BESIDE)}

    sessions = Sessions(
        tmp_path,
        script,
        lambda _now_s: [found(DOWN if lot.random() < 0.01 else State.CLEAR), found(State.CLEAR, "IR-5")],
        every_s=SELDOM_S,
    )
    for _ in range(31):
        turn = sessions.turn(5.5 * HOUR_S)
        assert turn.works

    assert sessions.watch.told == []
    assert 7 * 24 <= len(sessions.began_s) <= 1.5 * 7 * 24


def test_memory_is_flat_over_days(tmp_path: Path) -> None:
    """Neither findings nor sessions pile up."""
    lot, sizes = random.Random(19), []
    sessions = Sessions(tmp_path, lambda _now_s: {"CR-2": DOWN} if lot.random() < 0.1 else {}, every_s=SELDOM_S)
    tracemalloc.start()
    for _ in range(12):
        sessions.turn(6 * HOUR_S)
        for pile in (
            sessions.began_s,
            sessions.started,
            sessions.watch.lines,
            sessions.watch.told,
            sessions.watch.clock.waits,
        ):
            pile.clear()
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert sessions.watch.turns == 12
    assert max(sizes[6:]) - sizes[5] < 50_000, sizes
