"""No write raises exposure above what its writer may: for all flags, all plans, and all that somebody else did meanwhile."""

from hypothesis import given
from hypothesis import strategies as st

from pam_rollback.plan.flags import Flag
from pam_rollback.rollback.flag_facts import exposure_pct
from pam_rollback.rollback.flags import lowered, why_not_raised

NAMES = ("A", "B")
PCT = st.integers(0, 100)
FLAG = st.builds(Flag, enabled=st.booleans(), rollout_pct=PCT)
FLAGS = st.fixed_dictionaries(dict.fromkeys(NAMES, FLAG))
EXPOSURES = st.fixed_dictionaries(dict.fromkeys(NAMES, PCT))
ON_25, OFF = Flag(enabled=True, rollout_pct=25), Flag(enabled=False, rollout_pct=0)


@given(found=FLAGS, expected=EXPOSURES, wanted=FLAGS, ceiling=PCT)
def test_a_ramp_never_goes_above_its_approved_stage(
    found: dict[str, Flag], expected: dict[str, int], wanted: dict[str, Flag], ceiling: int
) -> None:
    """It may be written only if no flag goes above the stage, and each is where it was decided on (or was written already)."""
    if not why_not_raised(found, expected, wanted, ceiling_pct=ceiling):
        assert all(exposure_pct(flag) <= ceiling for flag in wanted.values())
        assert all(exposure_pct(found[name]) in {expected[name], exposure_pct(wanted[name])} for name in NAMES)


@given(flags=FLAGS, step=PCT)
def test_a_ramp_that_nobody_disturbs_goes_on(flags: dict[str, Flag], step: int) -> None:
    """Also after a kill between two flags."""
    wanted = dict.fromkeys(NAMES, Flag(enabled=True, rollout_pct=step))
    expected = {name: exposure_pct(flag) for name, flag in flags.items()}

    assert why_not_raised(flags, expected, wanted, ceiling_pct=step) == ""
    assert why_not_raised({**flags, "A": wanted["A"]}, expected, wanted, ceiling_pct=step) == ""


def test_a_frozen_step_of_a_rollback_raises_nothing() -> None:
    """It was about to go down to 25 %; meanwhile somebody switched everything off."""
    assert lowered({"A": OFF}, {"A": ON_25}) == {"A": OFF}
