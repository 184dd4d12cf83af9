"""What a game is worth, by written-out histories. The sentences of a part say why."""

import pytest

from pam_rollback.game.client import games
from pam_rollback.game.rules.scoring import Acted, Looked, NobodyPlayed, Outcome, Play, Score, judged

GAMES = games()
PLANTED_S = 1000.0


def play(*happened: Looked | Acted, well_s: float | None = None) -> Play:
    """What happened, and from when on users were well; in seconds after the incident."""
    return Play(
        PLANTED_S,
        None if well_s is None else PLANTED_S + well_s,
        tuple(one for one in happened if isinstance(one, Looked)),
        tuple(one for one in happened if isinstance(one, Acted)),
    )


def looked(after_s: float, said: str = "ROLL BACK NOW") -> Looked:
    """A decision session that ended so long after the incident."""
    return Looked(said, PLANTED_S + after_s, alarm=said != "NO ROLLBACK")


def acted(story: str, after_s: float, outcome: Outcome = "done") -> Acted:
    """A rollback that was decided on so long after the incident."""
    return Acted(story, PLANTED_S + after_s, outcome)


def scored(scenario: str, *happened: Looked | Acted, well_s: float | None = None) -> Score:
    """The score of that play of that game."""
    return judged(play(*happened, well_s=well_s), GAMES.games[scenario], GAMES.scoring)


def points(score: Score) -> dict[str, int]:
    """By part."""
    return {part.name: part.points for part in score.parts}


def words(score: Score, name: str) -> str:
    """Why that part has its points."""
    return next(part.words for part in score.parts if part.name == name)


@pytest.mark.parametrize("scenario", [name for name in GAMES.names if GAMES.games[name].paths])
def test_the_best_known_path_has_all_points(scenario: str) -> None:
    """In the best known times, whatever has to fail before."""
    game = GAMES.games[scenario]
    decided_s = game.best.detect_s + game.best.decide_s
    path = [acted(story, decided_s) for story in game.paths[0]]
    tried = [acted(story, decided_s, "failed") for story in game.fails[:1]]

    score = scored(scenario, looked(game.best.detect_s), *tried, *path, well_s=decided_s + game.best.recover_s)

    assert (score.total, score.well) == (100, True), score


@pytest.mark.parametrize("scenario", [name for name in GAMES.names if GAMES.games[name].paths])
def test_a_rollback_that_serves_nothing_has_fewer(scenario: str) -> None:
    """The same times and the same end."""
    game = GAMES.games[scenario]
    decided_s = game.best.detect_s + game.best.decide_s
    useless = (
        next(
            story
            for story in ("frontend-restore", "backend-provider")
            if story not in {*game.fails, *sum(game.paths, ())}
        )
        if scenario not in {"two-at-once", "restore-refused", "no-page"}
        else "gradual"
    )

    score = scored(
        scenario,
        looked(game.best.detect_s),
        acted(useless, decided_s),
        *(acted(story, decided_s) for story in game.paths[0]),
        well_s=decided_s + game.best.recover_s,
    )

    assert points(score)["choices"] == 20
    assert f"served nothing: {useless}" in words(score, "choices")


def test_a_good_and_a_bad_play_of_the_same_game() -> None:
    """Flags at once, as the plan prefers; or the front end first, and the flags ten minutes later."""
    good = scored("feature-errors", looked(130), acted("feature-flag", 150), well_s=159)
    bad = scored(
        "feature-errors", looked(400), acted("frontend-restore", 450), acted("feature-flag", 1000), well_s=1010
    )

    assert points(good) == {"detect": 19, "decide": 18, "recover": 30, "choices": 30}
    assert points(bad) == {"detect": 4, "decide": 4, "recover": 0, "choices": 20}
    assert (good.total, bad.total) == (97, 28)


def test_another_way_that_helps_has_fewer_points_than_the_best() -> None:
    """A whole release goes back where a switch was enough: users are well, and the detour is told."""
    score = scored("feature-errors", looked(120), acted("backend-provider", 135), well_s=139)

    assert points(score)["choices"] == 25
    assert words(score, "choices") == "backend-provider done; best known: feature-flag"


def test_half_a_cure_is_none() -> None:
    """Two causes: the switch helps against one, and visitors still get no page."""
    score = scored("two-at-once", looked(45), acted("feature-flag", 60))

    assert (points(score)["recover"], points(score)["choices"], score.well) == (0, 15, False)
    assert words(score, "choices") == "feature-flag done; users were not made well"


def test_what_must_fail_may_be_tried_once() -> None:
    """The second time it was known."""
    tries = [acted("feature-flag", at_s, "failed") for at_s in (60, 80)]
    last = acted("backend-provider", 100)

    once = scored("switch-refuses", looked(45), tries[0], last, well_s=120)
    twice = scored("switch-refuses", looked(45), *tries, last, well_s=120)

    assert (points(once)["choices"], points(twice)["choices"]) == (30, 20)


def test_a_rollback_without_a_look_is_a_detection() -> None:
    """When in doubt, roll back first: whoever acts has noticed. A look that came later was not the first to notice."""
    score = scored("feature-errors", acted("feature-flag", 30), looked(90), well_s=33)

    assert points(score) == {"detect": 20, "decide": 20, "recover": 30, "choices": 30}
    assert words(score, "detect") == "by the rollback itself"


def test_nobody_notices_what_a_session_calls_good() -> None:
    """A look that found nothing is none, and without a rollback nobody decided."""
    score = scored("open-door", looked(60, "NO ROLLBACK"))

    assert (score.total, score.well) == (0, False)
    assert [words(score, part) for part in ("detect", "decide", "recover")] == [
        "no record shows it",
        "no rollback was decided on",
        "not well in the end",
    ]


def test_what_passes_asks_for_a_look_and_no_rollback() -> None:
    """Two parts only: there is no decision to make, and nothing to recover from by hand."""
    calm = scored("it-passes", looked(60, "WATCH"), well_s=61)
    hasty = scored("it-passes", looked(60, "WATCH"), acted("feature-flag", 70), well_s=61)

    assert (calm.total, hasty.total) == (100, 40)
    assert words(hasty, "choices") == "feature-flag done: nothing had to be rolled back"


def test_what_was_before_the_incident_is_not_counted() -> None:
    """A look and a rollback in the quiet time have seen and cured nothing. Only they: nobody played."""
    before = (looked(-5), acted("feature-flag", -5))

    with pytest.raises(NobodyPlayed):
        scored("code-errors", *before)
    score = scored("code-errors", *before, looked(45), acted("backend-provider", 60), well_s=80)
    assert score.total == 100
