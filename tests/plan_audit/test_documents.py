"""The plan as a document with broken symbols; and the audit of it, which has a row, a place and a test for each id."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AUDIT = ROOT / "docs" / "plan-audit.md"
SOURCE = ROOT / "src" / "pam_rollback"
IDS = [
    f"{letter}{number}" for letter, last in (("F", 8), ("G", 13), ("C", 17), ("S", 7)) for number in range(1, last + 1)
]
"""Permanent: tests, decisions and reports refer to them."""
NOT_HERE = "not here:"
"""What only the provider's own tool or pages can show, with the reason."""
_ROW = re.compile(r"^\| ([FGCS]\d+) \|")
_CELL = re.compile(r"(?<!\\)\|")
_SPAN = re.compile(r"`([\w./-]+\.(?:py|sql|toml))`")
_TEST = re.compile(r"\[(test_\w+)\]\(\.\./((?:tests|src)/[\w/.-]+\.py|drills/[\w.-]+\.py)\)")


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each row by its id; an id that is there twice raises."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if matched := _ROW.match(line):
            assert matched[1] not in found, f"{matched[1]} has two rows"
            found[matched[1]] = [cell.strip() for cell in _CELL.split(line)[1:-1]]
    return found


def problems(identifier: str, cells: list[str]) -> Iterator[str]:
    """What is missing in a row: its command, what happens, the form used, where that is, and what shows it."""
    if len(cells) != 6 or not all(cells):
        yield f"{identifier}: expected six cells with something in each, found {cells}"
        return
    where, shown = cells[4:]
    for name in _SPAN.findall(where):
        if not any((folder / name).is_file() for folder in (SOURCE, ROOT)):
            yield f"{identifier}: there is no {name}"
    tests = _TEST.findall(shown)
    if not tests and not shown.startswith(NOT_HERE):
        yield f"{identifier}: expected a link to a test, or {NOT_HERE!r} and why, found {shown!r}"
    for test, path in tests:
        file = ROOT / path
        if not file.is_file() or f"def {test}(" not in file.read_text(encoding="utf-8"):
            yield f"{identifier}: there is no {test} in {path}"


@pytest.fixture(scope="module")
def audit() -> dict[str, list[str]]:
    """The audit's rows."""
    return rows(AUDIT.read_text(encoding="utf-8"))


def test_every_id_has_its_row(audit: dict[str, list[str]]) -> None:
    """None is missing, and none was made up."""
    assert sorted(audit) == sorted(IDS)


@pytest.mark.parametrize("identifier", IDS)
def test_every_row_says_where_and_what_shows_it(identifier: str, audit: dict[str, list[str]]) -> None:
    """A form without a place is a promise; a claim without a test is a memory."""
    assert list(problems(identifier, audit[identifier])) == []


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["G1", "a", "b", "c", "`rollback/client/git.py`", ""], "expected six cells"),
        (["G1", "a", "b", "c", "`outside/gone.py`", "[test_x](../tests/gone.py)"], "there is no outside/gone.py"),
        (["G1", "a", "b", "c", "`rollback/client/git.py`", "seen once"], "expected a link to a test"),
        (
            ["G1", "a", "b", "c", "`rollback/client/git.py`", "[test_gone](../tests/plan_audit/test_documents.py)"],
            "there is no test_gone",
        ),
    ],
)
def test_a_bad_row_is_seen(cells: list[str], found: str) -> None:
    """A rule that cannot fail is decoration."""
    assert found in next(problems("G1", cells))


def test_c16_its_symbols_are_broken() -> None:
    """A check mark that was read in an old character set, as it stands in the plan; none like it is in what is used here."""
    broken = "\N{WHITE HEAVY CHECK MARK}".encode().decode("mac_roman")
    assert (
        broken
        == "\N{SINGLE LOW-9 QUOTATION MARK}\N{LATIN SMALL LETTER U WITH ACUTE}\N{LATIN CAPITAL LETTER O WITH DIAERESIS}"
    )

    kept = [ROOT / "plan.toml", *sorted((ROOT / "docs").rglob("*.md"))]
    assert [path.name for path in kept if broken[:2] in path.read_text(encoding="utf-8")] == []
