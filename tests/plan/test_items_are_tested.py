"""Every item of the plan has a test in the runbook folders, and every test serves items that the plan has."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from pam_rollback.plan.plan import load_plan
from pam_rollback.report.earlier_runs import sought
from pam_rollback.target.invariants import parse_invariant

ROOT = Path(__file__).parents[2]
FOLDERS = ("checks", "drills", "load")


def criteria_in(source: str) -> Iterator[str]:
    """Give the ids that the ``criterion`` markers of a module name, wherever they stand: decorators, pytestmark, parameters, tables."""
    tree = ast.parse(source)
    tables = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.criterion"):
            yield from _texts(node.args)
        elif isinstance(node, ast.ListComp) and "mark.criterion(item)" in ast.unparse(node.elt):
            table = node.generators[0].iter
            yield from _texts(ast.walk(tables.get(ast.unparse(table), table)))


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def items_with_a_test() -> dict[str, set[str]]:
    """Give the items that have a test, each with the files."""
    found: dict[str, set[str]] = {}
    shared = ROOT / "drills" / "expectations.py"
    for file in sorted(
        [
            shared,
            *(file for folder in FOLDERS for file in (ROOT / folder).rglob("test_*.py")),
        ]
    ):
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


def discrepancies(planned: Iterable[str], tests: dict[str, set[str]]) -> list[str]:
    """Say what does not fit together."""
    planned = set(planned)
    return [
        *(f"{item}: no test serves it" for item in sorted(planned - set(tests))),
        *(
            f"{item}: named by {', '.join(sorted(tests[item]))}, but no item of the plan"
            for item in sorted(set(tests) - planned)
        ),
    ]


def test_every_item_is_tested() -> None:
    """What the plan asks for cannot be forgotten silently."""
    assert discrepancies(load_plan(ROOT / "plan.toml").ids(), items_with_a_test()) == []
