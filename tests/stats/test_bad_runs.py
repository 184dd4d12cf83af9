"""A run of bad times: what ends it, what does not, and from when on it is too long."""

import pytest

from pam_rollback.stats.bad_runs import Stretch, bad_runs, too_long


def seconds(marks: str) -> list[Stretch]:
    """One a second: ``x`` bad, ``.`` good, ``?`` not to be told, a blank where nothing was asked."""
    kinds = {"x": True, ".": False, "?": None}
    return [Stretch(at, at + 1, kinds[mark]) for at, mark in enumerate(marks) if mark != " "]


@pytest.mark.parametrize(
    ("marks", "runs"),
    [
        ("", []),
        ("....", []),
        (".xx.", [(1, 3)]),
        ("xx", [(0, 2)]),
        ("x.x", [(0, 1), (2, 3)]),
        ("x x", [(0, 3)]),
        ("x?x", [(0, 3)]),
        ("?x?.", [(1, 2)]),
    ],
)
def test_only_a_good_time_ends_a_run(marks: str, runs: list[tuple[float, float]]) -> None:
    """Where nothing is known it goes on, and does not begin."""
    assert [(run[0].from_s, run[-1].until_s) for run in bad_runs(seconds(marks))] == runs


def test_it_is_too_long_as_soon_as_it_is() -> None:
    """The first such run, and the moment by which that was seen; as long as is tolerated is not too long."""
    assert too_long(seconds("xx.xx"), 2) is None
    assert too_long([], 0) is None
    first, last = too_long(seconds("x.xxxxx"), 2) or (None, None)
    assert (first, last) == (Stretch(2, 3, bad=True), Stretch(4, 5, bad=True))
