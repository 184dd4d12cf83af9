"""The reference pages say what the code says: an option, a marker or a plan item that changes changes its page."""

import pytest

from tests.reference import FOLDER, PAGES, pages


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_the_codes(name: str) -> None:
    """To renew: ``make reference``."""
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name]
