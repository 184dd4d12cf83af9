"""A service that is down is NO-GO; a machine without a network is INCONCLUSIVE. The control probe tells them apart."""

import socket
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe import health
from pam_rollback.target.environment_file import load_environment
from tests.sessions import RunningSandbox


def dead_address() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def asked_at(folder: Path, *, control: str) -> health.Health:
    """The health of a service that refuses at all its addresses."""
    pam = dead_address()
    file = folder / "prelive.toml"
    file.write_text(
        f'name = "prelive"\nkind = "staging"\nabilities = []\n[urls]\nfrontend = "{pam}"\napi = "{pam}"\nbackend = "{pam}"\n'
        f'[probing]\ncontrol_url = "{control}"\n',
        encoding="utf-8",
    )
    return health.ask(load_environment(str(file), folder, {}))


def test_only_the_service_is_down(running_sandbox: RunningSandbox, tmp_path: Path) -> None:
    """An unrelated address answers: what refuses is a finding about the service."""
    found = asked_at(tmp_path, control=running_sandbox.state["urls"]["frontend"])

    for report in found.all:
        assert report.http_status is None
        assert "refused the connection" in str(report)
        assert report.cause == f"{report.answer.server} cannot be reached" == found.front_page.cause


def test_everything_is_down(tmp_path: Path) -> None:
    """Nothing answers anywhere: nothing is known of the service."""
    with pytest.raises(MeasurementFailed, match="this machine seems to be offline, so nothing is known of the service"):
        asked_at(tmp_path, control=dead_address())
