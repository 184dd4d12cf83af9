"""Every mention of the runbook in a report leads to its section, every check to the faults that turned it red."""

import re
from pathlib import Path

from pam_rollback.report.pages import online, with_links, write_pages


def test_a_mention_becomes_a_link() -> None:
    """To the page beside the report."""
    assert (
        with_links("Red: docs/runbook.md#data-loss.") == "Red: [docs/runbook.md#data-loss](../runbook.html#data-loss)."
    )


def test_a_check_leads_to_its_faults() -> None:
    """Whoever doubts a check sees what it has caught."""
    linked = with_links("All is well.", check="test_health")

    assert linked.endswith("[Faults that turned this check red](../fault-matrix.html#test_health)")


def test_in_ci_there_is_an_address_as_well() -> None:
    """Of the very commit that ran; elsewhere there is none."""
    job = {"GITHUB_SERVER_URL": "https://git.example.org", "GITHUB_REPOSITORY": "pam/rollback", "GITHUB_SHA": "abc123"}

    assert online("data-loss", job) == "https://git.example.org/pam/rollback/blob/abc123/docs/runbook.md#data-loss"
    assert online("data-loss", {}) == ""


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
