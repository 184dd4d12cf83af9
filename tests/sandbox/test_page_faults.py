"""A page fault lets the page start: it is the product that is bad, not its content security policy. What each does, its rows show."""

import pytest

from pam_rollback.sandbox.page_snippets import Snippet, read_snippet, snippet_names, spoilt_page
from tests.sandbox.site_visits import Visit

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'"
PAGE = f'<head><meta content="{POLICY}"></head><body></body>'


@pytest.mark.parametrize("name", snippet_names())
def test_the_page_lets_it_pass_and_still_starts(visit: Visit, name: str) -> None:
    """In a real browser; it is there, and gone with the fault."""
    text = read_snippet(name).text
    visit.site.control.plant("page", what=name)
    visit.open("/")
    spoilt = visit.page.request.get(visit.site.frontend + "/").text()
    visit.site.control.clear("page")

    assert not [words for words in visit.complaints if "Content Security Policy" in words]
    assert text in spoilt
    assert text not in visit.page.request.get(visit.site.frontend + "/").text()


def test_the_policy_lets_exactly_this_snippet_pass() -> None:
    """A hash of its text, for scripts in one directive and for styles in the other."""
    spoilt = spoilt_page(PAGE, [Snippet("a.js", "// A.\n1;\n"), Snippet("b.css", "/* B. */\n")])

    assert spoilt.count("'sha256-") == 2
    assert "script-src 'self' 'sha256-" in spoilt
    assert "style-src 'self' 'sha256-" in spoilt
