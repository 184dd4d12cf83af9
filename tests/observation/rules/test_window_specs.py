"""What the pace makes of the plan's windows."""

from pathlib import Path

import pytest

from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.observation.window_specs import answers_spec
from pam_rollback.plan.plan import load_plan

ROOT = Path(__file__).resolve().parents[3]
PLAN = load_plan(ROOT / "plan.toml")


@pytest.fixture(scope="module")
def sandbox() -> Environment:
    """Any environment will do."""
    return load_environment("sandbox", ROOT / "environments", {})


@pytest.mark.parametrize(
    ("pace", "rate_hz", "lasts_s"),
    [
        pytest.param(1, 1, 900, id="as the plan has it"),
        pytest.param(60, 50, 15, id="enough answers come in the shorter time"),
        pytest.param(60, 1, 165, id="150 answers and some to spare"),
        pytest.param(60, 0.1, 900, id="never longer than the plan's, which then says too few"),
    ],
)
def test_a_shortened_window_lasts_until_its_answers_can_be_there(
    sandbox: Environment, pace: float, rate_hz: float, lasts_s: float
) -> None:
    """A window of 15 s with one answer a second could only ever say that it had too few."""
    spec = answers_spec(PLAN.success_criteria["SC-1"], 2, rate_hz, environment=sandbox, pace=pace)

    assert spec.duration_s == pytest.approx(lasts_s)
    assert spec.asked_s == 900
