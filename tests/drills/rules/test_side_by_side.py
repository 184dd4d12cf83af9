"""How many drills run at once, which of them are run again, and what all of them together end with."""

import math

import pytest

from pam_rollback.drills.rules.side_by_side import Drilled, at_once_next, ending, late_pct
from pam_rollback.observation.rules.samples import Sample
from pam_rollback.report.verdict import ExitCode

ON_TIME = Sample(0.0, 20.0, "history", ok=True, lag_ms=2.0)
LATE = Sample(0.0, 300.0, "history", ok=True, lag_ms=251.0)
NEVER_SENT = Sample(0.0, math.nan, "history", ok=False, lag_ms=None)


def drilled(code: int = 0, late: float | None = 0.0, *, alone: bool = False) -> Drilled:
    """A drill that ended so."""
    return Drilled("gradual", code, 60.0, late, alone=alone)


@pytest.mark.parametrize(
    ("at_once", "late", "then"),
    [(2, 0.0, 3), (3, 0.0, 3), (2, 1.0, 3), (2, 1.1, 2), (2, 5.0, 2), (2, 5.1, 1), (1, 90.0, 1), (2, None, 2)],
)
def test_the_probers_say_how_many_run_at_once(at_once: int, late: float | None, then: int) -> None:
    """On two cores: three at most, one at least."""
    assert at_once_next(at_once, drilled(late=late), cores=2) == then


@pytest.mark.parametrize(
    ("drill", "again"),
    [
        (drilled(11, 40.0), True),
        (drilled(11, 0.0), True),
        (drilled(11, None), True),
        (drilled(11, 40.0, alone=True), False),
        (drilled(10, 40.0), False),
        (drilled(0, 40.0), False),
        (drilled(14, 40.0), False),
    ],
)
def test_only_what_was_not_measured_is_run_again(drill: Drilled, again: bool) -> None:  # noqa: FBT001 - the expectation
    """A red one is never tried until it is green, and alone it is tried once."""
    assert drill.worth_repeating is again


def test_late_probes_are_counted_as_windows_count_them() -> None:
    """More than 250 ms late, or never sent; what is void says nothing."""
    void = Sample(0.0, 20.0, "history", ok=False, void="blocked")

    assert late_pct([ON_TIME, ON_TIME, LATE, NEVER_SENT, void]) == 50
    assert late_pct([]) is None


@pytest.mark.parametrize(
    ("codes", "end", "words"),
    [
        ([0, 0], ExitCode.GO, "GO"),
        ([0, 11], ExitCode.INCONCLUSIVE, "INCONCLUSIVE"),
        ([11, 10, 0], ExitCode.NO_GO, "NO-GO"),
        ([10, 14, 12], ExitCode.UNDO_FAILED, "UNDO FAILED"),
        ([0, 3], ExitCode.INCONCLUSIVE, "ended with 3"),
        ([0, -9], ExitCode.INCONCLUSIVE, "ended with -9"),
        ([], ExitCode.INCONCLUSIVE, ""),
    ],
)
def test_the_worst_decides(codes: list[int], end: ExitCode, words: str) -> None:
    """A session that crashed is unknown, and so is none at all."""
    drills = [drilled(code) for code in codes]

    assert ending(drills) == end
    assert words in {"", *(drill.word for drill in drills)}
