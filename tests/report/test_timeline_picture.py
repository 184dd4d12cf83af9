"""The picture of an incident: nothing hides, and what nobody measured is not drawn as good."""

from dataclasses import replace

from pam_rollback.report import timeline_picture
from tests.report.watched import WATCHED


def test_the_picture_has_its_limits_and_moments() -> None:
    """Objectives as lines; a number for each moment; what was bad, and only that, is drawn as bad."""
    picture = timeline_picture.svg(WATCHED, "what it shows", 12.0)

    assert picture.count('class="limit"') == 2
    assert picture.count('class="sign"') == len(WATCHED.moments)
    assert picture.count('class="bad"') == 6
    assert "<title" in picture
    assert "what it shows" in picture


def test_a_hole_breaks_the_line() -> None:
    """What nobody measured is not drawn as good."""
    whole = timeline_picture.svg(WATCHED, "", 12.0)
    without = tuple(one for one in WATCHED.bins if not 20 <= one.at_s < 25)
    holed = timeline_picture.svg(replace(WATCHED, bins=without), "", 12.0)
    too_few = tuple(replace(one, p95_ms=None) if one.at_s == 22 else one for one in WATCHED.bins)
    unknown = timeline_picture.svg(replace(WATCHED, bins=too_few), "", 12.0)

    assert (whole.count('class="hole"'), holed.count('class="hole"'), holed.count("not measured")) == (0, 1, 1)
    assert whole.count("<polyline") == 1
    assert holed.count("<polyline") == 2
    assert unknown.count("<polyline") == 2


def test_nothing_is_drawn_of_nothing() -> None:
    """Nobody probed."""
    assert timeline_picture.svg(replace(WATCHED, bins=()), "", 0.0) == ""
