"""The environments of this repository fit the plan, promise nothing that is not there and hold no secret."""

from datetime import date

import pytest

from pam_rollback.plan.plan import load_plan
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.target.declared_environments import COMMITTED, EXAMPLES, ROOT


@pytest.fixture(params=["staging", "production"])
def committed(request: pytest.FixtureRequest) -> Environment:
    """Give each committed environment; none of them needs a secret for read-only checks."""
    return load_environment(str(EXAMPLES / f"{request.param}.toml"), COMMITTED, {})


def test_committed_environments_fit_the_plan(committed: Environment) -> None:
    """Overridden figures and waivers name items that exist, and every relaxed figure has a waiver with an end."""
    plan = load_plan(ROOT / "plan.toml").with_overrides(committed.thresholds, source=committed.name)

    assert {waiver.item for waiver in committed.waivers} <= set(plan.ids())
    assert {change.item for change in plan.relaxed} == {waiver.item for waiver in committed.waivers}
    assert all(isinstance(waiver.until, date) for waiver in committed.waivers)


def test_what_nobody_approved_does_not_count(committed: Environment) -> None:
    """Its waivers are provisional, and its addresses untried: both say so."""
    assert committed.waivers
    assert not any(waiver.holds(date(2026, 12, 1)) for waiver in committed.waivers)
    approved = committed.waivers[0].model_copy(update={"approved_by": "Ann, technical lead"})
    assert approved.holds(date(2026, 12, 1))
    assert not approved.holds(date(2027, 2, 1))
    assert "UNTRIED" in (EXAMPLES / f"{committed.name}.toml").read_text(encoding="utf-8")


def test_their_addresses_are_those_of_the_public_repository(committed: Environment) -> None:
    """A name that someone made up answers nobody, or a stranger."""
    assert set(committed.addresses()) <= {
        "https://wheelsandwins.com",
        "https://pam-backend.onrender.com",
        "https://staging-wheelsandwins.netlify.app",
        "https://wheels-wins-backend-staging.onrender.com",
    }


def test_committed_environments_promise_no_flag_api(committed: Environment) -> None:
    """Today's product has none: promising it would make a rollback fail in the middle of an incident."""
    assert not committed.abilities & {
        "flag_admin",
        "flag_evaluation",
        "emergency_endpoint",
        "cache_admin",
        "feature_check",
    }
    assert committed.contract.name == "pam-today"
    assert not committed.health_url("pam")
    assert committed.control_probe_url


def test_committed_sandbox_holds_no_secret_and_no_address() -> None:
    """The default of every session is complete only once a sandbox runs."""
    assert load_environment("sandbox", COMMITTED, {}).is_template
