"""The reference pages say what the code says: an option, a marker or a key that changes changes its page."""

from pathlib import Path

import pytest

from pam_rollback.plan.plan import load_plan
from tests.reference import PAGES, ROOT, items, renewed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_reference_page_is_the_codes(page: Path) -> None:
    """To renew: ``make reference``."""
    assert page.read_text(encoding="utf-8") == renewed(page)


def test_every_plan_item_is_listed_with_a_file() -> None:
    """What a release publishes."""
    rows = [line.split(" | ") for line in items().splitlines() if line.startswith("| `")]

    assert [row[0].strip("|` ") for row in rows] == [item.id for item in load_plan(ROOT / "plan.toml").items()]
    assert all("`" in row[2] for row in rows)
