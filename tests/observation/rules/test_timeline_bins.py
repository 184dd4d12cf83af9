"""A prober's record as a few bins: none is invented, none hides what was bad."""

import math

import pytest

from pam_rollback.observation.samples import Sample
from pam_rollback.observation.watched import BINS_MAX, PROBES_MIN, bins, width_s


def probe(due_s: float, latency_ms: float = 50, **given: object) -> Sample:
    """An answer to a probe."""
    return Sample(due_s, latency_ms, "history", bool(given.pop("ok", True)), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("span_s", "rate_hz", "expected_s"),
    [(30, 50, 1), (BINS_MAX * 3, 50, 3), (30, 2, PROBES_MIN / 2), (0, 50, 1)],
    ids=["a second", "a long run", "rare probes", "one probe"],
)
def test_a_bin_is_as_long_as_it_has_to_be(span_s: float, rate_hz: float, expected_s: float) -> None:
    """For a percentile, and for a picture that is wide enough."""
    assert width_s([probe(100), probe(100 + span_s)], rate_hz) == expected_s


def test_what_was_bad_is_counted_where_it_was() -> None:
    """The response time is that of the good answers: a quick error does not make a service fast."""
    good = [probe(10 + place / 50, 100 + place) for place in range(30)]
    bad = [probe(10.7, 1, ok=False, why="HTTP 500"), probe(11.2, 1, ok=False, why="HTTP 500")]

    first, second = bins([*good, *bad], 1)

    assert (first.at_s, first.n, first.bad, first.p95_ms) == (10, 31, 1, 128)
    assert (second.n, second.bad, second.p95_ms) == (1, 1, None)


def test_a_hole_stays_a_hole() -> None:
    """Void, late and unsent probes say nothing, so there is no bin of them."""
    silent = [
        probe(11, void="we were blocked"),
        probe(11.1, lag_ms=300),
        probe(11.2, math.nan, lag_ms=None),
    ]

    assert [one.at_s for one in bins([probe(10), *silent, probe(12)], 1)] == [10, 12]


def test_nothing_gives_nothing() -> None:
    """Nobody probed."""
    assert list(bins([], 1)) == []
    assert width_s([], 50) == 1
