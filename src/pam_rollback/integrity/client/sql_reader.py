"""Reads the query of an integrity check before a database does: refuses anything but a query, finds what can share a scan, renames.

The statement that is run is written anew from what was read here, node by node out of a list of what is allowed; a trick that this
parser and the server's would understand differently therefore never reaches the server. (The transaction is READ ONLY besides.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from pam_rollback.base.configuration import ConfigurationError, Problem, suggestion
from pam_rollback.base.outside_text import cut
from pam_rollback.environment.sql_names import Names
from pam_rollback.integrity.client.sql_scans import Scan, scans_of, table_name
from pam_rollback.product.rules.invariants import Invariant

Q = TypeVar("Q", bound=exp.Expr)

DIALECT = "postgres"
LOOKED_AT = "looked_at"
"""A query that has a CTE of this name looks at its rows, and not at those of the tables that it reads."""

_NODES: frozenset[type[exp.Expr]] = frozenset(
    {
        # the query itself
        *(exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.With, exp.CTE),
        *(exp.Subquery, exp.Lateral, exp.Union, exp.Distinct, exp.Values, exp.Tuple, exp.Table, exp.TableAlias),
        # names and values
        *(exp.Column, exp.Identifier, exp.Alias, exp.Literal, exp.Null, exp.Boolean, exp.Star, exp.Placeholder),
        *(exp.Cast, exp.DataType, exp.DataTypeParam, exp.Array, exp.Interval, exp.Var, exp.Kwarg, exp.Paren, exp.Neg),
        # conditions
        *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between),
        *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.Exists, exp.Any, exp.All, exp.Case, exp.If, exp.RegexpLike),
        *(exp.Add, exp.Sub, exp.Mul, exp.DPipe, exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBExtractScalar),
        *(exp.JSONBContains, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey, exp.Filter, exp.WithinGroup),
        # functions that only compute
        *(exp.Count, exp.Max, exp.Min, exp.Sum, exp.Abs, exp.Coalesce, exp.Lower, exp.Trim, exp.Length),
        *(exp.CurrentTimestamp, exp.CurrentDate, exp.MakeInterval, exp.GroupConcat, exp.StrPosition, exp.Greatest),
        *(exp.Anonymous, exp.ObjectIdentifier, exp.Window, exp.RowNumber),
    }
)
_FUNCTIONS = frozenset(
    {
        *("to_regclass", "jsonb_typeof", "jsonb_path_exists"),
        "all",  # no function at all, but read as one
    }
)
"""Functions by name, beside those that have a node of their own: they compute, look a name up, and change nothing."""
_OFFENDER_NAMES = "`id`, a name that ends in `_id`, or `object`"
_CATALOGUE = "pg_"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_SCHEMAS_OF_THE_SERVER = ("pg_catalog", "information_schema")


@dataclass(frozen=True)
class Reading:
    """A query that was understood: what it reads, and whether it is nothing but conditions on rows."""

    query: exp.Query
    tables: tuple[str, ...]
    columns: Mapping[str, frozenset[str]]
    """The columns that it names, by table."""
    parameters: frozenset[str]
    scans: tuple[Scan, ...]
    """Empty when it needs more than a look at each row and the one that it belongs to."""
    has_looked_at: bool


def read_query(invariant: Invariant) -> Reading:
    """Read the query of a file. Raises ConfigurationError with everything that is not allowed in it."""
    try:
        return _read(invariant)
    except RecursionError:
        what = "expected a query, found one that is nested too deeply to be read"
        raise ConfigurationError(invariant.source, [Problem(f"line {invariant.first_line}", what)]) from None


def _read(invariant: Invariant) -> Reading:

    def where(node: exp.Expr | None = None) -> str:
        line = next((part.meta["line"] for part in node.walk() if "line" in part.meta), 1) if node is not None else 1
        return f"line {invariant.first_line + line - 1}"

    try:
        statements = [statement for statement in sqlglot.parse(invariant.query, dialect=DIALECT) if statement]
    except SqlglotError as error:
        told = [f"line {invariant.first_line + (fault.get('line') or 1) - 1}" for fault in getattr(error, "errors", [])]
        what = str(error).partition("\n")[0].replace("\x1b[4m", "").replace("\x1b[0m", "")
        raise ConfigurationError(
            invariant.source, [Problem((told or [where()])[0], f"expected one query: {what}")]
        ) from None
    if len(statements) != 1:
        what = f"expected one query, found {len(statements)} statements"
        raise ConfigurationError(invariant.source, [Problem(where(), what)])
    query = statements[0]
    problems = [Problem(where(node), what) for node, what in _refused(query)]
    if problems or not isinstance(query, exp.Query):
        raise ConfigurationError(invariant.source, list(dict.fromkeys(problems)))
    problems += [Problem(where(node), what) for node, what in _unclear(query)]
    if not problems:
        tables, columns, unclear = _names(query)
        problems += [Problem(where(node), what) for node, what in unclear]
        has_looked_at = any(cte.alias == LOOKED_AT for cte in query.ctes)
        problems += [Problem(where(), what) for what in _other_tables(tables, invariant.tables, lists=has_looked_at)]
        if not problems:
            return Reading(
                query=query,
                tables=tables,
                columns={table: frozenset(names) for table, names in columns.items()},
                parameters=frozenset(node.name for node in query.find_all(exp.Placeholder)),
                scans=scans_of(query),
                has_looked_at=has_looked_at,
            )
    raise ConfigurationError(invariant.source, list(dict.fromkeys(problems)))


def _refused(query: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    """Everything that is not on the list."""
    if not isinstance(query, exp.Select | exp.Union):
        yield query, f"expected SELECT or WITH … SELECT, found {_kind(query)}"
        return
    for node in query.walk():
        if type(node) not in _NODES:
            yield node, f"not allowed in a query that only reads: {_kind(node)} {cut(node.sql(dialect=DIALECT), 60)!r}"
        elif isinstance(node, exp.Anonymous) and node.name.lower() not in _FUNCTIONS:
            yield node, f"function {node.name.lower()}() is not on the list of those that only compute"
        elif isinstance(node, exp.Literal | exp.Identifier) and "%" in node.this:
            yield node, "a % would be taken for a parameter; write the condition without it"
        elif isinstance(node, exp.Placeholder) and not node.this:
            yield node, "expected a parameter by name, as in %(grace_s)s"
        elif isinstance(node, exp.DataType) and node.this == exp.DType.USERDEFINED:
            yield node, f"type {node.sql(dialect=DIALECT)} is not one of the server's own"


def _kind(node: exp.Expr) -> str:
    return type(node).__name__.upper()


def _unclear(query: exp.Query) -> Iterator[tuple[exp.Expr, str]]:
    """Offenders are named by ids alone, never by contents."""
    for name in query.named_selects:
        if not (name in {"id", "object"} or name.endswith("_id")):
            yield query, f"expected {_OFFENDER_NAMES} as what names an offender, found {name!r}"


def _names(query: exp.Query) -> tuple[tuple[str, ...], dict[str, set[str]], list[tuple[exp.Expr, str]]]:
    """The tables (without those of the server) and columns that the query names. A column must tell whose it is."""
    columns: dict[str, set[str]] = {}
    unclear: list[tuple[exp.Expr, str]] = []
    for scope in traverse_scope(query):
        named = {alias: table_name(source) for alias, source in scope.sources.items() if isinstance(source, exp.Table)}
        for name in named.values():
            columns.setdefault(name, set())
        for column in scope.columns:
            owner = column.table
            if not owner:
                own = set(scope.selected_sources)
                if len(own) != 1:
                    # The order may go by what is given out.
                    outputs = scope.expression.named_selects if isinstance(scope.expression, exp.Query) else ()
                    is_output = column.name in outputs and column.find_ancestor(exp.Order) is not None
                    if not is_output:
                        unclear.append(
                            (column, f"column {column.name!r}: say of which table, as in expense.{column.name}")
                        )
                    continue
                owner = next(iter(own))
            if owner in named:
                columns[named[owner]].add(column.name)
    mine = {name: found for name, found in columns.items() if not _is_servers(name)}
    return tuple(mine), mine, unclear


def _is_servers(name: str) -> bool:
    schema, _, table = name.rpartition(".")
    return schema in _SCHEMAS_OF_THE_SERVER or table.startswith(_CATALOGUE)


def _other_tables(read: Iterable[str], declared: Iterable[str], *, lists: bool) -> Iterator[str]:
    """The header has to say which tables are read: it is what a missing one is looked for by."""
    read, declared = set(read), set(declared)
    for name in sorted(read - declared):
        yield f"table {name!r} is read but not in the header's `tables`, {suggestion(name, declared)}"
    if not lists:  # a query over the server's catalogue has its tables as values
        for name in sorted(declared - read):
            yield f"table {name!r} is in the header's `tables` but not read"


def renamed(
    query: Q,
    names: Names,
    present: Mapping[str, Iterable[str]],
    shaped: Mapping[str, Callable[[str], exp.Expr]] | None = None,
) -> Q:
    """Give the query for a database that calls its things differently. ``present`` has the columns that each table has here.

    A table with a column of another name becomes a subquery that renames it: the server sees through that at no cost. A table of another
    form is what ``shaped`` gives for it under an alias; what a list of columns asks of it is asked of the columns that it has.
    """
    shaped = shaped or {}
    query = query.copy()
    ctes = {cte.alias for cte in query.find_all(exp.CTE)}
    for table in list(query.find_all(exp.Table)):
        name = table_name(table)
        if name in ctes or _is_servers(name):
            continue
        if name in shaped:
            table.replace(shaped[name](table.alias_or_name))
        elif name in names.tables or name in names.columns:
            table.replace(source_of(name, table.alias_or_name, names, present.get(name, ())))
    for cte in query.find_all(exp.CTE):
        if cte.alias == LOOKED_AT:
            headings = [heading.name for heading in cte.args["alias"].columns]
            rows = list(cte.find_all(exp.Tuple))
            others = [row for row in rows if _asks_another_form(row, headings, present, shaped)]
            for row in rows:
                if row in others and len(others) < len(rows):
                    row.pop()
                else:
                    _rename_values(row, headings, names)
    return query


def _cells(row: exp.Tuple, headings: list[str]) -> Iterator[tuple[str, exp.Expr]]:
    """The texts of a row of values, each with its heading."""
    for heading, cell in zip(headings, row.expressions, strict=False):
        if isinstance(cell, exp.Literal) and cell.is_string:
            yield heading, cell


def _asks_another_form(
    row: exp.Tuple, headings: list[str], present: Mapping[str, Iterable[str]], shaped: Mapping[str, object]
) -> bool:
    """It is about columns that a table of another form does not have."""
    cells = list(_cells(row, headings))
    table = cells[0][1].name if cells else ""
    asked = {column for heading, cell in cells if "column" in heading for column in cell.name.split(",")}
    return table in shaped and not asked <= set(present.get(table, ()))


def _rename_values(row: exp.Tuple, headings: list[str], names: Names) -> None:
    """A query over the server's catalogue has its tables, and the columns of each, as values."""
    cells = list(_cells(row, headings))
    table = cells[0][1].name if cells else ""
    for heading, cell in cells:
        if "column" in heading:
            listed = [names.column(table, column) for column in cell.name.split(",")]
            cell.replace(exp.Literal.string(",".join(sorted(listed))))
        elif cell.name in names.tables:
            cell.replace(exp.Literal.string(".".join(map(_as_text, names.table(cell.name).split(".")))))


def _as_text(identifier: str) -> str:
    """As ``to_regclass`` reads it."""
    return identifier if _PLAIN.fullmatch(identifier) else exp.to_identifier(identifier, quoted=True).sql(DIALECT)


def source_of(name: str, alias: str, names: Names, present: Iterable[str]) -> exp.Expr:
    """What stands after FROM for this table."""
    *schema, called = names.table(name).split(".")
    quoted = name in names.tables
    table = exp.table_(called, db=schema[0] if schema else None, quoted=quoted)
    renames = names.columns.get(name, {})
    if not renames:
        return exp.alias_(table, alias, table=True)
    # A column may be another's here and be itself as well: `id` is called user_id where a user has one row.
    kept = [column for column in present if column not in renames and "%" not in column]
    other = {called_so: here for called_so, here in renames.items() if here in present}
    listed: tuple[exp.Expr, ...] = (
        *(exp.column(column, quoted=True) for column in kept),
        *(exp.alias_(exp.column(here, quoted=True), called_so, quoted=True) for called_so, here in other.items()),
    )
    return exp.select(*listed).from_(table).subquery(alias)


def text_of(query: exp.Expr) -> str:
    """The statement as the server gets it."""
    return query.sql(dialect=DIALECT, comments=False)
