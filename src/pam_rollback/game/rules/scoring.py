"""What a game was worth: from what sessions recorded and what the prober saw, never from what anybody says."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.game.rules.scenario import Scenario, Scoring

Outcome = Literal["done", "failed", "not finished"]


@dataclass(frozen=True)
class Looked:
    """A session that ended while the game ran. Moments are monotonic seconds, in all that follows, too."""

    what: str
    """What it was and what it said, a few words."""
    ended_s: float
    alarm: bool
    """Its record says that something is wrong."""


@dataclass(frozen=True)
class Acted:
    """A rollback that somebody decided on."""

    story: str
    decided_s: float
    outcome: Outcome
    verified: bool = False
    """Its session is over: whatever it checks afterwards is known."""


@dataclass(frozen=True)
class Play:
    """All that is known of a game when it is over."""

    incident_s: float
    well_s: float | None
    """From when on users stayed well; None: they were not well at the end."""
    looked: tuple[Looked, ...]
    acted: tuple[Acted, ...]

    @property
    def since(self) -> "Play":
        """Only what happened after the incident: a look before it can have seen nothing."""
        return Play(
            self.incident_s,
            self.well_s,
            tuple(one for one in self.looked if one.ended_s >= self.incident_s),
            tuple(one for one in self.acted if one.decided_s >= self.incident_s),
        )


@dataclass(frozen=True)
class Part:
    """One part of a score."""

    name: str
    points: int
    of: int
    words: str
    measured_s: float | None = None
    best_s: float | None = None


@dataclass(frozen=True)
class Score:
    """What a game was worth, of 100."""

    parts: tuple[Part, ...]
    well: bool

    @property
    def total(self) -> int:
        """Of 100, whichever parts there are."""
        return round(100 * sum(part.points for part in self.parts) / sum(part.of for part in self.parts))


class NobodyPlayed(Exception):  # noqa: N818 - says what it is
    """No session ended and no rollback was decided on after the incident: there is nothing to score."""


def judged(play: Play, scenario: Scenario, rules: Scoring) -> Score:
    """Raises NobodyPlayed. The parts of a game in which nothing had to be done are detection and choices."""
    play = play.since
    if not play.looked and not play.acted:
        raise NobodyPlayed("no session ended after the incident, and no rollback was begun")
    alarms = [one for one in play.looked if one.alarm]
    decided_s = min((one.decided_s for one in play.acted), default=None)
    if not scenario.paths:
        first = min(play.looked, key=lambda one: one.ended_s, default=None)
        return Score(
            (_detected(play, first, decided_s, scenario, rules), _kept_still(play, rules)), play.well_s is not None
        )
    first = min(alarms, key=lambda one: one.ended_s, default=None)
    moments = [*(one.ended_s for one in alarms), *(one.decided_s for one in play.acted)]
    detected_s = min(moments, default=None)
    decide_s = None if decided_s is None or detected_s is None else decided_s - detected_s
    recover_s = None if decided_s is None or play.well_s is None else max(0.0, play.well_s - decided_s)
    return Score(
        (
            _detected(play, first, decided_s, scenario, rules),
            _timed(
                "decide", decide_s, scenario.best.decide_s, rules.points.decide, rules, "no rollback was decided on"
            ),
            _timed("recover", recover_s, scenario.best.recover_s, rules.points.recover, rules, "not well in the end"),
            _choices(play, scenario, rules),
        ),
        play.well_s is not None,
    )


def _detected(play: Play, first: Looked | None, decided_s: float | None, scenario: Scenario, rules: Scoring) -> Part:
    """By the first record that shows it, or by the first rollback, when that came before."""
    best_s, of = scenario.best.detect_s, rules.points.detect
    if first is None or (decided_s is not None and decided_s < first.ended_s):
        after_s = None if decided_s is None else decided_s - play.incident_s
        return _timed("detect", after_s, best_s, of, rules, "no record shows it", "by the rollback itself")
    return _timed("detect", first.ended_s - play.incident_s, best_s, of, rules, "", first.what)


def _timed(
    name: str, measured_s: float | None, best_s: float, of: int, rules: Scoring, never: str, words: str = ""
) -> Part:
    if measured_s is None:
        return Part(name, 0, of, never, None, best_s)
    late = max(0.0, measured_s - best_s) / ((rules.patience - 1) * best_s) if best_s else float(measured_s > 0)
    return Part(name, round(of * max(0.0, 1 - late)), of, words, measured_s, best_s)


def _kept_still(play: Play, rules: Scoring) -> Part:
    of = rules.points.choices
    if not play.acted:
        return Part("choices", of, of, "nothing was rolled back, and nothing had to be")
    return Part("choices", 0, of, f"{_told(play.acted)}: nothing had to be rolled back")


def _choices(play: Play, scenario: Scenario, rules: Scoring) -> Part:
    """All points for the best path; fewer for another one, for what serves nothing, and when users were not well."""
    of, done = rules.points.choices, {one.story for one in play.acted if one.outcome == "done"}
    if not play.acted:
        return Part("choices", 0, of, "nothing was done")
    gone = next((place for place, path in enumerate(scenario.paths) if done >= {*path}), None)
    serves = {*scenario.paths[gone]} if gone is not None else {story for path in scenario.paths for story in path}
    unneeded = _unneeded(play.acted, serves, scenario.fails)
    cured = gone is not None and play.well_s is not None
    lost = rules.unneeded * len(unneeded) + rules.detour * bool(gone) + rules.not_cured * (not cured)
    notes = [f"served nothing: {', '.join(unneeded)}"] if unneeded else []
    notes += [f"best known: {', '.join(scenario.paths[0])}"] if gone else []
    notes += [] if cured else ["users were not made well"]
    return Part("choices", max(0, of - lost), of, "; ".join([_told(play.acted), *notes]))


def _unneeded(acted: Sequence[Acted], serves: Iterable[str], fails: Iterable[str]) -> list[str]:
    """What came too often or was of no use: each story that serves counts once, and each that was bound to fail may be tried once."""
    free = [*serves, *fails]
    found = []
    for one in acted:
        if one.story in free:
            free.remove(one.story)
        else:
            found.append(one.story)
    return found


def _told(acted: Sequence[Acted]) -> str:
    return ", ".join(f"{one.story} {one.outcome}" for one in acted)
