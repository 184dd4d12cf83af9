"""Users must not get another release again in the window, however well it answers; what was asked before it may still be the old one's."""

from dataclasses import replace

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.observation.rules.held_releases import HeldReleases, ReleasesSpec, judge_releases
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.observation.rules.window_state import WindowState
from pam_rollback.product.rules.expected_releases import ExpectedReleases

BAD, GOOD = "1.42.0", "1.41.3"
BACK = ReleasesSpec(expected=ExpectedReleases(backend=GOOD), start_s=100, duration_s=60, gap_max_s=5)
NOBODY_SAID = replace(BACK, expected=ExpectedReleases())


def answer(due_s: float, release: str | None, *, journey: str = "health", ok: bool = True) -> Sample:
    """One answer, at once."""
    return Sample(due_s, 20.0, journey, ok=ok, release=release)


def answers(*releases: tuple[float, float, str | None], journey: str = "health") -> list[Sample]:
    """Two a second, each stretch from its first second on and before its last."""
    return [
        answer(half / 2, release, journey=journey)
        for since_s, until_s, release in releases
        for half in range(int(2 * since_s), int(2 * until_s))
    ]


def judged(samples: list[Sample], spec: ReleasesSpec = BACK, *, at_s: float = 160) -> HeldReleases:
    """At the end of the window, unless a test wants something else."""
    return judge_releases(samples, spec, settled_s=at_s)


def test_the_bad_release_comes_back_for_half_a_minute() -> None:
    """All of it in one sentence: how many, whose, which, when. Every answer was healthy."""
    found = judged(answers((80, 110, GOOD), (110, 140, BAD), (140, 160, GOOD)))

    assert not found.met
    assert found.reason == (
        "60 of 120 answers of the back end name release 1.42.0 instead of 1.41.3, from +10.0 s to +39.5 s of the watch (health 60)"
    )
    assert (found.figures.measured, found.figures.n) == (60, 120)


def test_one_release_from_the_start_on_is_met() -> None:
    """Only when the whole window was seen."""
    samples = answers((100, 160, GOOD))

    assert judged(samples).met
    assert judged(samples[:-20], at_s=150).state is WindowState.HOLDING


def test_the_bad_release_that_never_went_is_a_condition_where_nobody_said() -> None:
    """Whoever verifies without --to is told that nothing was held against a release."""
    bad = answers((100, 160, BAD))

    assert judged(bad, NOBODY_SAID).met
    assert "nobody said which (--to)" in judged(bad, NOBODY_SAID).unproven
    assert not judged(bad).met
    assert judged(answers((100, 160, GOOD))).unproven == ""


def test_an_answer_to_an_earlier_probe_may_be_the_old_releases() -> None:
    """However late it comes; the same answer to a probe of the window itself may not."""
    late = Sample(99.9, 4000.0, "health", ok=True, release=BAD)
    samples = answers((80, 100, BAD), (100, 160, GOOD))

    assert judged([*samples, late]).met
    assert not judged([*samples, replace(late, due_s=100.0)]).met


def test_it_is_told_at_once_and_stays() -> None:
    """Nobody waits for the end to learn it, and what comes after the window counts where it was seen."""
    assert judged(answers((100, 102, GOOD), (102, 103, BAD)), at_s=103).state is WindowState.BROKEN
    assert judged(answers((100, 170, GOOD), (170, 171, BAD)), at_s=171).state is WindowState.BROKEN


def test_where_nobody_said_there_must_be_one() -> None:
    """Whichever it is; the one that most answers name is not called right."""
    found = judged(answers((100, 150, GOOD), (150, 160, BAD)), NOBODY_SAID)

    assert judged(answers((100, 160, BAD)), NOBODY_SAID).met
    assert (
        "20 of 120 answers of the back end name release 1.42.0, the others 1.41.3, and no one said which is right"
        in found.reason
    )


def test_each_site_has_its_own() -> None:
    """After a rollback of one site the two differ, and that is right; the cache's page is the front end's, too."""
    spec = replace(BACK, expected=ExpectedReleases(frontend=BAD, backend=GOOD))
    health = answers((100, 160, GOOD))
    pages = answers((100, 160, BAD), journey="front page")
    kept = answers((120, 121, "1.40.9"), journey="cached front page")

    assert judged([*health, *pages], spec).met
    assert judged([*health, *pages], NOBODY_SAID).met
    assert judged([*health, *pages, *kept], spec).reason == (
        "2 of 122 answers of the front end name release 1.40.9 instead of 1.42.0, "
        "from +20.0 s to +20.5 s of the watch (cached front page 2)"
    )


def test_a_good_answer_that_names_none_is_of_another_release() -> None:
    """A bad one may name none: a server in front answered it. What is void says nothing at all, and a page need not name any."""
    samples = answers((100, 160, GOOD))

    assert "name none instead of 1.41.3" in judged([*samples, answer(130.1, None)]).reason
    assert judged([*samples, answer(130.1, None, ok=False)]).met
    assert judged([*samples, replace(answer(130.1, BAD), void="blocked")]).met
    assert judged([*samples, answer(130.1, None, journey="front page")]).met


def test_an_error_of_another_release_is_one_of_its_answers() -> None:
    """It names it."""
    assert not judged([*answers((100, 160, GOOD)), answer(130.1, BAD, ok=False)]).met


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "no health answer that names a release"),
        (answers((100, 120, GOOD), (130, 160, GOOD)), "for 10.5 s from .* a hole hides another release"),
    ],
)
def test_what_was_not_seen_is_not_known(samples: list[Sample], words: str) -> None:
    """No answers, or a hole between them."""
    with pytest.raises(MeasurementFailed, match=words):
        _ = judged(samples).met
    for unnamed in ([], answers((100, 160, None))):
        with pytest.raises(MeasurementFailed, match="no health answer that names a release"):
            _ = judged(unnamed, replace(NOBODY_SAID, gap_max_s=90)).met
