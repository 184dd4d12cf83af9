"""Recognises queries that only look at each row of one table, and at the one row of another that it belongs to.

All of those over one table can be answered by one scan. What does not have that form is asked by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

_AGGREGATES = (exp.AggFunc, exp.Window)
_NOT_A_LOOK_AT_ROWS = ("laterals", "group", "having", "distinct", "with_", "windows", "limit")


@dataclass(frozen=True)
class Parent:
    """The row of ``table`` whose ``key`` is the scanned row's ``column``. One scan will do only if there is one such row at most."""

    table: str
    alias: str
    key: str
    column: str


@dataclass(frozen=True)
class Scan:
    """A condition on the rows of a table. With a parent, the condition may name its columns; they are null where it has no row."""

    table: str
    alias: str
    condition: exp.Expr
    parent: Parent | None = None


def scans_of(query: exp.Expr) -> tuple[Scan, ...]:
    """The query as conditions on rows, or nothing."""
    if isinstance(query, exp.Union):
        branches = [scans_of(part.unnest()) for part in (query.left, query.right)]
        is_plain = all(branches) and not query.args.get("distinct") and not query.ctes
        return tuple(scan for branch in branches for scan in branch) if is_plain else ()
    if not isinstance(query, exp.Select) or any(query.args.get(part) for part in _NOT_A_LOOK_AT_ROWS):
        return ()
    table, condition = _only_table(query), query.args.get("where")
    if table is None or condition is None or any(isinstance(node, _AGGREGATES) for node in query.walk()):
        return ()
    found: tuple[Scan, ...] = ()
    match (len(list(query.find_all(exp.Select))), query.args.get("joins") or []):
        case (1, []):
            found = (Scan(table_name(table), table.alias_or_name, condition.this),)
        case (1, [join]):
            found = _with_parent(table, join, condition.this)
        case (2, []):  # the query and one EXISTS
            found = _without_parent(table, condition.this)
    return found


def table_name(table: exp.Table) -> str:
    """The name as it is written: with its schema, if it has one."""
    return f"{table.db}.{table.name}" if table.db else table.name


def _only_table(query: exp.Select) -> exp.Table | None:
    source = query.args.get("from_")
    table = source.this if source is not None else None
    return table if isinstance(table, exp.Table) and not table_name(table).startswith(("pg_", "information_")) else None


def _with_parent(table: exp.Table, join: exp.Join, condition: exp.Expr) -> tuple[Scan, ...]:
    """``FROM child JOIN parent ON parent.key = child.column WHERE …``: true only where there is a parent."""
    if not isinstance(join.this, exp.Table) or join.kind not in {"", "INNER"} or join.side or join.method:
        return ()
    parent = _parent(table, join.this, join.args.get("on"))
    if parent is None:
        return ()
    there = exp.Not(this=exp.Is(this=exp.column(parent.key, table=parent.alias), expression=exp.Null()))
    return (Scan(table_name(table), table.alias_or_name, exp.and_(there, condition), parent),)


def _without_parent(table: exp.Table, condition: exp.Expr) -> tuple[Scan, ...]:
    """``WHERE … AND NOT EXISTS (SELECT FROM parent WHERE parent.key = child.column)``."""
    parts = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
    orphans = [part for part in parts if isinstance(part, exp.Not) and isinstance(part.this, exp.Exists)]
    if len(orphans) != 1:
        return ()
    inner = orphans[0].this.this
    if not isinstance(inner, exp.Select) or any(inner.args.get(part) for part in (*_NOT_A_LOOK_AT_ROWS, "joins")):
        return ()
    other, where = _only_table(inner), inner.args.get("where")
    parent = _parent(table, other, where.this) if other is not None and where is not None else None
    if parent is None:
        return ()
    missing = exp.Is(this=exp.column(parent.key, table=parent.alias), expression=exp.Null())
    rest = [part for part in parts if part is not orphans[0]]
    return (Scan(table_name(table), table.alias_or_name, exp.and_(*rest, missing), parent),)


def _parent(child: exp.Table, parent: exp.Table, on: exp.Expr | None) -> Parent | None:
    """The parent, if the condition is that one column of its equals one of the child's."""
    if not isinstance(on, exp.EQ) or not all(isinstance(side, exp.Column) for side in (on.left, on.right)):
        return None
    by_owner = {side.table: side.name for side in (on.left, on.right) if isinstance(side, exp.Column)}
    if set(by_owner) != {child.alias_or_name, parent.alias_or_name}:
        return None
    own, other = child.alias_or_name, parent.alias_or_name
    return Parent(table_name(parent), other, by_owner[other], by_owner[own])
