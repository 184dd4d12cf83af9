"""One file to send: all that the first page links to is in it, and nothing in it leads to a place that is not there."""

import base64
import re
from pathlib import Path

import pytest

from pam_rollback.report.single_file import single

PAGE = """<main><h1>GO</h1><a href="runbook.html#data-loss">docs/runbook.md#data-loss</a><a href="#after-it">below</a>
<a href="https://example.org/issue">issue</a></main><footer><a href="allure/index.html">evidence</a>
<a href="../run.json">run record</a> <a href="../junit.xml">JUnit</a></footer>"""
RUNBOOK = """<html><body><main><a id="data-loss"></a><h2 id="more">Data</h2><a href="#more">more</a>
<a href="how-to/verify.md#x">how to verify</a></main></body></html>"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A run's report, without a JUnit file beside it."""
    folder = tmp_path / "report"
    (folder / "allure").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "runbook.html").write_text(RUNBOOK, encoding="utf-8")
    (folder / "allure" / "index.html").write_text("<p>tests</p>", encoding="utf-8")
    (tmp_path / "run.json").write_text('{"verdict": "GO"}', encoding="utf-8")
    return folder


def test_pages_follow_and_links_lead_to_their_sections(report: Path) -> None:
    """Once for each page, with names of their own."""
    page = single(report)

    assert '<a href="#runbook--data-loss">docs/runbook.md#data-loss</a>' in page
    assert page.count('id="runbook--data-loss"') == 1
    assert '<a href="#runbook--more">more</a>' in page
    assert '<a href="#after-it">below</a>' in page
    assert page.index("GO</h1>") < page.index('id="runbook--data-loss"')


def test_files_are_in_it_to_be_saved(report: Path) -> None:
    """By the names under which a person looks for them."""
    found = {
        name: base64.b64decode(body).decode()
        for name, body in re.findall(r'<a download="([^"]+)" href="data:[^;]+;base64,([^"]+)">', single(report))
    }

    assert found == {"allure.html": "<p>tests</p>", "run.json": '{"verdict": "GO"}'}


def test_no_link_leads_to_a_place_that_is_not_in_it(report: Path) -> None:
    """A page that was not built, and a document of the repository, are told without a link. Addresses of the web stay."""
    page = single(report)

    assert set(re.findall(r'href="(?!data:)([^"]*)"', page)) == {
        "#after-it",
        "#runbook--data-loss",
        "#runbook--more",
        "https://example.org/issue",
    }
    assert " JUnit" in page
    assert "how to verify" in page


def test_a_run_without_a_first_page_has_no_single_file(tmp_path: Path) -> None:
    """It left no record, so there is no verdict to send."""
    with pytest.raises(FileNotFoundError):
        single(tmp_path)
