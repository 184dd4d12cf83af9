"""The plan's ramp as rules: at a pace, with the approvals of an environment; and what makes no sense is refused with its place."""

from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.plan.plan import Plan, load_plan

PLAN = Path(__file__).resolve().parents[3] / "plan.toml"


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The committed one."""
    return load_plan(PLAN)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "rollout_pct = 25\n",
            "rollout_pct = 60\n",
            "expected shares that rise from above 0 to 100 %, found 10, 60, 50, 100",
        ),
        ("rollout_pct = 100\n", "rollout_pct = 99\n", "found 10, 25, 50, 99"),
        ("rollout_pct = 10\n", "rollout_pct = 0\n", "found 0, 25, 50, 100"),
        ("rollout_pct = 25\n", "rollout_pct = 25.5\n", "[ramp.RA-2] rollout_pct: expected a whole number, found 25.5"),
        ("rollout_pct = 50\nhold_s_min = 7200\n", "rollout_pct = 50\n", "[ramp.RA-3] hold_s_min: missing"),
        (
            'rollback = "ST-1"',
            'rollback = "ST-4"',
            "[ramp_terms] rollback: 'ST-4' is no strategy that switches flags off at once",
        ),
        (
            'rollback = "ST-1"',
            'rollback = "ST-2"',
            "'ST-2' is no strategy that switches flags off at once, did you mean 'ST-1'?",
        ),
        ("watch_last_s = 900", "watch_last_s = 0", "[ramp_terms] watch_last_s"),
        ("gap_s_max = 1200", "gap_s_maxx = 1200", "[ramp_terms] gap_s_maxx: unknown key, did you mean 'gap_s_max'?"),
    ],
)
def test_a_ramp_that_leads_nowhere_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """With the place and what was found there."""
    text = PLAN.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "plan.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ConfigurationError) as refused:
        load_plan(file)
    assert said in str(refused.value)
