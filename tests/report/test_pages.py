"""What stands beside a report: the runbook's sections, and what npm brings."""

import re
import shutil
from pathlib import Path

import pytest

from pam_rollback.http.files import REPORTS
from pam_rollback.report.__main__ import install
from pam_rollback.report.run_report import are_installed, write_runbook


def test_the_page_has_the_anchors(tmp_path: Path) -> None:
    """Rendered from the Markdown, tables and all; a page that is not there is not missed."""
    docs, report = tmp_path / "docs", tmp_path / "report"
    docs.mkdir()
    report.mkdir()
    text = '# Page\n\n| a | b |\n|---|---|\n| <a id="data-loss"></a>`1` | 2 |\n'
    (docs / "runbook.md").write_text(text, encoding="utf-8")

    page = write_runbook(report, docs)

    assert page == report / "runbook.html"
    assert '<a id="data-loss"></a>' in page.read_text(encoding="utf-8")
    assert "<td>2</td>" in page.read_text(encoding="utf-8")
    assert write_runbook(report, tmp_path / "elsewhere") is None


def test_no_link_leads_nowhere(tmp_path: Path) -> None:
    """A page that no report has is named with its place; sections and addresses stay links."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "runbook.md").write_text(
        "[decide](how-to/decide.md#now), [below](#b), [host](https://x.example/a)\n", encoding="utf-8"
    )
    page = write_runbook(tmp_path, docs)

    assert page is not None
    text = page.read_text(encoding="utf-8")
    assert "decide (<code>docs/how-to/decide.md</code>)" in text
    assert '<a href="#b">below</a>' in text
    assert '<a href="https://x.example/a">host</a>' in text
    assert "how-to" not in "".join(re.findall('href="[^"]*"', text))


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
