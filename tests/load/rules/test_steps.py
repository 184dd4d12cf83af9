"""What the steps of a load ask for, and when each request is due: exactly, and shared by workers without a gap or a repetition."""

import pytest

from pam_rollback.redeploy.load.order import Due, LoadOrder, due_times, steps_of


def order(rate_hz: float, duration_s: float, *steps_pct: float, targets: int = 1, journeys: int = 1) -> LoadOrder:
    """A run of these steps; journey 0 is made twice as often as each other."""
    return LoadOrder.model_validate(
        {
            "targets": [{"name": f"r{n}", "addresses": {"api": "http://127.0.0.1:1"}} for n in range(targets)],
            "journeys": [{"name": f"j{n}", "path": f"/{n}", "weight": 1 if n else 2} for n in range(journeys)],
            "rate_hz": rate_hz,
            "steps_pct": steps_pct or [100],
            "duration_s": duration_s,
        }
    )


def test_steps_rise_to_all_of_it() -> None:
    """10, 25, 50 and 100 %, each for a quarter of the time."""
    rising = order(40, 4, 10, 25, 50, 100)
    due = [one.due_s for one in due_times(rising)]

    assert [(step.from_s, step.rate_hz) for step in steps_of(rising)] == [(0, 4), (1, 10), (2, 20), (3, 40)]
    assert [sum(int(at) == second for at in due) for second in range(4)] == [4, 10, 20, 40]
    assert len(due) == 74
    assert due == sorted(due)


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("targets", [1, 2])
def test_workers_share_the_due_times(workers: int, targets: int) -> None:
    """Together they have each due time once, and each worker asks every target and every journey."""
    run = order(50, 5, 30, 100, targets=targets, journeys=3)
    shared = [list(due_times(run, worker=worker, workers=workers)) for worker in range(workers)]
    alone = [one.due_s for one in due_times(run)]

    assert sorted(one.due_s for part in shared for one in part) == alone
    for part in shared:
        assert {one.target for one in part} == set(range(targets))
        assert {one.journey for one in part} == {0, 1, 2}


def test_each_due_time_alternates_between_the_releases() -> None:
    """Neither is asked at another time of the run than the other, and neither only for what the other has just warmed up."""
    due = list(due_times(order(10, 1.6, targets=2, journeys=3)))
    journeys = [[one.journey for one in due if one.target == target] for target in (0, 1)]

    assert [one.target for one in due] == [0, 1] * 8
    assert sorted(journeys[0]) == sorted(journeys[1])
    assert journeys[0] != journeys[1]
    assert due[0] == Due(0, 0, 0)
