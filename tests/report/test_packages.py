"""What npm brings is installed once, before a run needs it; a machine without a network goes on without."""

import shutil
from pathlib import Path

import pytest

from pam_rollback.http.files import REPORTS
from pam_rollback.report.__main__ import install
from pam_rollback.report.run_report import are_installed


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """The folder with the lock file, and nothing installed."""
    folder = tmp_path / "reports"
    folder.mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(REPORTS / name, folder)
    return folder


def test_without_a_network_a_run_goes_on(
    reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what serves instead and why, one what to do."""
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))

    install(reports)

    told = capsys.readouterr().out.splitlines()
    assert told[0] == "installing the packages of reports/package-lock.json (once)…"
    assert told[1].startswith("not installed, so older rules of accessibility serve: ")
    assert f"cd {reports} && npm ci" in told[2]
    assert not are_installed(reports)
