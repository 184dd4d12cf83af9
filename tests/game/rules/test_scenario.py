"""The file of games: what it must be, and which game a seed draws."""

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.game.client import games
from pam_rollback.game.rules.scenario import SOURCE, drawn, read_games
from pam_rollback.plan.stories import STORIES
from pam_rollback.sandbox.faults import read_fault
from tests.sessions import ROOT

GAMES = games()
TEXT = (ROOT / "src" / "pam_rollback" / "game" / SOURCE).read_text(encoding="utf-8")


def test_there_are_ten_of_every_kind() -> None:
    """One cause and two, a rollback that has to fail, and one time when nothing is to be rolled back."""
    found = GAMES.games.values()

    assert len(found) == 10
    assert any(len(game.paths[0]) == 1 and len(game.faults) == 2 and not game.fails for game in found if game.paths)
    assert any(game.fails and game.paths for game in found)
    assert any(not game.paths and all(fault.lasts_s for fault in game.faults) for game in found)


@pytest.mark.parametrize("name", GAMES.names)
def test_what_it_names_is_there(name: str) -> None:
    """Faults of the catalogue with settings that they have, and stories of ``drills/``; what helps does not fail."""
    game = GAMES.games[name]
    cures = {story for path in game.paths for story in path}

    for planted in game.faults:
        read_fault(planted.fault, planted.settings)
    assert {*game.fails} | cures <= {*STORIES}
    assert not cures & {*game.fails}


def test_a_seed_is_a_game() -> None:
    """The same again; and a hundred seeds draw all ten, each with a quiet time within the file's."""
    first, second = drawn(GAMES, seed=7), drawn(GAMES, seed=7)
    many = [drawn(GAMES, seed=seed) for seed in range(100)]
    shortest_s, longest_s = GAMES.scoring.quiet_s

    assert first == second
    assert {game.name for game in many} == {*GAMES.names}
    assert all(shortest_s <= game.quiet_s <= longest_s for game in many)
    assert drawn(GAMES, seed=7, wanted="no-page").name == "no-page"


def test_an_unknown_game_names_the_nearest() -> None:
    """Somebody who mistyped is told what there is."""
    with pytest.raises(ConfigurationError, match="no game 'no-pages', did you mean 'no-page'"):
        drawn(GAMES, seed=1, wanted="no-pages")


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("patience = 4", "patience = 1", "scoring.patience"),
        ("stay_well_s = 30", "stay_well_s = 30\nluck = 1", "scoring.luck"),
        ('lesson = "Slow is', 'lessen = "Slow is', "games.slow-feature.lesson"),
        ("[games.no-page]", "[games.no-page", "not valid TOML"),
    ],
)
def test_a_file_that_is_none_is_refused(old: str, new: str, found: str) -> None:
    """With the place that is wrong."""
    assert old in TEXT
    with pytest.raises(ConfigurationError) as refused:
        read_games(TEXT.replace(old, new, 1))

    assert found in str(refused.value)
