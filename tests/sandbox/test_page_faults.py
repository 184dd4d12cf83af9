"""A page fault lets the page start: it is the product that is bad, not its content security policy. What each does, its rows show."""

import pytest

from pam_sandbox.builds import snippet_names
from tests.sandbox.site_visits import Visit


@pytest.mark.parametrize("name", snippet_names())
def test_the_page_lets_it_pass_and_still_starts(visit: Visit, name: str) -> None:
    """In a real browser; it is there, and gone with the fault."""
    clean = visit.page.request.get(visit.address("/")).text()
    visit.site.remote.plant("page", what=name)
    visit.open("/")
    spoilt = visit.page.request.get(visit.address("/")).text()
    visit.site.remote.clear("page")

    assert not [words for words in visit.complaints if "Content Security Policy" in words]
    assert spoilt.count("'sha256-") == clean.count("'sha256-") + 1
    assert visit.page.request.get(visit.address("/")).text() == clean
