"""The reference pages say what the code says: an option, a marker or a plan item that changes changes its page."""

import pytest

from tests.reference import FOLDER, PAGES, pages


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_the_codes(name: str) -> None:
    """To renew: ``make reference``."""
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name]


def test_the_pages_are_not_empty() -> None:
    """An option, a phase and an item that everybody knows, each with what it means."""
    found = pages()

    assert "| `--to [SITE=]RELEASE` | what a rollback of code goes back to" in found["options.md"]
    assert "| `preflight`* | read-only: could we roll back right now? |" in found["markers.md"]
    assert "| `RTO-1` |" in found["plan-items.md"]
    assert "`pam_rollback/rollback/fixtures/story_objectives.py`" in found["plan-items.md"]
    assert (
        "| `rate_hz` | a number, above 0, at most 2000, usually `5` | Requests a second" in found["environment-keys.md"]
    )
    assert "| `kind` | `sandbox` or `staging` or `production` | What the guard protects" in found["environment-keys.md"]
    assert "## `[[waivers]]`" in found["environment-keys.md"]
    assert "| `migration_trial` | session | Applied, looked at" in found["fixtures.md"]
