"""Every mention of the runbook in a report leads to its section."""

import re
from pathlib import Path

from pam_rollback.report.run_report import write_runbook


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
