"""The hook that measures a criterion once more."""

from types import SimpleNamespace

import pytest

from pam_rollback.health import fixtures as health
from tests.listening import listened_to


class Elsewhere:
    """A conftest.py that knows a criterion of its own, and one of the suite's better."""

    @staticmethod
    def pytest_pam_criterion_retest(criterion: str, request: pytest.FixtureRequest) -> tuple[bool, str] | None:
        """By what a fixture gives."""
        return {"DI-1": (True, "own eyes"), "HC-2": (False, request.getfixturevalue("own"))}.get(criterion)


def test_pytest_pam_criterion_retest() -> None:
    """Whoever listens is asked before the suite's own; for what nobody knows no answer comes."""
    hook = listened_to(health, Elsewhere()).hook
    checks = {item: SimpleNamespace(item=item) for item in ("HC-2", "HC-3")}
    given = {
        "own": "own words",
        "environment": SimpleNamespace(contract=SimpleNamespace(health=checks)),
        "health": SimpleNamespace(retest=lambda item: (True, f"{item} is well")),
    }
    request = SimpleNamespace(getfixturevalue=given.__getitem__)

    def retest(criterion: str) -> object:
        return hook.pytest_pam_criterion_retest(criterion=criterion, request=request)

    assert retest("DI-1") == (True, "own eyes")
    assert retest("HC-2") == (False, "own words")
    assert retest("HC-3") == (True, "HC-3 is well")
    assert retest("MT-1") is None
