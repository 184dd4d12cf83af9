"""What is changed: one place of a function or of a module's figures at a time, in the syntax tree."""

import ast
import copy
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_SHOWN, _AROUND = 100, 30
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}


@dataclass(frozen=True)
class Mutant:
    """One change. ``before`` and ``after`` are the line that differs, as the syntax tree writes it, or the middle of a long one."""

    file: Path
    function: str
    """Its qualified name; of a module's own figure the name of the figure."""
    line: int
    """Where the function begins; 0 for a figure of the module."""
    before: str
    after: str
    tree: ast.Module
    """The whole module, changed."""

    @property
    def code(self) -> CodeType:
        """The function's code, changed."""
        return next(
            code
            for code in functions(compile(self.tree, str(self.file), "exec"))
            if _is(code, self.function, self.line)
        )

    @property
    def value(self) -> ast.expr:
        """The figure's expression, changed."""
        return next(value for name, value in _figures(self.tree) if name == self.function)


def functions(code: CodeType) -> Iterator[CodeType]:
    """The code of all functions below, those of classes included."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from functions(one)


def _is(code: CodeType, function: str, line: int) -> bool:
    return (code.co_qualname, code.co_firstlineno) == (function, line)


def mutants(file: Path, source: str, only: Sequence[str] = ()) -> Iterator[Mutant]:
    """Every change of the functions (``only`` those, if there are any) and of the module's figures."""
    tree = ast.parse(source)
    for name, function in _functions(tree.body):
        if only and name not in only:
            continue
        line = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
        before = ast.unparse(function).split("\n")
        for node in _changeable(function.body):
            for variant in _variants(node):
                changed = _changed(tree, node, variant)
                after = ast.unparse(
                    next(found for found in _functions(changed.body) if _same(found, name, function))[1]
                )
                yield Mutant(file, name, line, *_difference(before, after.split("\n")), changed)
    for name, value in () if only else _figures(tree):
        for node in ast.walk(value):
            for variant in _of_figure(node):
                changed = _changed(tree, node, variant)
                other = next(found for figure, found in _figures(changed) if figure == name)
                lines = (f"{name} = {ast.unparse(one)}" for one in (value, other))
                yield Mutant(file, name, 0, *_shortened(*lines), changed)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(body: Sequence[ast.stmt], within: str = "") -> Iterator[tuple[str, Function]]:
    for node in body:
        if isinstance(node, Function):
            yield f"{within}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{within}{node.name}.")


def _same(found: tuple[str, Function], name: str, function: Function) -> bool:
    return found[0] == name and found[1].lineno == function.lineno


def _figures(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """The module's own numbers, orders and tables."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(
            value, ast.Constant | ast.BinOp | ast.Tuple | ast.Set | ast.Dict
        ):
            yield target.id, value


def _changeable(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Everything below but annotations, and the words of messages: tests look for a part of those."""
    for node in body:
        if isinstance(node, ast.JoinedStr):
            continue
        yield node
        for name, below in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "defaults", "kw_defaults"}:
                continue
            yield from _changeable(
                [one for one in (below if isinstance(below, list) else [below]) if isinstance(one, ast.AST)]
            )


def _changed(tree: ast.Module, node: ast.AST, variant: ast.AST) -> ast.Module:
    """A copy of the module with the variant in the node's place."""
    memo = {id(node): ast.copy_location(variant, node)}
    return ast.fix_missing_locations(copy.deepcopy(tree, memo))


def _difference(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    pairs = itertools.zip_longest(before, after, fillvalue="")
    old, new = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
    return _shortened(old.strip(), new.strip())


def _shortened(old: str, new: str) -> tuple[str, str]:
    """Two lines that fit one: what differs, with a little on both sides."""
    if len(old) <= _SHOWN:
        return old, new
    same = _same_begin(old, new)
    same_after = _same_begin(old[same:][::-1], new[same:][::-1])

    def cut(text: str) -> str:
        begin, end = max(same - _AROUND, 0), min(len(text) - same_after + _AROUND, len(text))
        return f"{'…' * (begin > 0)}{text[begin:end]}{'…' * (end < len(text))}"

    return cut(old), cut(new)


def _same_begin(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _variants(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901, PLR0912 - a table of cases
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                for other in _COMPARED[type(operator)]:
                    ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                    yield ast.Compare(node.left, ops, node.comparators)
        case ast.BoolOp():
            for place in range(len(node.values)):
                values = [*node.values[:place], *node.values[place + 1 :]]
                yield values[0] if len(values) == 1 else ast.BoolOp(node.op, values)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.BinOp() if not any(
            isinstance(side, ast.JoinedStr) or _is_text(side) for side in (node.left, node.right)
        ):
            if type(node.op) in _CALCULATED:
                yield ast.BinOp(node.left, _CALCULATED[type(node.op)](), node.right)
        case ast.Constant():
            yield from _other_constant(node)
        case ast.IfExp():
            yield from (node.body, node.orelse)
        case ast.If():
            yield from (ast.If(ast.Constant(value), node.body, node.orelse) for value in (True, False))
        case ast.While():
            yield ast.While(ast.Constant(value=False), node.body, node.orelse)
        case ast.comprehension(ifs=[_, *_]):
            for place in range(len(node.ifs)):
                yield ast.comprehension(
                    node.target, node.iter, [*node.ifs[:place], *node.ifs[place + 1 :]], node.is_async
                )
        case ast.Call(func=ast.Name(id=name)) if name in _CALLED:
            others = [] if name == "sorted" else node.keywords
            yield ast.Call(ast.Name(_CALLED[name], ast.Load()), node.args, others)
        case ast.Return(value=ast.expr()) if not isinstance(node.value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise():
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.Set() if len(node.elts) > 1:
            yield from (ast.Set([*node.elts[:place], *node.elts[place + 1 :]]) for place in range(len(node.elts)))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _other_constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)


def _of_figure(node: ast.AST) -> Iterator[ast.AST]:
    """Another number, one entry less, two neighbours the other way round."""
    match node:
        case ast.Constant() | ast.BinOp() | ast.Set():
            yield from _variants(node)
        case ast.Dict():
            for place in range(len(node.keys)):
                yield ast.Dict(
                    [*node.keys[:place], *node.keys[place + 1 :]], [*node.values[:place], *node.values[place + 1 :]]
                )
        case ast.Tuple() if len(node.elts) > 1:
            for place in range(len(node.elts)):
                yield ast.Tuple([*node.elts[:place], *node.elts[place + 1 :]], node.ctx)
            for place in range(len(node.elts) - 1):
                one, other = node.elts[place : place + 2]
                yield ast.Tuple([*node.elts[:place], other, one, *node.elts[place + 2 :]], node.ctx)
