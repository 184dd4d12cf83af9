"""The contracts of this repository: what the plan assumes, and the product as it is today."""

from pathlib import Path

import pytest

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.connect.twins import survivors
from pam_rollback.plan.plan import load_plan
from pam_rollback.product.contract import Contract
from pam_rollback.product.files import contract_of, load_contract
from pam_rollback.product.health import judge
from tests.contracts import HEALTH, PAM, captured

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "environments"


@pytest.fixture(params=["pam-plan", "pam-today"])
def contract(request: pytest.FixtureRequest) -> Contract:
    """Each committed contract."""
    return load_contract(ROOT / "products" / f"{request.param}.toml")


def test_it_fits_the_plan(contract: Contract) -> None:
    """Each health check of the plan has its component."""
    assert list(contract.problems(load_plan(ROOT / "plan.toml").health_checks)) == []


def test_the_plans_figures_are_those_of_its_health_checks() -> None:
    """HTTP 200 and "healthy", at the plan's addresses."""
    plan = load_contract(ROOT / "products" / "pam-plan.toml").health

    assert [(one.item, one.site, one.path, one.asked) for one in plan.values()] == [
        ("HC-1", "frontend", "/health", "healthy, HTTP 200"),
        ("HC-2", "backend", "/health", "healthy, HTTP 200"),
        ("HC-3", "api", "/health/db", "healthy, HTTP 200"),
        ("HC-4", "api", "/health/pam", "healthy, HTTP 200"),
        ("HC-5", "api", "/health/comprehensive", "healthy, HTTP 200"),
    ]


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


def test_an_environment_may_say_it_differently() -> None:
    """Table by table; a list is replaced as a whole."""
    changes = {"health": {"pam": {"path": "/api/health/pam", "optional": ["checks.tts"]}}}
    changed = contract_of("pam-plan", ENVIRONMENTS, changes).health["pam"]

    assert (changed.path, changed.optional, changed.title) == ("/api/health/pam", ("checks.tts",), "PAM")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"health": {"pam": {"paht": "/x"}}}, "[contract.health.pam] paht: unknown key, did you mean 'path'?"),
        ({"health": {"pam": {"path": 7}}}, "[contract.health.pam] path: expected a text in quotes, found 7"),
        ({"healht": {}}, "[contract] healht: unknown key, did you mean 'health'?"),
        ({"health": {"backend": {"conditions": []}}}, "[contract.health] backend: conditions are missing"),
    ],
)
def test_a_slip_there_is_named_where_it_stands(changes: dict[str, object], said: str) -> None:
    """In the environment's file."""
    with pytest.raises(ConfigurationError) as raised:
        contract_of("pam-plan", ENVIRONMENTS, changes)

    assert said in str(raised.value)
