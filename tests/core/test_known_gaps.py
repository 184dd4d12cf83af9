"""Every item of the plan has a test in the runbook folders, or stands among the known gaps with its reason: never both, never neither."""

import ast
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from pam_rollback.core.invariants import parse_invariant
from pam_rollback.core.plan import load_plan
from pam_rollback.plugin import story_objectives
from pam_rollback.plugin.recommending import sought

ROOT = Path(__file__).parents[2]
FOLDERS = ("checks", "drills", "load")


def criteria_in(source: str) -> Iterator[str]:
    """Give the ids that the ``criterion`` markers of a module name, wherever they stand: decorators, pytestmark, parameters."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.criterion"):
            values = (argument.value for argument in node.args if isinstance(argument, ast.Constant))
            yield from (value for value in values if isinstance(value, str))


def items_with_a_test() -> dict[str, set[str]]:
    """Give the items that have a test, each with the files."""
    found: dict[str, set[str]] = {}
    shared = Path(story_objectives.__file__)
    for file in sorted([shared, *(file for folder in FOLDERS for file in (ROOT / folder).rglob("test_*.py"))]):
        for item_id in criteria_in(file.read_text(encoding="utf-8")):
            found.setdefault(item_id, set()).add(str(file.relative_to(ROOT)))
    for own in sought(
        load_plan(ROOT / "plan.toml")
    ).values():  # each story's recovery time: by its strategy, not by name
        found.setdefault(own.criterion, set()).add(str(shared.relative_to(ROOT)))
    for file in sorted((ROOT / "checks" / "integrity").glob("*.sql")):
        for item_id in parse_invariant(file.read_text(encoding="utf-8"), source=file.name, stem=file.stem).criteria:
            found.setdefault(item_id, set()).add(str(file.relative_to(ROOT)))
    return found


def discrepancies(planned: Iterable[str], tests: dict[str, set[str]], gaps: Iterable[str]) -> list[str]:
    """Say what does not fit together."""
    planned, gaps = set(planned), set(gaps)
    return [
        *(
            f"{item}: has neither a test nor an entry in known_gaps.toml"
            for item in sorted(planned - set(tests) - gaps)
        ),
        *(
            f"{item}: tested by {', '.join(sorted(tests[item]))}, take it out of known_gaps.toml"
            for item in sorted(gaps & set(tests))
        ),
        *(f"{item}: in known_gaps.toml, but no item of the plan" for item in sorted(gaps - planned)),
        *(
            f"{item}: named by {', '.join(sorted(tests[item]))}, but no item of the plan"
            for item in sorted(set(tests) - planned)
        ),
    ]


@pytest.fixture(scope="module")
def gaps() -> dict[str, dict[str, str]]:
    """Give the known gaps by item."""
    return tomllib.loads((ROOT / "tests" / "known_gaps.toml").read_text(encoding="utf-8"))


def test_every_item_is_tested_or_a_known_gap(gaps: dict[str, dict[str, str]]) -> None:
    """What the plan asks for cannot be forgotten silently, and a closed gap cannot stay on the list."""
    assert discrepancies(load_plan(ROOT / "plan.toml").ids(), items_with_a_test(), gaps) == []


def test_every_gap_has_its_reason(gaps: dict[str, dict[str, str]]) -> None:
    """A gap says why it is one and what closes it."""
    assert [item for item, gap in gaps.items() if set(gap) != {"reason", "closed_by"} or not all(gap.values())] == []


def test_each_discrepancy_is_seen() -> None:
    """The comparison is red for each of its four reasons, and green without them."""
    both = {"SC-1": {"drills/test_a.py"}}

    assert discrepancies(["SC-1", "SC-2"], both, ["SC-2"]) == []
    assert discrepancies(["SC-1", "SC-2", "SC-3"], both, ["SC-2"]) == [
        "SC-3: has neither a test nor an entry in known_gaps.toml"
    ]
    assert discrepancies(["SC-1"], both, ["SC-1"]) == [
        "SC-1: tested by drills/test_a.py, take it out of known_gaps.toml"
    ]
    assert discrepancies(["SC-1"], both, ["SC-9"]) == ["SC-9: in known_gaps.toml, but no item of the plan"]
    assert discrepancies([], both, []) == ["SC-1: named by drills/test_a.py, but no item of the plan"]


def test_markers_are_found_wherever_they_stand() -> None:
    """Decorators of functions, several ids in one marker, the marker of a module, and those of a parameter."""
    source = """
pytestmark = [pytest.mark.health, pytest.mark.criterion("HC-1")]

@pytest.mark.criterion("SC-1", "SC-2")
def test_a(): ...

@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.criterion("SC-3"))])
def test_b(x): ...

@mark.criterion("SC-4")
def test_c(): ...

@pytest.mark.other("SC-5")
def test_d(): ...
"""
    assert sorted(criteria_in(source)) == ["HC-1", "SC-1", "SC-2", "SC-3", "SC-4"]
