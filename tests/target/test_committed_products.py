"""The contracts of this repository: what the plan assumes, and the product as it is today."""

from pathlib import Path

import pytest

from pam_rollback.ops.connect.twins import survivors
from pam_rollback.plan.plan import load_plan
from pam_rollback.target.contract import Contract
from pam_rollback.target.files import load_contract
from pam_rollback.target.health import judge
from tests.contracts import HEALTH, PAM, captured

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["pam-plan", "pam-today"])
def contract(request: pytest.FixtureRequest) -> Contract:
    """Each committed contract."""
    return load_contract(ROOT / "products" / f"{request.param}.toml")


def test_it_fits_the_plan(contract: Contract) -> None:
    """Each health check of the plan has its component."""
    assert list(contract.problems(load_plan(ROOT / "plan.toml").health_checks)) == []


def test_todays_back_end_is_proven_by_its_own_answer() -> None:
    """As it answered when it was run; PAM's own report is not believed, for it is unhealthy for ever."""
    today = load_contract(ROOT / "products" / "pam-today.toml").health

    assert survivors(today["backend"], captured(HEALTH)) == ()
    assert survivors(today["database"], captured([])) == ()
    assert not judge(today["database"], captured({"code": "PGRST000"}, status=503)).healthy
    assert not judge(today["database"], captured({"code": "PGRST000"})).healthy
    assert [name for name, one in today.items() if one.no_endpoint] == ["frontend", "pam", "comprehensive"]
    plan = load_contract(ROOT / "products" / "pam-plan.toml").health
    for name in ("database", "comprehensive"):
        assert survivors(plan[name], captured({**PAM, "checks": {"database": {"status": "healthy"}}})) == ()
