"""Killed at any point and started again, a ramp neither leaves out nor repeats a stage, leaves none early, and misses no breach."""

from pathlib import Path

import pytest

from tests.ramp.simulated import SimulatedRamp, kill_over_and_over

KILLS = 100


@pytest.mark.long_matrix
@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_skipped_repeated_left_early_or_missed(tmp_path: Path, seed: int) -> None:
    """A hundred kills over whole ramps: before, in and after every write and every change; judged by what really happened."""
    tally = kill_over_and_over(tmp_path, KILLS, seed)

    assert tally.killed == KILLS
    assert tally.found.total() == 0, (tally.found, tally.ends)
    assert {"finished", "rolled back"} == set(tally.ends), tally.ends
    assert tally.raises > tally.ramps
