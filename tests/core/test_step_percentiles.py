"""What percentiles of steps say about the percentile of all: counted, and held against the values themselves."""

import random

import pytest

from pam_rollback.core.histogram import Latencies
from pam_rollback.core.standing import Standing
from pam_rollback.core.step_percentiles import StepPercentiles

LIMIT_MS = 500.0


def test_one_step_is_exact() -> None:
    """Its percentile is the percentile."""
    one = StepPercentiles(((123.4, 60),))

    assert (one.value, one.n, one.bounds) == (123.4, 60, "")
    assert (one.standing(123.4), one.standing(123.5)) == (Standing.REACHED, Standing.BELOW)


def test_several_are_bounds() -> None:
    """Between the lowest and the highest; a mean of them would be nothing."""
    several = StepPercentiles(((100.0, 50), (300.0, 50), (200.0, 50)))

    assert (several.value, several.bounds) == (None, "between 100 and 300 ms")
    assert several.definition == "p95, nearest rank of each of 3 steps"


def test_all_below_is_below_and_all_above_is_above() -> None:
    """Whatever the sizes of the steps."""
    assert StepPercentiles(((499.0, 7), (10.0, 1), (400.0, 1000))).standing(LIMIT_MS) is Standing.BELOW
    assert StepPercentiles(((500.0, 7), (900.0, 1), (501.0, 1000))).standing(LIMIT_MS) is Standing.REACHED


def test_what_it_says_is_never_wrong() -> None:
    """A thousand histories: where it says below or reached, the values themselves say the same."""
    luck = random.Random(4)
    said = []
    for _ in range(1000):
        slow_share = luck.choice([0.0, 0.02, 0.05, 0.08, 0.3])
        steps = [
            [
                luck.uniform(500, 900)
                if luck.random() < slow_share * luck.choice([0.2, 1, 2])
                else luck.uniform(5, 499)
                for _ in range(luck.choice([1, 5, 20, 60]))
            ]
            for _ in range(luck.randint(1, 15))
        ]
        told = StepPercentiles(tuple((Latencies(tuple(step)).value, len(step)) for step in steps)).standing(LIMIT_MS)
        truth = Latencies(tuple(value for step in steps for value in step)).standing(LIMIT_MS)
        assert told in {truth, Standing.UNDECIDED}, steps
        said.append(told)

    assert set(said) == set(Standing)


@pytest.mark.parametrize("steps", [(), ((float("nan"), 5),), ((-1.0, 5),), ((10.0, 0),)])
def test_nonsense_is_refused(steps: tuple[tuple[float, int], ...]) -> None:
    """Nothing follows from nothing."""
    with pytest.raises(ValueError, match="percentiles are lengths of time"):
        StepPercentiles(steps)
