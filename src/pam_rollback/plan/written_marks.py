"""Which markers the tests of a file can have, read from its text; nothing where the text does not show all of them.

Only what is written out in the usual way is understood: ``pytestmark`` and decorators with ``pytest.mark``, and parameters that are
literals or come from this package. A class, tests from elsewhere, a hook, an unknown decorator or anything else that could bring a marker
makes the whole file not understood: it is then collected, and pytest finds out. ``held_tests`` reads what it can of any file; this here
says nothing rather than too little.
"""

import ast
import sys
from dataclasses import dataclass, field

_KNOWN = frozenset({*sys.stdlib_module_names, "pam_rollback", "pytest"}) - {"unittest"}
"""From elsewhere there may come tests under any name."""
_PACKAGE = "pam_rollback."
"""Whose values bring no markers: a test holds that."""
_HARMLESS = frozenset({"needs", "titled"})
"""Decorators of this package. They bring no markers."""
_OWN_HOOKS = "pytest_pam_"
"""Hooks that are called about a session, never about its tests' markers."""


@dataclass(frozen=True)
class WrittenMarks:
    """The names of the markers of one test: those that it has, and those that single cases can have as well."""

    certain: frozenset[str]
    possible: frozenset[str]


@dataclass(frozen=True)
class WrittenFile:
    """All that a file can bring."""

    tests: tuple[WrittenMarks, ...]
    fixtures: frozenset[str]
    """Markers that the cases of its fixtures can have."""


def written_marks(source: str) -> WrittenFile | None:
    """What is in a module of tests or of fixtures; None when it is not all understood."""
    try:
        reading = _Reading()
        for node in ast.parse(source).body:
            reading.statement(node)
    except (SyntaxError, ValueError, _NotUnderstoodError):
        return None
    whole = reading.of_the_file
    fixtures = frozenset(reading.of_fixtures)
    tests = tuple(
        WrittenMarks(certain | whole.certain, certain | possible | whole.certain | whole.possible | fixtures)
        for certain, possible in reading.of_tests
    )
    return WrittenFile(tests, fixtures)


class _NotUnderstoodError(Exception):
    """The text does not show everything."""


_NONE: frozenset[str] = frozenset()


@dataclass
class _Reading:
    """One file, from top to bottom."""

    of_the_file: WrittenMarks = WrittenMarks(_NONE, _NONE)
    of_fixtures: set[str] = field(default_factory=set)
    of_tests: list[tuple[frozenset[str], frozenset[str]]] = field(default_factory=list)
    plain: set[str] = field(default_factory=set)
    """Names of values that bring no markers but those that are written in them."""
    decorators: set[str] = field(default_factory=set)

    def statement(self, node: ast.stmt) -> None:
        """Any statement of the module itself. Raises _NotUnderstoodError."""
        match node:
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Import() | ast.ImportFrom():
                self._imported(node)
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
                for one in node.body:
                    if not isinstance(one, ast.Import | ast.ImportFrom):
                        raise _NotUnderstoodError
                    self._imported(one)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assigned(name, value)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case _:
                raise _NotUnderstoodError

    def _imported(self, node: ast.Import | ast.ImportFrom) -> None:
        origins = [one.name for one in node.names] if isinstance(node, ast.Import) else [f"{node.module or ''}"]
        if getattr(node, "level", 0) or any(origin.partition(".")[0] not in _KNOWN for origin in origins):
            raise _NotUnderstoodError
        ours = isinstance(node, ast.ImportFrom) and origins[0].startswith(_PACKAGE)
        for one in node.names:
            name = one.asname or one.name.partition(".")[0]
            if not (isinstance(node, ast.Import) and one.name == name == "pytest"):
                self._named(name)
            if ours:
                (self.decorators if name in _HARMLESS and not one.asname else self.plain).add(name)

    def _named(self, name: str) -> None:
        """Refuse what pytest looks at by its name, and what this reading stands on; forget what the name was."""
        if name == "*" or name.lower().startswith("test") or name.startswith(("pytest", "__")):
            raise _NotUnderstoodError
        self.plain.discard(name)
        self.decorators.discard(name)

    def _assigned(self, name: str, value: ast.expr) -> None:
        if name == "pytestmark":
            certain, possible = self._marks(value)
            self.of_the_file = WrittenMarks(certain, possible)
        elif name == "pytest_plugins":
            names = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
            if not all(isinstance(one, ast.Constant) and str(one.value).startswith(_PACKAGE) for one in names):
                raise _NotUnderstoodError
        else:
            self._named(name)
            if self._is_plain(value):
                self.plain.add(name)
                # Whoever uses the name brings what is written here.
                self.of_fixtures |= _within(value)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        is_test = node.name.startswith("test")
        if not is_test and not node.name.startswith(_OWN_HOOKS):
            self._named(node.name)
        certain, possible = _NONE, _NONE
        for one in node.decorator_list:
            called = one.func if isinstance(one, ast.Call) else one
            if isinstance(called, ast.Name) and called.id in self.decorators:
                continue
            if isinstance(called, ast.Attribute) and called.attr == "fixture" and _is_pytest(called.value):
                if not all(map(self._is_plain, _arguments(one))):
                    raise _NotUnderstoodError
                self.of_fixtures |= _within(one)
            else:
                has, may_have = self._marks(one)
                certain, possible = certain | has, possible | may_have
        if is_test:
            self.of_tests.append((certain, possible))

    def _marks(self, value: ast.expr) -> tuple[frozenset[str], frozenset[str]]:
        """The markers of ``pytest.mark.name``, with arguments or without, or of a list of them; and those that their arguments bring."""
        certain: set[str] = set()
        for one in _each(value):
            certain.add(_mark(one))
            if certain & {"parametrize"} and not all(map(self._is_plain, _arguments(one))):
                raise _NotUnderstoodError
        return frozenset(certain), _within(value)

    def _is_plain(self, value: ast.expr) -> bool:
        """Whether a value can bring no marker but one that is written in it."""
        match value:
            case ast.Name(id=name):
                return name in self.plain
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return all(map(self._is_plain, parts))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="pytest"), attr="param"), args=parts, keywords=words):
                for word in words:
                    if word.arg == "marks":
                        _ = [_mark(one) for one in _each(word.value)]
                others = [word.value for word in words if word.arg != "marks"]
                return all(map(self._is_plain, [*parts, *others]))
        return isinstance(value, ast.Constant)


def _each(value: ast.expr) -> list[ast.expr]:
    return value.elts if isinstance(value, ast.List | ast.Tuple) else [value]


def _arguments(value: ast.expr) -> list[ast.expr]:
    return [*value.args, *(word.value for word in value.keywords)] if isinstance(value, ast.Call) else []


def _mark(value: ast.expr) -> str:
    called = value.func if isinstance(value, ast.Call) else value
    if isinstance(called, ast.Attribute) and _is_mark(called.value):
        return called.attr
    raise _NotUnderstoodError


def _is_mark(value: ast.expr) -> bool:
    return isinstance(value, ast.Attribute) and value.attr == "mark" and _is_pytest(value.value)


def _is_pytest(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id == "pytest"


def _within(value: ast.AST) -> frozenset[str]:
    """Each ``pytest.mark.name`` below."""
    return frozenset(
        node.attr
        for node in ast.walk(value)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "mark"
    )
