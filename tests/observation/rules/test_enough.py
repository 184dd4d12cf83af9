"""Whether a window can have enough answers is known before it begins, with what would give it enough."""

import pytest

from pam_rollback.observation.rules.enough import Need


@pytest.mark.parametrize(
    ("duration_s", "rate_hz", "lacking"),
    [
        (900.0, 1.0, ""),
        (150.0, 1.0, ""),
        (
            15.0,
            0.75,
            "have 12 at most; a window of 200 s would do (--pace 4.5 or less), or 10 a second ([probing] rate_hz)",
        ),
        (
            900.0,
            0.1,
            "have 91 at most; a window of 1500 s would do, or 0.167 a second ([probing] rate_hz)",
        ),
    ],
    ids=["at full length", "just enough", "a pace of 60", "rare probes"],
)
def test_a_window_says_what_it_lacks(duration_s: float, rate_hz: float, lacking: str) -> None:
    """By its criterion."""
    said = Need("SC-1", 150, "answers of users", 900.0, duration_s, rate_hz).lacking
    needed = f"SC-1: 150 answers of users are needed, and at {rate_hz:g} a second {duration_s:g} s "

    assert said == (f"{needed}{lacking}" if lacking else "")
