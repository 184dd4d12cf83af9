"""What players read: one screen, and nothing that gives the game away."""

import pytest

from pam_rollback.game.client import games
from pam_rollback.game.rules.scenario import drawn
from pam_rollback.game.rules.scoring import Acted, Looked, Play, judged
from pam_rollback.game.rules.told import COLUMNS, guide, not_scored, summary

GAMES = games()
LINES = 24


@pytest.mark.parametrize("name", GAMES.names)
def test_the_summary_is_one_screen(name: str) -> None:
    """24 lines of 80 columns, also after everything was tried twice."""
    game = drawn(GAMES, seed=7, wanted=name)
    tried = ("feature-flag", "frontend-restore", "backend-provider", "full-system", "emergency")
    acted = tuple(Acted(story, 1100 + place, "failed") for place, story in enumerate((*tried, *tried)))
    play = Play(1000, None, (Looked("CONSIDER A ROLLBACK", 1090, alarm=True),), acted)

    lines = summary(game, play, judged(play, game.scenario, GAMES.scoring))

    assert len(lines) <= LINES
    assert max(map(len, lines)) <= COLUMNS


def test_the_summary_says_what_was_measured() -> None:
    """Each part with its points and times, the best path, and what is to be learned."""
    game = drawn(GAMES, seed=7, wanted="switch-refuses")
    acted = (Acted("feature-flag", 1145, "failed"), Acted("backend-provider", 1160, "done"))
    play = Play(1000, 1175, (Looked("ROLL BACK NOW", 1130, alarm=True),), acted)

    text = "\n".join(summary(game, play, judged(play, game.scenario, GAMES.scoring)))

    assert text.splitlines()[0] == "GAME OVER    switch-refuses (seed 7)"
    assert "score        99 of 100; users well 2 min 55 s after it broke" in text
    assert "detect       19 of 20; 2 min 10 s, best 2 min 0 s; ROLL BACK NOW" in text
    assert "choices      30 of 30; feature-flag failed, backend-provider done" in text
    assert "best path    backend-provider\n" in text


def test_the_guide_gives_nothing_away() -> None:
    """No name of a game, no title, no fault; how to look, to roll back and to end it."""
    text = "\n".join(guide("game.env.toml", 7, 1200))

    for name, game in GAMES.games.items():
        assert name not in text
        assert game.title not in text
    assert "--mode real --execute --confirm game" in text
    assert "after 20 min 0 s, or with Ctrl-C" in text
    assert max(map(len, text.splitlines())) <= COLUMNS


def test_a_game_that_says_nothing_is_not_scored() -> None:
    """The reason, and what was wrong all the same."""
    lines = not_scored(drawn(GAMES, seed=7, wanted="no-page"), "no session ended after the incident")

    assert lines[0] == "NOT SCORED   no-page (seed 7)"
    assert lines[-1] == "it was       visitors got no page"
