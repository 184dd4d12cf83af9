"""Killed at any point and started again, a ramp neither leaves out nor repeats a stage, leaves none early, and misses no breach."""

import random
from pathlib import Path

import pytest

from pam_rollback.redeploy.ramp.state import BROKEN, GOOD
from tests.ramp.simulated import START_S, WATCH_S, Killer, SimulatedRamp, kill_over_and_over

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


HELD = [(START_S + at_s, START_S + at_s + WATCH_S, GOOD, 10) for at_s in range(0, 9000, 900)]
LOOKED = (START_S + 79_000, START_S + 79_900, GOOD, 10)
BROKE = (START_S + 40_000, START_S + 40_003, BROKEN, 10)


@pytest.mark.parametrize(
    ("history", "looks", "found"),
    [
        pytest.param([(0, 10), (80_000, 25)], [*HELD, LOOKED], set(), id="as it has to be"),
        pytest.param([(0, 10), (80_000, 50)], [*HELD, LOOKED], {"skipped"}, id="a stage is left out"),
        pytest.param(
            [(0, 10), (80_000, 25), (80_100, 10), (80_200, 25)], [*HELD, LOOKED], {"repeated"}, id="a stage twice"
        ),
        pytest.param([(0, 10), (80_000, 25)], [*HELD[:6], LOOKED], {"left early"}, id="not watched for its time"),
        pytest.param([(0, 10), (9_000, 25)], HELD, {"left early"}, id="too soon after the stage before"),
        pytest.param(
            [(0, 10), (80_000, 25)], [*HELD[:4], *HELD[6:9], LOOKED], {"left early"}, id="a window with a long hole"
        ),
        pytest.param([(0, 10), (80_000, 25)], HELD, {"breach missed"}, id="nobody looked before"),
        pytest.param([(0, 10), (80_000, 25)], [*HELD, BROKE, LOOKED], {"breach missed"}, id="in spite of a breach"),
        pytest.param([(0, 10)], [*HELD, BROKE], {"breach missed"}, id="a breach that is not rolled back"),
    ],
)
def test_the_judges_see_each_fault(
    tmp_path: Path, history: list[tuple[float, int]], looks: list[tuple[float, float, str, int]], found: set[str]
) -> None:
    """A judge that sees nothing would find nothing in a thousand kills."""
    ramp = SimulatedRamp(tmp_path / "ramp.jsonl", Killer(random.Random(0)), None, random.Random(0))
    ramp.truth.looks = [(START_S - WATCH_S, START_S, GOOD, 0), *looks]
    ramp.service.history = [(START_S + at_s, share) for at_s, share in history]

    seen = set(+ramp.faults_found("never ended")) - {"wrong end"}

    assert seen == found
