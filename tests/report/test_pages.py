"""Every mention of the runbook in a report leads to its section, every check to the faults that turned it red."""

import re
from pathlib import Path

from pam_rollback.report.run_report import write_pages


def test_the_pages_have_the_anchors(tmp_path: Path) -> None:
    """Rendered from the Markdown, tables and all; a page that is not there is not missed."""
    docs, report = tmp_path / "docs", tmp_path / "report"
    docs.mkdir()
    report.mkdir()
    text = '# Page\n\n| a | b |\n|---|---|\n| <a id="data-loss"></a>`1` | 2 |\n'
    for name in ("runbook", "fault-matrix"):
        (docs / f"{name}.md").write_text(text, encoding="utf-8")

    written = write_pages(report, docs)

    assert [page.name for page in written] == ["runbook.html", "fault-matrix.html"]
    for page in written:
        assert '<a id="data-loss"></a>' in page.read_text(encoding="utf-8")
        assert "<td>2</td>" in page.read_text(encoding="utf-8")
    assert write_pages(report, tmp_path / "elsewhere") == []


def test_no_link_leads_nowhere(tmp_path: Path) -> None:
    """A page that no report has is named with its place; sections and addresses stay links."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "runbook.md").write_text(
        "[decide](how-to/decide.md#now), [below](#b), [host](https://x.example/a)\n", encoding="utf-8"
    )
    [page] = write_pages(tmp_path, docs)

    text = page.read_text(encoding="utf-8")
    assert "decide (<code>docs/how-to/decide.md</code>)" in text
    assert '<a href="#b">below</a>' in text
    assert '<a href="https://x.example/a">host</a>' in text
    assert "how-to" not in "".join(re.findall('href="[^"]*"', text))
