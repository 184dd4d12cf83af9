"""An environment names a product, whose contract it takes over, and may say parts of it differently."""

from pathlib import Path

import pytest

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.environment_file import load_environment
from tests.core.declared_environments import STAGING, VARIABLES, folder, refusal

__all__ = ["folder"]


def _with(folder: Path, *, top: str = "", end: str = "") -> Path:
    text = STAGING.replace('kind = "staging"', f'kind = "staging"\n{top}', 1) + end
    (folder / "staging.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_a_word_it_is_the_plans_product(folder: Path) -> None:
    """Files that name none keep working."""
    staging = load_environment("staging", folder, VARIABLES)

    assert staging.contract.name == "pam-plan"
    assert staging.url_of("health_pam") == "https://api.staging.example.com/health/pam"


def test_todays_product_has_no_endpoint_for_some(folder: Path) -> None:
    """Their addresses are empty, and the back end's is there."""
    staging = load_environment("staging", _with(folder, top='product = "pam-today"'), VARIABLES)

    assert [
        staging.url_of(name) for name in ("frontend_health", "health_db", "health_pam", "health_comprehensive")
    ] == [""] * 4
    assert staging.url_of("backend_health") == "https://backend.staging.example.com/health"


@pytest.mark.parametrize(
    "end",
    [
        '[paths]\nhealth_pam = "/other/pam"\n[health.optional]\nhealth_pam = ["checks.tts"]\n',
        '[contract.health.pam]\npath = "/other/pam"\noptional = ["checks.tts"]\n',
    ],
    ids=["short", "in full"],
)
def test_parts_may_be_said_differently(folder: Path, end: str) -> None:
    """In full, or in short."""
    staging = load_environment("staging", _with(folder, end=end), VARIABLES)

    assert staging.url_of("health_pam") == "https://api.staging.example.com/other/pam"
    assert staging.contract.health["pam"].optional == ("checks.tts",)
    assert staging.contract.health["database"].optional == ()


def test_what_is_wrong_is_named_with_the_rest(folder: Path) -> None:
    """One list of problems for one file."""
    said = refusal(folder, "[secrets]", '[contract.health.pam]\npaht = "/x"\n[secrets]')

    assert "[contract.health.pam] paht: unknown key, did you mean 'path'?" in said
    said = refusal(folder, "[secrets]", '[contract.health.pam]\nno_endpoint = "none"\n[secrets]')
    assert "[contract.health] pam: there is no endpoint for it, so nothing can be asked" in said


def test_an_unknown_product_is_refused(folder: Path) -> None:
    """With the nearest one."""
    with pytest.raises(ConfigurationError, match="no product 'pam-tody', did you mean 'pam-today'"):
        load_environment("staging", _with(folder, top='product = "pam-tody"'), VARIABLES)
