"""The plan's ramp as rules: at a pace, with the approvals of an environment; and what makes no sense is refused with its place."""

from pathlib import Path

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.ramp.state import rules_of

PLAN = Path(__file__).resolve().parents[3] / "plan.toml"


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The committed one."""
    return load_plan(PLAN)


def test_the_rules_are_the_plans(plan: Plan) -> None:
    """10, 25 and 50 % for two hours each, everybody for a quarter of an hour; 20 h apart; a gate for a week."""
    rules = rules_of(plan.ramp, plan.ramp_terms, pace=1)

    assert [(step.id, step.share_pct, step.hold_s) for step in rules.stages] == [
        ("RA-1", 10, 7200),
        ("RA-2", 25, 7200),
        ("RA-3", 50, 7200),
        ("RA-4", 100, 900),
    ]
    assert (rules.gap_s_max, rules.apart_s_min) == (1200, 72_000)
    assert rules.gate_s_max == 604_800
    assert plan.ramp_terms.rollback == "ST-1"


def test_the_pace_shortens_what_is_watched_and_waited_for(plan: Plan) -> None:
    """Not how long a gate's GO holds. Another pace is another ramp."""
    slow, fast = (rules_of(plan.ramp, plan.ramp_terms, pace=pace) for pace in (1, 60))

    assert (fast.stages[0].hold_s, fast.gap_s_max, fast.apart_s_min) == (120, 20, 1200)
    assert fast.gate_s_max == slow.gate_s_max
    assert fast.terms != slow.terms


def test_an_environment_asks_for_a_yes(plan: Plan) -> None:
    """For the stages that it names; that is part of what the ramp remembers."""
    rules = rules_of(plan.ramp, plan.ramp_terms, pace=1, approvals=("RA-4",))

    assert [step.approval for step in rules.stages] == [False, False, False, True]
    assert "RA-4 100 % for 900 s by approval" in rules.terms


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
        ('rollback = "ST-1"', 'rollback = "ST-4"', "[ramp_terms] rollback: 'ST-4' is no strategy of flags"),
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
