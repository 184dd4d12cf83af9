"""What ``-m`` says, understood as pytest understands it: markers with ``and``, ``or``, ``not``, brackets, and a marker's keywords."""

import ast
from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest

Matches = Callable[..., bool]
"""Whether a marker of this name, with these keywords, is there."""


class MarkExpression:
    """One expression. Raises SyntaxError for one that pytest refuses, too."""

    def __init__(self, text: str) -> None:
        self._tree = ast.parse(text.strip(), mode="eval").body if text.strip() else None
        if self._tree is not None:
            _value(self._tree, lambda _, /, **__: True)

    def holds(self, matches: Matches) -> bool:
        """Whether it holds where ``matches`` says what is there. An empty one selects nothing, and so holds nowhere."""
        return self._tree is not None and _value(self._tree, matches)

    def selects(self, marks: Iterable[pytest.Mark]) -> bool:
        """Whether it holds for a test with these markers."""
        there = list(marks)

        def matches(name: str, /, **keywords: Any) -> bool:
            return any(
                mark.name == name and all(mark.kwargs.get(key, _ABSENT) == value for key, value in keywords.items())
                for mark in there
            )

        return self.holds(matches)

    def can_hold(self, names: Collection[str]) -> bool:
        """Whether it may hold for a test whose markers are some of these, or none, with whatever keywords. When in doubt it may."""
        return self._tree is not None and _possible(self._tree, names)[0]


_ABSENT = object()


def _possible(node: ast.expr, names: Collection[str]) -> tuple[bool, bool]:
    """Whether a part can hold, and whether it can fail to."""
    match node:
        case ast.BoolOp(op=how, values=parts):
            found = [_possible(part, names) for part in parts]
            held, failed = [hold for hold, _ in found], [fail for _, fail in found]
            return (all(held), any(failed)) if isinstance(how, ast.And) else (any(held), all(failed))
        case ast.UnaryOp(operand=part):
            hold, fail = _possible(part, names)
            return fail, hold
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            return name in names, True
    return True, True


def _value(node: ast.expr, matches: Matches) -> bool:
    match node:
        case ast.BoolOp(op=how, values=parts):
            # Each part is looked at, also where the first one decides: what cannot be understood is found.
            found = [_value(part, matches) for part in parts]
            return all(found) if isinstance(how, ast.And) else any(found)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return not _value(part, matches)
        case ast.Name(id=name):
            return matches(name)
        case ast.Constant(value=True | False | None as word):
            return matches(str(word))
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords):
            return matches(name, **{str(one.arg): ast.literal_eval(one.value) for one in keywords})
    raise SyntaxError(f"expected markers with and, or, not and brackets, found {ast.unparse(node)!r}")
