"""What a watch of the ramp says where memory is not looked at: nobody is let in by it."""

import pytest

from pam_rollback.probe.held_window import Standings
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.window import WindowSpec, judge
from pam_rollback.redeploy.ramp.state import BROKEN, GOOD, UNKNOWN
from pam_rollback.redeploy.ramp.watch import judged
from pam_rollback.stats.series import Quantity


def standings(*, ok: bool) -> Standings:
    """Ten seconds of answers, ten a second, and nobody who looks at memory."""
    samples = [Sample(number / 10, 20, "chat", ok) for number in range(100)]
    verdicts = [
        judge(
            samples,
            WindowSpec(measure=measure, limit=limit, duration_s=10, n_min=50),
            start_s=0,
            now_s=11,
            rate_hz=10,
        )
        for measure, limit in ((Quantity.ERROR_RATE_PCT, 2), (Quantity.LATENCY_P95_MS, 500))
    ]
    return Standings(10, 10, verdicts[0], verdicts[1], None)


@pytest.mark.parametrize(
    ("ok", "waived", "state"),
    [(True, False, UNKNOWN), (True, True, GOOD), (False, False, BROKEN), (False, True, BROKEN)],
)
def test_memory_that_nobody_looks_at_is_unknown(ok: bool, waived: bool, state: str) -> None:  # noqa: FBT001 - a table
    """Unless a dated waiver accepts it; what is broken is said all the same."""
    found, words = judged(standings(ok=ok), memory_waived=waived)

    assert found == state, words
