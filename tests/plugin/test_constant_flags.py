"""Today's product, whose flags nobody can switch: who asks for a rollback by flags is told what to do instead."""

from pathlib import Path

import pytest

from pam_rollback.target.environment_file import load_environment
from tests.sessions import ONLY_HEALTH, ROOT, Project


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """No check is run."""
    return ONLY_HEALTH


@pytest.mark.parametrize("name", ["staging", "production"])
def test_the_committed_environments_of_todays_product_have_no_flags(name: str) -> None:
    """Until one of them declares a service that switches them."""
    environment = load_environment(str(ROOT / f"environments/examples/{name}.toml"), ROOT / "environments", {})

    assert environment.constant_flags == "its flags are constants of the site's bundle"
    assert environment.model_copy(update={"abilities": frozenset({"flag_admin"})}).constant_flags == ""


@pytest.mark.parametrize("way", ["feature_flag", "gradual"])
def test_a_rollback_by_flags_is_refused_with_what_to_do(way: str, project: Project) -> None:
    """Before the first request, in one line, also when it would only be shown."""
    drill = Path("drills") / f"test_{way}.py"

    found = project.run(str(drill), "--env=environments/examples/staging.toml", "--mode=real", "--dry-run")

    assert found.rc == 13, found.out
    said = " ".join(found.out.split())
    assert (
        f"{way.replace('_', '-')}: nobody can switch a flag of staging (its flags are constants of the site's bundle)"
        in said
    )
    assert "and features go back with the front end: pytest drills/test_frontend_restore.py" in said
    assert "declares no flag_admin" not in said
