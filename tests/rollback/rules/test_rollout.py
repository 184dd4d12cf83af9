"""Users only ever leave: written-out histories of flags, of what users get, and of how they fare."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.flags import Flag
from pam_rollback.probe.samples import Sample
from pam_rollback.rollback.flag_facts import Descent, Fare, FlagShare, Stage, Trend, shares
from pam_rollback.stats.percentiles import Percentile

CHAT, VOICE = "PAM_ENHANCED_UI", "PAM_VOICE_FEATURES"


def fare(errors: int, n: int = 100, p95_ms: float = 200.0) -> Fare:
    """How users fared."""
    return Fare(n=n, errors=errors, p95=Percentile(95, p95_ms, n))


@pytest.mark.parametrize(
    ("asked_pct", "having", "within"),
    [
        *[(50, 100, True), (50, 75, True), (50, 73, False), (50, 127, False), (10, 20, True), (10, 40, False)],
        *[(0, 0, True), (0, 1, False), (100, 200, True), (100, 199, False)],
    ],
)
def test_the_share_lies_within_binomial_bounds(asked_pct: int, having: int, within: bool) -> None:  # noqa: FBT001 - a case
    """Of 200 users: at 50 % from 75 to 126 can be chance, fewer or more cannot; of 0 % and 100 % there is no exception."""
    share = FlagShare(CHAT, asked_pct, tuple(f"user-{n}" for n in range(having)), 200)

    assert share.within_bounds is within
    assert ("too" in str(share)) is not within


def test_nobody_asked_is_not_within_bounds() -> None:
    """Of nobody nothing is known."""
    assert not FlagShare(CHAT, 0, (), 0).as_asked


def test_who_comes_in_is_counted() -> None:
    """The share is right, and still it is wrong: another half of the users has the feature."""
    before = {"a": {CHAT: True}, "b": {CHAT: False}}
    now = {"a": {CHAT: False}, "b": {CHAT: True}}

    (share,) = shares(before, now, {CHAT: Flag(enabled=True, rollout_pct=50)})

    assert share.within_bounds
    assert not share.as_asked
    assert str(share).endswith("1 of them came in")


def test_a_flag_that_is_off_asks_for_nobody() -> None:
    """Its percentage does not count."""
    (share,) = shares({"a": {CHAT: True}}, {"a": {CHAT: True}}, {CHAT: Flag(enabled=False, rollout_pct=100)})

    assert share.asked_pct == 0
    assert not share.as_asked


def test_silence_about_a_flag_is_not_off() -> None:
    """Neither before nor now."""
    with pytest.raises(MeasurementFailed, match=f"says nothing of {VOICE}"):
        shares({"a": {CHAT: True}}, {"a": {CHAT: False}}, {VOICE: Flag(enabled=False, rollout_pct=0)})


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        (fare(60), fare(30), False),
        (fare(0), fare(3), False),
        (fare(0), fare(20), True),
        (fare(30), fare(60), True),
        (fare(5), fare(5, p95_ms=290), False),
        (fare(5), fare(5, p95_ms=310), True),
        (fare(5, p95_ms=100), fare(5, p95_ms=240), False),
    ],
    ids=[
        "better",
        "a few by chance",
        "errors come",
        "more errors",
        "slower within 50 %",
        "slower",
        "slower and still fast",
    ],
)
def test_worse_is_more_than_chance(before: Fare, after: Fare, worse: bool) -> None:  # noqa: FBT001 - a case
    """More errors than chance explains, or a p95 that rose by more than 50 % and is not fast any more."""
    trend = Trend(before, after, increase_pct_max=50, fast_ms=250)

    assert trend.worse is worse
    assert str(trend).startswith("not worse") is not worse


def test_too_few_answers_say_nothing() -> None:
    """Neither does a probe that left late."""
    good = [Sample(due_s=n, latency_ms=100, journey="history", ok=True) for n in range(19)]
    late = [Sample(due_s=30, latency_ms=100, journey="history", ok=True, lag_ms=900)]

    with pytest.raises(MeasurementFailed, match="19 answers, 20 are needed"):
        Fare.of(good + late)
    assert Fare.of([*good, Sample(due_s=31, latency_ms=100, journey="history", ok=False)]).errors == 1


def test_a_descent_that_is_not_known_is_not_as_asked() -> None:
    """Broken is told before unknown, and unknown before good."""
    good = Stage(50, {}, (FlagShare(CHAT, 0, (), 200),), None)
    bad = Stage(25, {}, (FlagShare(CHAT, 0, ("user-7",), 200),), None)

    assert Descent((good,)).as_asked
    assert not Descent((good, bad), unknown=("no evaluation",)).as_asked
    with pytest.raises(MeasurementFailed, match="no evaluation"):
        _ = Descent((good,), unknown=("no evaluation",)).as_asked
    assert "1 of 200 users have it, too many for 0 %" in str(Descent((good, bad)))
