"""``python -m pam_rollback.game``: a game day on a sandbox of its own (``make game``)."""

import argparse
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pam_rollback.base.clock import SystemClock
from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import for_terminal
from pam_rollback.game import client, service
from pam_rollback.game.rules.scenario import Drawn, Games, drawn
from pam_rollback.game.rules.scoring import NobodyPlayed, judged
from pam_rollback.game.rules.told import guide, not_scored, summary
from pam_rollback.outside import plainly
from pam_rollback.report.verdict import ExitCode
from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.problems import SandboxError

USAGE = 2
LIMIT_MIN = 20.0
FILE = "game.env.toml"
_GIVEN = "PAM_GAME_"
"""``make`` hands its variables over in the environment, so that no shell reads what was typed."""


@plainly.told
def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """Play one game: 0 when it was scored, 11 when it says nothing about anybody, 2 when it could not begin."""
    options = _parser().parse_args(arguments)
    root = root or plainly.project_folder()
    try:
        games = client.games()
        game = _game(options, games)
    except (ConfigurationError, ValueError) as problem:
        return _refused(str(problem))
    try:
        with _ended_by_signals():
            return _played(game, games, root, 60 * options.minutes)
    except (ConfigurationError, SandboxError, OSError) as problem:
        return _refused(str(problem))
    except MeasurementFailed as problem:
        _say(*not_scored(game, str(problem)))
    except KeyboardInterrupt:
        _say(*not_scored(game, "it was stopped before anything was broken"))
    return ExitCode.INCONCLUSIVE


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and a hang-up end the game as an error would: sandbox, prober and the players' file go along. A second one does nothing."""

    def end(number: int, _frame: object) -> None:
        for one in before:
            signal.signal(one, signal.SIG_IGN)
        sys.exit(128 + number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _game(options: argparse.Namespace, games: Games) -> Drawn:
    seed = random.SystemRandom().randrange(10_000) if options.seed == "" else int(options.seed)
    if not options.minutes > 0:
        raise ValueError(f"--minutes {options.minutes:g}: expected more than 0")
    return drawn(games, seed=seed, wanted=options.scenario)


def _played(game: Drawn, games: Games, root: Path, limit_s: float) -> int:
    with tempfile.TemporaryDirectory(prefix="pam-game-") as folder:
        private, players = Path(folder), root / FILE
        _say("starting a sandbox …")
        with (
            launch(private / "sandbox.toml") as state,
            client.ground(state, players, private / "timeline.jsonl", root) as ground,
        ):
            _say(*guide(FILE, game.seed, limit_s))
            play = service.play(ground, game, games.scoring, limit_s=limit_s, clock=SystemClock(), say=_say)
        try:
            _say("", *summary(game, play, judged(play, game.scenario, games.scoring)))
        except NobodyPlayed as why:
            _say("", *not_scored(game, str(why)))
            return ExitCode.INCONCLUSIVE
    return ExitCode.GO


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{for_terminal(line)}\n" for line in lines))
    sys.stdout.flush()


def _refused(why: str) -> int:
    sys.stderr.write(f"no game: {for_terminal(why)}\n")
    return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.game",
        description="A game day: a sandbox of its own breaks in a way that nobody is told. See docs/how-to/game-day.md.",
    )
    add = parser.add_argument
    add("--scenario", default=os.environ.get(f"{_GIVEN}SCENARIO", ""), help="play this one; else the seed chooses")
    add("--seed", default=os.environ.get(f"{_GIVEN}SEED", ""), help="the same seed is the same game; else by chance")
    add(
        "--minutes",
        type=float,
        default=LIMIT_MIN,
        help=f"a game that nobody ends is over by then ({LIMIT_MIN:g})",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
