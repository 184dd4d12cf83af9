"""The soak's own verdict: who grows is named, and who was hardly seen proves nothing."""

from tests.soak import EVERY_S, Seen, judge

SECONDS = 600.0
READINGS = round(SECONDS / EVERY_S)


def readings(*, from_mb: float = 50.0, to_mb: float = 50.0, from_handles: int = 10, to_handles: int = 10) -> Seen:
    """A process that goes evenly from one to the other."""
    shares = [number / (READINGS - 1) for number in range(READINGS)]
    return Seen(
        [from_mb + (to_mb - from_mb) * share for share in shares],
        [round(from_handles + (to_handles - from_handles) * share) for share in shares],
    )


def test_flat_is_flat() -> None:
    """Nothing to say."""
    assert judge({"prober": readings(), "pytest": readings(to_mb=60)}, SECONDS) == []


def test_a_prober_that_grows_is_named() -> None:
    """15 MB in ten minutes are 90 in an hour."""
    assert judge({"prober": readings(to_mb=65), "pytest": readings()}, SECONDS) == ["prober grew by 5.3 MB"]


def test_a_session_may_keep_its_probes_and_no_more() -> None:
    """What each probe takes is known."""
    assert judge({"pytest": readings(to_mb=100)}, SECONDS) == ["pytest grew by 17.6 MB"]


def test_handles_that_are_not_closed_are_named() -> None:
    """At a thousand of them the system refuses."""
    assert judge({"prober": readings(to_handles=60)}, SECONDS) == ["prober had 18 handles more"]


def test_few_readings_prove_nothing() -> None:
    """A session that ended at once was not watched."""
    assert judge({"pytest": Seen([50.0], [10])}, SECONDS) == ["only 1 readings: nothing is known"]
    assert judge({}, SECONDS) == ["only 0 readings: nothing is known"]
