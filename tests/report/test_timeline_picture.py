"""The picture of an incident: nothing hides, and what nobody measured is not drawn as good."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from pam_rollback.report import timeline_picture
from pam_rollback.report.record_parts import ActionMoment, TimelineBin
from pam_rollback.report.timeline_picture import Done
from tests.report.watched import WATCHED


def test_the_picture_has_its_limits_and_moments() -> None:
    """Objectives as lines; a number for each moment; what was bad, and only that, is drawn as bad."""
    picture = timeline_picture.svg(WATCHED, "what it shows", Done(12.0))

    assert picture.count('class="limit"') == 2
    assert picture.count('class="sign"') == len(WATCHED.moments)
    assert picture.count('class="bad"') == 6
    assert "<title" in picture
    assert "what it shows" in picture


def test_a_hole_breaks_the_line() -> None:
    """What nobody measured is not drawn as good."""
    whole = timeline_picture.svg(WATCHED, "", Done(12.0))
    without = tuple(one for one in WATCHED.bins if not 20 <= one.at_s < 25)
    holed = timeline_picture.svg(replace(WATCHED, bins=without), "", Done(12.0))
    too_few = tuple(replace(one, p95_ms=None) if one.at_s == 22 else one for one in WATCHED.bins)
    unknown = timeline_picture.svg(replace(WATCHED, bins=too_few), "", Done(12.0))

    assert (whole.count('class="hole"'), holed.count('class="hole"'), holed.count("not measured")) == (0, 1, 1)
    assert whole.count("<polyline") == 1
    assert holed.count("<polyline") == 2
    assert unknown.count("<polyline") == 2


def test_numbers_of_moments_do_not_hide_each_other() -> None:
    """Detection, decision and first step are often within a tenth of a second."""
    near = tuple(ActionMoment(str(number), 12 + number / 100, 0, "") for number in range(6))
    picture = timeline_picture.svg(replace(WATCHED, moments=near), "", Done(12.0))
    places = [float(x) for x in re.findall(r'class="sign" cx="([\d.]+)"', picture)]

    assert all(after - before >= 18 for before, after in pairwise(places))


@pytest.mark.parametrize("lasts_s", [40, 107, 128, 250, 601, 1500, 5000, 12000])
def test_times_below_the_picture_do_not_hide_each_other(lasts_s: int) -> None:
    """Also the last one, which ends at the edge; a label of twelve pixels takes less than eight for a character."""
    bins = tuple(TimelineBin(float(at_s), 1, 0, 20.0) for at_s in range(0, lasts_s, max(1, lasts_s // 60)))
    picture = timeline_picture.svg(replace(WATCHED, bins=bins, moments=(), shares=()), "", Done(12.0))
    lowest = max(float(y) for y in re.findall(r'class="n" x="[\d.]+" y="([\d.]+)"', picture))
    free_x = 0.0
    labels = re.findall(rf'x="([\d.]+)" y="{lowest}" text-anchor="(end|middle)">([^<]+)<', picture)
    for x, anchor, words in labels:
        left = float(x) - 7 * len(words) / (1 if anchor == "end" else 2)
        assert left >= free_x, labels
        free_x = left + 7 * len(words)
    assert len(labels) > 1


def test_a_limit_is_named_above_what_is_bad() -> None:
    """Else the last bars hide its figure."""
    picture = timeline_picture.svg(WATCHED, "", Done(12.0))

    assert picture.rindex('class="bad"') < picture.index(">limit 2 %<")


def test_nothing_is_drawn_of_nothing() -> None:
    """Nobody probed."""
    assert timeline_picture.svg(replace(WATCHED, bins=()), "", Done(0.0)) == ""
