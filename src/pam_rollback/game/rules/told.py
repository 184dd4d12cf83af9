"""What a player reads: how to play, before; the summary on one screen, after."""

import textwrap

from pam_rollback.game.rules.scenario import Drawn
from pam_rollback.game.rules.scoring import Part, Play, Score

COLUMNS = 80
_INDENT = 13


def guide(file: str, seed: int, limit_s: float) -> list[str]:
    """How to play: what to type in another terminal. It does not say which game it is."""
    act = f"--env {file} --mode real --execute --confirm game"
    return [
        "GAME DAY     something will break. Nobody says what. In another terminal:",
        f"  look       pytest -m decision --env {file}",
        f"  normal     pytest -m baseline --env {file}   (while all is well)",
        "  roll back  pytest drills/test_….py \\",
        f"               {act} \\",
        '               --reason "…" --initiated-by "…"',
        "  how        docs/runbook.md",
        f"It ends when users are well and stay well, after {_length(limit_s)}, or with Ctrl-C.",
        f"Seed {seed}.",
    ]


def summary(game: Drawn, play: Play, score: Score) -> list[str]:
    """One screen."""
    end = (
        f"users well {_length(max(0.0, play.well_s - play.incident_s))} after it broke"
        if play.well_s
        else "users NOT well"
    )
    best = ", ".join(game.scenario.paths[0]) if game.scenario.paths else "none"
    lines = [
        f"GAME OVER    {game.name} (seed {game.seed})",
        *_line("it was", game.scenario.title),
        *_line("score", f"{score.total} of 100; {end}"),
        "",
    ]
    for part in score.parts:
        lines += _of(part)
    return [*lines, "", *_line("best path", best), *_line("lesson", game.scenario.lesson)]


def not_scored(game: Drawn, why: str) -> list[str]:
    """The end of a game that says nothing about anybody."""
    return [f"NOT SCORED   {game.name} (seed {game.seed})", *_line("why", why), *_line("it was", game.scenario.title)]


def _of(part: Part) -> list[str]:
    times = (
        ""
        if part.best_s is None or part.measured_s is None
        else f"{_length(part.measured_s)}, best {_length(part.best_s)}"
    )
    points = f"{part.points:>2} of {part.of}"
    return _line(part.name, "; ".join(filter(None, (points, times, part.words))))


def _line(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, COLUMNS, initial_indent=f"{head:<{_INDENT}}", subsequent_indent=" " * _INDENT, break_on_hyphens=False
    )


def _length(seconds: float) -> str:
    """Whole seconds are enough for what a person does: ``45 s``, ``3 min 2 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
