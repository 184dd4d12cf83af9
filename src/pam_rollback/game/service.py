"""A game from the quiet time to its end."""

from collections.abc import Callable
from contextlib import suppress

from pam_rollback.base.clock import Clock
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.game.client import Ground
from pam_rollback.game.rules.scenario import Drawn, Planted, Scoring
from pam_rollback.game.rules.scoring import Play
from pam_rollback.observation.rules.recovery import Recovery, recovery

_LOOK_EVERY_S = 0.5
Say = Callable[[str], object]


def play(ground: Ground, game: Drawn, rules: Scoring, *, limit_s: float, clock: Clock, say: Say) -> Play:
    """Break it after the quiet time, and watch until users are well and stay well, the time is over, or Ctrl-C.

    Raises MeasurementFailed when it was broken before, when our own probes do not see the damage, or when they cannot be trusted.
    """
    _quiet(ground, game, clock)
    incident_s = clock.monotonic_s()
    for planted in game.scenario.faults:
        ground.remote.plant(planted.fault, **planted.settings)
    passing = [planted for planted in game.scenario.faults if planted.lasts_s is not None]
    seen = False
    with suppress(KeyboardInterrupt):
        while (now_s := clock.monotonic_s()) < incident_s + limit_s:
            passing = _passed(ground, passing, now_s - incident_s)
            clock.sleep(_LOOK_EVERY_S)
            state, why = _state(ground, incident_s)
            seen = seen or (state is not None and state.onset_s is not None)
            if not seen:
                _must_be_seen(now_s - incident_s, rules, why)
            elif state is not None and _over(ground, game, rules, state):
                say("users are well, and stayed well")
                break
    return _end(ground, incident_s, seen=seen)


def _quiet(ground: Ground, game: Drawn, clock: Clock) -> None:
    """Raises MeasurementFailed when users are not well already, and KeyboardInterrupt."""
    began_s = clock.monotonic_s()
    ground.prober.wait_for_first(1, within_s=30)
    while clock.monotonic_s() < began_s + game.quiet_s:
        clock.sleep(_LOOK_EVERY_S)
    found = recovery(ground.samples(), incident_s=None, decision_s=began_s, rule=ground.rule)
    if found.outages and found.recovered_s is None:
        raise MeasurementFailed(f"users were not well before anything was broken: {found}")


def _state(ground: Ground, incident_s: float) -> tuple[Recovery | None, str]:
    """How users are; None, and why, while that is not known, as on a machine that is too busy to probe."""
    try:
        return recovery(ground.samples(), incident_s=incident_s, decision_s=incident_s, rule=ground.rule), ""
    except MeasurementFailed as problem:
        ground.prober.check()
        return None, str(problem)


def _passed(ground: Ground, passing: list[Planted], after_s: float) -> list[Planted]:
    """Take away what has lasted long enough; gives what is still there."""
    over = [planted for planted in passing if planted.lasts_s is not None and after_s >= planted.lasts_s]
    for planted in over:
        ground.remote.clear(planted.fault)
    return [planted for planted in passing if planted not in over]


def _must_be_seen(after_s: float, rules: Scoring, why: str) -> None:
    if after_s > rules.seen_within_s:
        because = f": {why}" if why else ""
        raise MeasurementFailed(
            f"{after_s:.0f} s after it was broken, the game's own probes had seen nothing of it{because}"
        )


def _over(ground: Ground, game: Drawn, rules: Scoring, state: Recovery) -> bool:
    """Users stayed well, and nobody is still at work: sessions may verify what they did, but not for ever."""
    if state.recovered_s is None:
        return False
    if not game.scenario.paths:
        return state.good_for_s >= rules.passed_s
    at_work = any(not one.verified for one in ground.acted())
    return state.good_for_s >= (rules.verify_s if at_work else rules.stay_well_s)


def _end(ground: Ground, incident_s: float, *, seen: bool) -> Play:
    """Raises MeasurementFailed when what users had cannot be told."""
    if not seen:
        raise MeasurementFailed("it was stopped before the game's own probes had seen that anything was broken")
    found = recovery(ground.samples(), incident_s=incident_s, decision_s=incident_s, rule=ground.rule)
    return Play(incident_s, found.recovered_s, ground.looked(), ground.acted())
