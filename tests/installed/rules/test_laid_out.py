"""Which file of the folder is whose, by their names."""

import pytest

from pam_rollback.installed.rules import NamesClash, Whose, laid_out

SHIPPED = (
    "plan.toml",
    "pyproject.toml",
    "environments/sandbox.toml",
    "environments/production.toml",
    "products/pam-plan.toml",
    "checks/conftest.py",
    "checks/test_health.py",
    "checks/integrity/settings-blank.sql",
)


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        ("plan.toml", Whose.REPOSITORY),
        ("products/pam-plan.toml", Whose.REPOSITORY),
        ("products/shop.toml", Whose.REPOSITORY),
        ("environments/sandbox.toml", Whose.REPOSITORY),
        ("environments/production.toml", Whose.REPOSITORY),
        ("checks/test_shop.py", Whose.REPOSITORY),
        ("checks/shop/conftest.py", Whose.REPOSITORY),
        ("checks/integrity/orders-blank.sql", Whose.REPOSITORY),
    ],
)
def test_what_the_repository_has_is_taken_from_there(name: str, whose: Whose) -> None:
    """Its plan, products and environments go before the suite's of the same name; its checks are added."""
    files = laid_out(SHIPPED, [name])

    assert files[name] is whose
    assert files["checks/test_health.py"] is Whose.SUITE


def test_no_address_comes_from_the_wheel() -> None:
    """Where production runs, only the repository says; the sandbox needs no address."""
    files = laid_out(SHIPPED, ["plan.toml"])

    assert [name for name in files if name.startswith("environments/")] == ["environments/sandbox.toml"]
    assert files["products/pam-plan.toml"] is Whose.SUITE


def test_other_folders_of_the_repository_are_its_own_affair() -> None:
    """A product may have a folder load/, or settings of pytest."""
    files = laid_out(SHIPPED, ["load/k6.js", "pyproject.toml", "plan.toml"])

    assert "load/k6.js" not in files
    assert files["pyproject.toml"] is Whose.SUITE


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("checks/test_health.py", "yours would hide it; give yours another name"),
        ("checks/integrity/settings-blank.sql", "give yours another name"),
        ("checks/conftest.py", "put yours, with the checks that use it, into a folder below checks/"),
    ],
)
def test_a_check_of_the_suite_is_never_replaced(name: str, advice: str) -> None:
    """Less would be judged, and a GO would not say so."""
    with pytest.raises(NamesClash, match=f"^{name}: .*{advice}$"):
        laid_out(SHIPPED, ["plan.toml", name])
