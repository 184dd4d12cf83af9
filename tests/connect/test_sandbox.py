"""On a running sandbox of today's product: the files are true, the door stays open, and sessions that use them judge rightly."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from pam_rollback.base.answer import Answer
from pam_rollback.connect import __main__ as connect
from pam_rollback.connect.rules.budget import PATHS_PER_MINUTE
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.outside.http import fetch
from tests.connect.product import most_in_a_minute, text_of
from tests.sandbox.todays_range import Today, today, todays_range
from tests.sessions import Project, runbook_in

__all__ = ["today", "todays_range"]


class Hurried:
    """A clock on which waits are over at once, for a product that does not know of it."""

    ahead_s = 0.0

    def monotonic_s(self) -> float:
        """With all that was waited."""
        return monotonic() + self.ahead_s

    def wall(self) -> datetime:
        """The product's own time."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """It is later."""
        self.ahead_s += seconds


@pytest.fixture
def connected(today: Today, tmp_path: Path) -> tuple[Project, list[float]]:
    """The runbook with the files, and when each request was made."""
    project, clock, at_s = runbook_in(tmp_path), Hurried(), list[float]()
    project.environment.update(today.variables)

    def send(url: str, **given: Any) -> Answer:
        at_s.append(clock.monotonic_s())
        return fetch(url, **given)

    state: Mapping[str, Any] = today.state
    arguments = {
        "--frontend": state["urls"]["frontend"],
        "--api": state["urls"]["api"],
        "--name": "here",
        "--previous-api": state["load"]["stable_api"],
        "--netlify-api": state["netlify"]["api_url"],
        "--render-api": state["render"]["api_url"],
        "--render-service": state["render"]["service_id"],
    }
    words = [word for pair in arguments.items() for word in pair]
    assert (
        connect.main(
            [*words, "--ask-pam"],
            root=tmp_path,
            variables=today.variables,
            clock=clock,
            send=send,
            doctor=lambda *_: {"complete": True, "items": []},
        )
        == 0
    )
    return project, at_s


def test_what_it_wrote_is_true(
    connected: tuple[Project, list[float]], today: Today, capsys: pytest.CaptureFixture[str]
) -> None:
    """Green on the healthy product, red when its database is dead; and nobody was banned on the way."""
    project, at_s = connected
    folder = project.folder / "environments"
    environment = load_environment("here", folder, today.variables)

    assert most_in_a_minute(at_s) <= PATHS_PER_MINUTE
    assert {"test_account", "database", "frontend_host", "backend_host"} <= environment.abilities
    assert [name for name, one in environment.contract.health.items() if not one.no_endpoint] == ["backend", "database"]
    assert "user_settings is wide" in text_of(folder)
    assert (environment.contract.tables.settings, len(environment.users_rows)) == ("wide", 6)
    assert environment.contract.limits.client == 50
    assert environment.render is not None
    assert [*environment.render.workers] == today.state["render"]["workers"], "they go back with the API"
    assert environment.git is not None
    assert environment.git.migrations_folder == "supabase/migrations"
    written = (project.folder / "products" / "here.toml").read_text("utf-8") + (folder / "here.toml").read_text("utf-8")
    assert [secret for secret in today.variables.values() if secret in written] == []
    assert today.api("/health", token="").status == 200
    well = project.run("-m", "health", "--env", "here")
    assert well.rc == 0, well.out
    today.remote.plant("database-down")
    ill = project.run("-m", "health", "--env", "here")
    assert ill.rc == 10, ill.out
    assert "HC-3" in ill.out


def test_a_banned_address_is_told_so(
    today: Today,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """By the product that bans: nothing is written."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    for number in range(PATHS_PER_MINUTE * 2):
        today.api(f"/health/{number}", token="")
    arguments = ["--frontend", today.state["urls"]["frontend"], "--api", today.state["urls"]["api"]]

    assert connect.main(arguments, root=tmp_path, variables={}) == 1
    assert "/health HTTP 403, /openapi.json HTTP 403: this address is refused everything" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
