"""A scripted player on a real sandbox: whole sessions of real rollbacks, scored by what they recorded and what the prober saw."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from pam_rollback.base.clock import SystemClock
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.game import client, service
from pam_rollback.game.client import Ground
from pam_rollback.game.rules.scenario import Drawn
from pam_rollback.game.rules.scoring import Score, judged
from pam_rollback.observation.rules.recovery import recovery
from pam_rollback.sandbox.remote import Remote
from tests.sessions import ONLY_HEALTH, Project, RunningSandbox

GAMES = client.games()
FILE = "game.env.toml"
QUICK = GAMES.scoring.model_copy(update={"stay_well_s": 4, "passed_s": 4, "verify_s": 60})
CONSENT = ("--mode=real", "--execute", "--confirm=game", "--reason=game day", "--initiated-by=kim", "--pace=600")
PROVEN = "flags_are_off or get_the_target or target_answers or get_the_stable"
_LIMIT_S = 200
Turn = Callable[[], object]


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """A player here looks after nothing but the rollback."""
    return ONLY_HEALTH


class Player(SystemClock):
    """Plays while the game waits: a turn at a time, once users have seen something broken. Whoever is quicker cures what nobody saw."""

    def __init__(self, remote: Remote, ground: Ground, turns: Iterable[Turn]) -> None:
        self._remote, self._ground, self._turns = remote, ground, deque(turns)
        self.broken = False

    def sleep(self, seconds: float) -> None:
        """Take a turn, if there is one; else let the game wait."""
        self.broken = self.broken or (bool(self._remote.faults()) and self._is_seen())
        if self.broken and self._turns:
            self._turns.popleft()()
        super().sleep(seconds)

    def _is_seen(self) -> bool:
        samples = tuple(self._ground.samples())
        try:
            found = recovery(samples, incident_s=None, decision_s=samples[0].due_s, rule=self._ground.rule)
        except (MeasurementFailed, IndexError):  # too little is known yet
            return False
        return bool(found.outages)


@pytest.fixture
def play(running_sandbox: RunningSandbox, project: Project, tmp_path: Path) -> Iterator[Callable[..., Score]]:
    """Plays a game with these stories, one after the other."""

    def played(name: str, *stories: str, limit_s: float = _LIMIT_S) -> Score:
        def turn(story: str) -> Turn:
            file = f"drills/test_{story.replace('-', '_')}.py"
            return lambda: project.run(file, f"--env={FILE}", *CONSENT, "-k", PROVEN, f"--run-dir=reports/out/{story}")

        game = Drawn(name, GAMES.games[name], quiet_s=1, seed=1)
        timeline = tmp_path / "timeline.jsonl"
        with client.ground(running_sandbox.file, project.folder / FILE, timeline, project.folder) as ground:
            player = Player(running_sandbox.remote, ground, map(turn, stories))
            ended = service.play(ground, game, QUICK, limit_s=limit_s, clock=player, say=str)
        return judged(ended, game.scenario, GAMES.scoring)

    yield played
    running_sandbox.as_it_was()
    running_sandbox.remote.reset()
    running_sandbox.as_it_was()


def test_a_rollback_is_scored_by_what_it_left(play: Callable[..., Score], project: Project) -> None:
    """One real rollback, found by its journal; the recovery is the prober's. The players' file is gone in the end."""
    score = play("feature-errors", "feature-flag")

    assert score.well, score
    choices = next(part for part in score.parts if part.name == "choices")
    assert (choices.points, choices.words) == (30, "feature-flag done")
    recovered_s = next(part.measured_s for part in score.parts if part.name == "recover")
    assert recovered_s is not None
    assert 0 < recovered_s < _LIMIT_S
    assert not (project.folder / FILE).exists()


@pytest.mark.nightly
@pytest.mark.parametrize("name", [name for name in GAMES.names if GAMES.games[name].paths])
def test_the_best_known_path_makes_users_well(play: Callable[..., Score], name: str) -> None:
    """What the file of games says of each: what fails does fail, and what helps does help."""
    game = GAMES.games[name]

    score = play(name, *game.fails[:1], *game.paths[0])

    assert score.well, score
    words = next(part.words for part in score.parts if part.name == "choices")
    assert "served nothing" not in words
    assert all(f"{story} done" in words for story in game.paths[0]), words


@pytest.mark.nightly
def test_a_bad_path_has_fewer_points(play: Callable[..., Score]) -> None:
    """Another site goes back first: users stay unwell for as long, and the choice costs as well."""
    score = play("feature-errors", "backend-branch", "feature-flag")

    assert score.well, score
    assert next(part.points for part in score.parts if part.name == "choices") < GAMES.scoring.points.choices


@pytest.mark.nightly
def test_nobody_plays(play: Callable[..., Score]) -> None:
    """It ends by itself, and says nothing about anybody."""
    with pytest.raises(Exception, match="no session ended after the incident"):
        play("feature-errors", limit_s=8)
