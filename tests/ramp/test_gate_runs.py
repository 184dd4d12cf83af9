"""Which run of the gate a ramp goes by, and what a watch says where nobody looks at memory."""

from pathlib import Path

import pytest

from pam_rollback.probe.held_window import Standings
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.window import WindowSpec, judge
from pam_rollback.redeploy.ramp.hooks import newest_gate
from pam_rollback.redeploy.ramp.state import BROKEN, GOOD, UNKNOWN
from pam_rollback.redeploy.ramp.watch import judged
from pam_rollback.stats.series import Quantity
from tests.ramp.gate_runs import leave_gate_run


def verdict_of(out: Path, environment: str = "sandbox") -> str | None:
    """What the newest gate said."""
    found = newest_gate(out, environment)
    return found.verdict if found is not None else None


def test_the_newest_decides(tmp_path: Path) -> None:
    """A NO-GO that came after a GO, and a GO that came after a NO-GO."""
    leave_gate_run(tmp_path, verdict="GO", age_s=300)
    leave_gate_run(tmp_path, verdict="NO-GO", age_s=200)
    assert verdict_of(tmp_path) == "NO-GO"
    leave_gate_run(tmp_path, verdict="GO", age_s=100)
    assert verdict_of(tmp_path) == "GO"


@pytest.mark.parametrize(
    "other", [{"environment": "staging"}, {"phase": "post_rollback"}, {"verdict": "PLANNED"}], ids=str
)
def test_what_was_no_gate_here_does_not_count(tmp_path: Path, other: dict[str, str]) -> None:
    """Another environment, another phase, a dry run: however new."""
    leave_gate_run(tmp_path, verdict="GO", age_s=300)
    leave_gate_run(tmp_path, age_s=10, **({"verdict": "NO-GO"} | other))  # type: ignore[arg-type]

    assert verdict_of(tmp_path) == "GO"


def test_a_part_of_the_gate_lets_nobody_in(tmp_path: Path) -> None:
    """A GO of the load test alone is none of the gate; its NO-GO is."""
    leave_gate_run(tmp_path, verdict="GO", age_s=300, scope="load")
    assert verdict_of(tmp_path) is None
    leave_gate_run(tmp_path, verdict="GO", age_s=200)
    leave_gate_run(tmp_path, verdict="NO-GO", age_s=100, scope="load")
    assert verdict_of(tmp_path) == "NO-GO"


def test_a_record_that_cannot_be_read_is_no_go(tmp_path: Path) -> None:
    """It may have said NO-GO: the older GO does not stand."""
    leave_gate_run(tmp_path, verdict="GO", age_s=300)
    broken = leave_gate_run(tmp_path, verdict="NO-GO", age_s=10) / "run.json"
    broken.write_text(broken.read_text(encoding="utf-8")[:-40], encoding="utf-8")

    assert verdict_of(tmp_path) == "a record that cannot be read"


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
