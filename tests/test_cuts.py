"""Text is cut in one place, which takes its secrets out first: ``base.outside_text.cut``."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[1] / "src" / "pam_rollback"
APART = ("sandbox", "base/outside_text.py")
"""The sandbox shares no code with the suite; its secrets are invented."""
LONGEST_ID = 40
"""Characters of a commit: shorter slices are of identifiers, and of lists."""
NOT_SHOWN = {
    "rollback/client/git_lock.py": "_LARGEST",  # what is read of a lock, and parsed
    "browser/client/axe.py": "_HEAD_CHARACTERS",  # where a version is looked for
}


def cuts(source: str) -> Iterator[tuple[int, str]]:
    """Lines in which a text is cut, with the length: a long number, or a name that says characters."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "shorten":
            yield node.lineno, "shorten"
        if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)):
            continue
        lower, upper = node.slice.lower, node.slice.upper
        name = getattr(upper, "id", "")
        long = isinstance(upper, ast.Constant) and isinstance(upper.value, int) and upper.value > LONGEST_ID
        said = any(word in name for word in ("CHARACTERS", "WORDS_MAX", "COLUMNS", "NAME_MAX", "LARGEST", "REASON_MAX"))
        if lower is None and (long or said):
            yield node.lineno, name or str(getattr(upper, "value", ""))


def test_nothing_else_cuts_a_text() -> None:
    """An unredacted beginning of a token is a leak that no later search finds."""
    found = [
        f"{path.relative_to(SOURCES)}:{line}: [:{length}]"
        for path in sorted(SOURCES.rglob("*.py"))
        if not str(path.relative_to(SOURCES)).startswith(APART)
        for line, length in cuts(path.read_text(encoding="utf-8"))
        if NOT_SHOWN.get(str(path.relative_to(SOURCES))) != length
    ]

    assert found == [], "cut texts by base.outside_text.cut, which redacts first"


@pytest.mark.parametrize(
    "source",
    ["text[:80]", "text[:_SHOWN_CHARACTERS] + '…'", "f'{body[:120]!r}'", "textwrap.shorten(text, 80)"],
)
def test_a_cut_is_seen(source: str) -> None:
    """Each of the ways in which it was done."""
    assert len(list(cuts(source))) == 1


@pytest.mark.parametrize("source", ["commit[:12]", "commit[:40]", "names[:_SHOWN]", "text[2:80]", "cut(text, 80)"])
def test_identifiers_and_lists_are_no_text(source: str) -> None:
    """They may be shortened as before."""
    assert list(cuts(source)) == []
