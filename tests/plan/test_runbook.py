"""Every item of the plan has a page in the runbook, and every page is reached from somewhere."""

import re
from pathlib import Path

from pam_rollback.plan.plan import load_plan
from pam_rollback.target.invariants import parse_invariant

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
ANCHORS = re.findall(r'<a id="([^"]+)"></a>', TEXT)
GENERAL = {
    "no-go",
    "inconclusive",
    "action-failed",
    "refused",
    "undo-failed",
    "wrong-commands",
    "database-behind-api",
    "sign-in-limited",
    "blocked",
}
"""Pages that belong to an outcome of the session, to the plan as a whole, or to what keeps several items from being known."""


def anchors_named_in(folder: str) -> set[str]:
    """Give the pages that sources name."""
    named = re.compile(r"runbook\.md#([a-z0-9-]+)")
    return {
        anchor for file in (ROOT / folder).rglob("*.py") for anchor in named.findall(file.read_text(encoding="utf-8"))
    }


def anchors_of_invariants() -> set[str]:
    """Give the pages that the headers of the SQL checks name."""
    files = (ROOT / "checks" / "integrity").glob("*.sql")
    return {
        parse_invariant(file.read_text(encoding="utf-8"), source=file.name, stem=file.stem).anchor for file in files
    }


def test_every_item_has_its_page() -> None:
    """Nobody is sent to a page that is not there, and no page is left over."""
    used = {item.anchor for item in load_plan(ROOT / "plan.toml").items()} | anchors_of_invariants()
    used |= anchors_named_in("checks") | anchors_named_in("load")

    assert set(ANCHORS) - GENERAL == used
    assert set(ANCHORS) >= GENERAL


def test_pages_name_their_items() -> None:
    """Whoever reads an id in the report finds it in the heading of its page."""
    plan = load_plan(ROOT / "plan.toml")
    for item in plan.items():
        heading = TEXT.partition(f'<a id="{item.anchor}"></a>\n')[2].partition("\n")[0]
        ids = {f"{prefix}-{number}" for prefix, low, high in _ranges(heading) for number in range(low, high + 1)}
        assert item.id in ids, heading


def _ranges(heading: str) -> list[tuple[str, int, int]]:
    """Give ``IR-4`` and ``RTO-1 to RTO-5`` of a heading as prefix, first and last number."""
    found = re.findall(r"([A-Z]+)-(\d+)(?: to [A-Z]+-(\d+))?", heading)
    return [(prefix, int(first), int(last or first)) for prefix, first, last in found]
