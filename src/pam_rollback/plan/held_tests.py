"""Which tests a file of the runbook holds, read from its text: no option, plug-in or setting of pytest has a say in it."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class HeldTest:
    """One test function. ``marks`` are the names of its markers, those of its class and its module among them."""

    name: str
    marks: frozenset[str]
    items: frozenset[str] = frozenset()
    """The plan items that it serves, by its own ``criterion``."""
    module: str = ""
    """The name of the module that it is taken over from; empty for the file's own."""
    shadowed: bool = False
    """Another test below it has its name, and is the only one of them that pytest sees."""


def held_tests(source: str, shared: Mapping[str, str] | None = None) -> tuple[HeldTest, ...]:
    """The tests of a module. Raises SyntaxError for what is no Python.

    ``shared``: by name, the text of modules whose tests are also those of a module that imports them by name.
    """
    tree = ast.parse(source)
    return tuple(_tests(tree.body, _marks_of_the_module(tree.body), shared or {}))


def _tests(body: list[ast.stmt], marks: frozenset[str], shared: Mapping[str, str]) -> Iterator[HeldTest]:
    functions = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    last = {node.name: node for node in functions}
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module in shared:
            named = {one.name for one in node.names}
            taken = _tests(ast.parse(shared[node.module]).body, marks, {})
            yield from (replace(test, module=node.module) for test in taken if test.name in named)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            marked = marks | _marks(node.decorator_list)
            yield HeldTest(node.name, marked, _items(node.decorator_list), shadowed=last[node.name] is not node)
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _tests(node.body, marks | _marks(node.decorator_list), {})


def _marks_of_the_module(body: list[ast.stmt]) -> frozenset[str]:
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else ()
        if any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in targets):
            value = node.value  # type: ignore[attr-defined]  # an assignment has one
            return _marks(value.elts if isinstance(value, ast.List | ast.Tuple) else [value])
    return frozenset()


def _marks(expressions: list[ast.expr]) -> frozenset[str]:
    """The names in ``pytest.mark.name`` and ``pytest.mark.name(…)``; other decorators are none."""
    functions = [one.func if isinstance(one, ast.Call) else one for one in expressions]
    return frozenset(
        one.attr
        for one in functions
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Attribute) and one.value.attr == "mark"
    )


def _items(expressions: list[ast.expr]) -> frozenset[str]:
    return frozenset(
        str(argument.value)
        for one in expressions
        if isinstance(one, ast.Call) and "criterion" in _marks([one])
        for argument in one.args
        if isinstance(argument, ast.Constant)
    )
