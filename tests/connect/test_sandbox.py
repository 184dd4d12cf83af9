"""On a running sandbox of today's product: the file is true, and sessions that use it judge rightly."""

from pathlib import Path

import pytest

from pam_rollback.ops.connect import __main__ as connect
from pam_rollback.target.environment_file import load_environment
from tests.sandbox.todays_range import Today, today, todays_range
from tests.sessions import Project, runbook_in

__all__ = ["today", "todays_range"]
MANY = 24
"""More paths than its API bears in a minute."""


@pytest.fixture
def project(today: Today, tmp_path: Path) -> Project:
    """The runbook with the environment of that sandbox."""
    made, state = runbook_in(tmp_path), today.state
    made.environment.update(today.variables)
    arguments = {
        "--frontend": state["urls"]["frontend"],
        "--api": state["urls"]["api"],
        "--supabase": state["urls"]["supabase"],
        "--name": "here",
        "--netlify-site": state["netlify"]["site_id"],
        "--netlify-api": state["netlify"]["api_url"],
        "--render-service": state["render"]["service_id"],
        "--render-api": state["render"]["api_url"],
    }
    words = [word for pair in arguments.items() for word in pair]
    assert connect.main(words, root=tmp_path, variables=today.variables, doctor=lambda *_: "") == 0
    return made


def test_what_it_wrote_is_true(project: Project, today: Today) -> None:
    """Green on the healthy product, red when its database is dead; and nobody was banned on the way."""
    folder = project.folder / "environments"
    environment = load_environment("here", folder, today.variables)

    assert {"test_account", "database", "frontend_host", "backend_host"} <= environment.abilities
    assert environment.contract.limits.client == 50
    assert [secret for secret in today.variables.values() if secret in (folder / "here.toml").read_text("utf-8")] == []
    assert today.api("/health", token="").status == 200
    well = project.run("-m", "health", "--env", "here")
    assert well.rc == 0, well.out
    today.remote.plant("database-down")
    ill = project.run("-m", "health", "--env", "here")
    assert ill.rc == 10, ill.out
    assert "HC-3" in ill.out


def test_a_banned_address_is_told_so(today: Today, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the product that bans: nothing is written."""
    for number in range(MANY):
        today.api(f"/health/{number}", token="")
    urls = today.state["urls"]
    arguments = ["--frontend", urls["frontend"], "--api", urls["api"], "--supabase", urls["supabase"]]

    assert connect.main(arguments, root=tmp_path, variables={}) == 1
    assert "HTTP 403 for /health: this address is banned" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
