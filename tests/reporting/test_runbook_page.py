"""Every mention of the runbook in a report leads to its section."""

from pathlib import Path

from pam_rollback.reporting.runbook_page import online, with_links, write_page


def test_a_mention_becomes_a_link() -> None:
    """To the page beside the report."""
    assert with_links("Red: docs/runbook.md#data-loss.") == "Red: [docs/runbook.md#data-loss](runbook.html#data-loss)."


def test_in_ci_there_is_an_address_as_well() -> None:
    """Of the very commit that ran; elsewhere there is none."""
    job = {"GITHUB_SERVER_URL": "https://git.example.org", "GITHUB_REPOSITORY": "pam/rollback", "GITHUB_SHA": "abc123"}

    assert online("data-loss", job) == "https://git.example.org/pam/rollback/blob/abc123/docs/runbook.md#data-loss"
    assert online("data-loss", {}) == ""


def test_the_page_has_the_anchors(tmp_path: Path) -> None:
    """Rendered from the Markdown, tables and all."""
    source = tmp_path / "runbook.md"
    source.write_text('# Runbook\n\n<a id="data-loss"></a>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n', encoding="utf-8")

    text = write_page(tmp_path, source).read_text(encoding="utf-8")

    assert '<a id="data-loss"></a>' in text
    assert "<td>2</td>" in text
