"""Users must not get another release again in the window, however well it answers; what was asked before it may still be the old one's."""

from dataclasses import replace

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.measure import WindowState
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.until_the_end import HeldReleases, ReleasesSpec, judge_releases
from pam_rollback.target.served_release import ExpectedReleases

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
    assert (found.measured.value, found.measured.n) == (60, 120)


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


BUILT, REBUILT = "7cce05406677" + "a" * 28, "0d1e2f3a4b5c" + "b" * 28


def of_builds(*commits: tuple[float, float, str], release: str = GOOD) -> list[Sample]:
    """Two a second of one version; each stretch is of one commit, or names none."""
    return [
        replace(one, commit=commit)
        for since_s, until_s, commit in commits
        for one in answers((since_s, until_s, release))
    ]


def test_the_same_version_of_another_commit_is_another_release() -> None:
    """Every answer names the right version; the words say which commit, how often and when."""
    samples = of_builds((100, 110, BUILT), (110, 120, REBUILT), (120, 160, BUILT))
    found = judged(samples)

    assert not found.met
    assert found.reason == (
        "20 of 120 answers of the back end name commit 0d1e2f3a4b5c of release 1.41.3, the others 7cce05406677, and no one said which "
        "is right, from +10.0 s to +19.5 s of the watch (health 20)"
    )
    assert judged(samples, NOBODY_SAID).reason == found.reason
    assert found.measured.value == 20


def test_one_commit_from_the_start_on_is_met() -> None:
    """However it is written; that of another release is told as that release."""
    assert judged(of_builds((100, 130, BUILT), (130, 160, BUILT[:12]))).met
    both = judged([*of_builds((100, 140, BUILT)), *of_builds((140, 160, REBUILT), release=BAD)])
    assert "name release 1.42.0 instead of 1.41.3" in both.reason
    assert "commit" not in both.reason


def test_what_a_rollback_brought_is_right_however_few_answers_name_it() -> None:
    """Also where all answers agree on another."""
    brought = replace(BACK, commits=ExpectedReleases(backend=BUILT))

    assert judged(of_builds((100, 160, BUILT)), brought).met
    assert "120 of 120 answers of the back end name commit 0d1e2f3a4b5c of release 1.41.3 instead of 7cce05406677" in (
        judged(of_builds((100, 160, REBUILT)), brought).reason
    )


def test_where_no_answer_names_a_commit_nothing_is_compared() -> None:
    """That is no fault of the product, also after a rollback whose commit is known; and it is said."""
    for spec in (BACK, replace(BACK, commits=ExpectedReleases(backend=BUILT))):
        found = judged(answers((100, 160, GOOD)), spec)
        assert found.met
        assert "by the version alone: no health answer names a commit" in str(found)
        assert "by the version alone" in found.measured.definition
    assert "by the version alone" not in str(judged(of_builds((100, 160, BUILT))))


def test_a_good_answer_without_its_commit_among_others_is_not_known() -> None:
    """A bad one may name none; it is told in the end, since what is broken later counts more."""
    samples = of_builds((100, 130, BUILT), (130, 131, ""), (131, 160, BUILT))

    with pytest.raises(
        MeasurementFailed, match=r"2 of 120 .* name release 1\.41\.3 without its commit, others name 7cce"
    ):
        _ = judged(samples).met
    assert judged(samples[:-2], at_s=159).state is WindowState.HOLDING
    assert judged([replace(one, ok=bool(one.commit)) for one in samples]).met
    assert judged([*samples, replace(samples[0], due_s=159.7, commit=REBUILT)]).state is WindowState.BROKEN


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
