"""What ``-m`` says, understood as pytest understands it: markers with ``and``, ``or``, ``not``, brackets, and a marker's keywords."""

import ast
from collections.abc import Callable, Iterable
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


_ABSENT = object()


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
