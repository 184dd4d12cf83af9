"""A game on a virtual clock: when it begins, when it is over, and when it says nothing about anybody."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.game.client import Ground, games
from pam_rollback.game.rules.scenario import Drawn
from pam_rollback.game.rules.scoring import Acted, Looked, Play
from pam_rollback.game.service import play
from pam_rollback.observation.rules.recovery import OutageRule
from pam_rollback.observation.rules.samples import Sample
from tests.virtual_clock import VirtualClock

GAMES = games()
QUIET_S = 60
NEVER_S = 1e9


class Users:
    """A sandbox and its users on a virtual clock: unwell from the first fault until somebody cures it, or it is cleared."""

    def __init__(self, clock: VirtualClock, *, cured_s: float, seen: bool = True, bad_before: bool = False) -> None:
        self.clock, self.cured_s, self.seen, self.bad_before = clock, cured_s, seen, bad_before
        self.broken_s: float | None = None
        self.planted: list[str] = []

    def plant(self, name: str, **_: float | str) -> None:
        """Break it."""
        self.planted.append(name)
        self.broken_s = self.clock.now_s if self.broken_s is None else self.broken_s

    def clear(self, name: str) -> None:
        """It passed."""
        self.planted.remove(name)
        self.cured_s = self.clock.now_s

    def ok(self, at_s: float) -> bool:
        """Whether a user is answered well at that moment."""
        if self.broken_s is None or at_s < self.broken_s:
            return not self.bad_before
        return not self.seen or at_s >= self.cured_s


@dataclass(frozen=True)
class Staged(Ground):
    """The ground with these users, and what players leave behind in time."""

    users: Users = field(kw_only=True)
    sessions: tuple[Looked, ...] = field(default=(), kw_only=True)
    actions: tuple[tuple[Acted, float], ...] = field(default=(), kw_only=True)
    """Each rollback, and when its session is over."""

    @property
    def rule(self) -> OutageRule:
        """The usual one."""
        return OutageRule(limit_pct=10)

    def samples(self) -> tuple[Sample, ...]:
        """Two a second until now."""
        moments = (number / 2 for number in range(int(self.users.clock.now_s * 2)))
        return tuple(Sample(due_s=at_s, latency_ms=5, journey="front page", ok=self.users.ok(at_s)) for at_s in moments)

    def looked(self) -> tuple[Looked, ...]:
        """The sessions that are over by now."""
        return tuple(one for one in self.sessions if one.ended_s <= self.users.clock.now_s)

    def acted(self) -> tuple[Acted, ...]:
        """The rollbacks that were begun by now."""
        now_s = self.users.clock.now_s
        return tuple(
            Acted(one.story, one.decided_s, one.outcome, verified=now_s >= over_s)
            for one, over_s in self.actions
            if one.decided_s <= now_s
        )


def staged(users: Users, *sessions: Looked, actions: tuple[tuple[Acted, float], ...] = ()) -> Staged:
    """The ground; its prober never dies."""
    prober = cast("Any", SimpleNamespace(check=lambda: None, wait_for_first=lambda *_, **__: ()))
    nothing = cast("Any", None)
    return Staged(cast("Any", users), prober, nothing, nothing, users=users, sessions=sessions, actions=actions)


def played(ground: Staged, name: str = "feature-errors", *, limit_s: float = 600) -> Play:
    """That game, from the quiet time to its end."""
    game = Drawn(name, GAMES.games[name], QUIET_S, 1)
    return play(ground, game, GAMES.scoring, limit_s=limit_s, clock=ground.users.clock, say=str)


def test_it_ends_when_users_stay_well() -> None:
    """Nothing is broken in the quiet time; half a minute of good answers ends it, and not the first one."""
    clock = VirtualClock()
    ended = played(staged(Users(clock, cured_s=100)))

    assert ended.incident_s == pytest.approx(QUIET_S, abs=1)
    assert ended.well_s == pytest.approx(100, abs=1)
    assert clock.now_s == pytest.approx(130, abs=2)


def test_checks_of_the_last_rollback_may_end() -> None:
    """The sandbox is not taken away from somebody who verifies; but not for ever."""
    rollback = Acted("feature-flag", 95, "done")
    clock, long = VirtualClock(), VirtualClock()
    played(staged(Users(clock, cured_s=100), actions=((rollback, 200),)))
    played(staged(Users(long, cured_s=100), actions=((rollback, NEVER_S),)))

    assert clock.now_s == pytest.approx(200, abs=2)
    assert long.now_s == pytest.approx(100 + GAMES.scoring.verify_s, abs=2)


def test_a_game_that_nobody_wins_ends_at_its_bound() -> None:
    """Users are not well then."""
    clock = VirtualClock()
    ended = played(staged(Users(clock, cured_s=NEVER_S)), limit_s=300)

    assert ended.well_s is None
    assert clock.now_s == pytest.approx(QUIET_S + 300, abs=2)


def test_what_passes_is_taken_away_again() -> None:
    """A minute later, by the game itself; then it waits for somebody who rolls back nevertheless."""
    clock = VirtualClock()
    users = Users(clock, cured_s=NEVER_S)
    ended = played(staged(users), "it-passes")

    assert users.planted == []
    assert ended.well_s == pytest.approx(QUIET_S + 60, abs=2)
    assert clock.now_s == pytest.approx(QUIET_S + 60 + GAMES.scoring.passed_s, abs=3)


def test_what_our_probes_do_not_see_is_no_game() -> None:
    """It would be scored by nothing."""
    with pytest.raises(MeasurementFailed, match="own probes had seen nothing of it"):
        played(staged(Users(VirtualClock(), cured_s=NEVER_S, seen=False)))


def test_what_was_broken_before_is_no_game() -> None:
    """Nothing is planted on top of it."""
    users = Users(VirtualClock(), cured_s=NEVER_S, bad_before=True)

    with pytest.raises(MeasurementFailed, match="not well before anything was broken"):
        played(staged(users))
    assert users.planted == []


def test_ctrl_c_ends_it_and_it_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is by then counts; before the damage was seen there is nothing."""
    clock = VirtualClock()
    sleep = clock.sleep

    def stopped_at(moment_s: float) -> None:
        def slept(seconds: float) -> None:
            sleep(seconds)
            if clock.now_s >= moment_s:
                raise KeyboardInterrupt

        monkeypatch.setattr(clock, "sleep", slept)

    look = Looked("ROLL BACK NOW", 80, alarm=True)
    stopped_at(90)
    ended = played(staged(Users(clock, cured_s=NEVER_S), look))
    assert (ended.well_s, ended.looked) == (None, (look,))

    clock.now_s = 0
    stopped_at(QUIET_S + 0.3)
    with pytest.raises(MeasurementFailed, match="it was stopped before"):
        played(staged(Users(clock, cured_s=NEVER_S)))


class Starved(Staged):
    """Since it was broken the machine is too busy for the prober."""

    def samples(self) -> tuple[Sample, ...]:
        """Late, all of them."""
        since_s = NEVER_S if self.users.broken_s is None else self.users.broken_s
        return tuple(replace(one, lag_ms=5000.0 if one.due_s >= since_s else 0.0) for one in super().samples())


def test_why_our_probes_saw_nothing_is_said() -> None:
    """A busy machine is not a fault that nobody can see."""
    calm = staged(Users(VirtualClock(), cured_s=NEVER_S))
    starved = Starved(calm.remote, calm.prober, calm.environment, calm.out, users=calm.users)

    with pytest.raises(MeasurementFailed, match=r"had seen nothing of it: .+"):
        played(starved)
