"""Asks the database about every invariant on one snapshot: how many rows break it, the ids of the worst, and how many rows there are.

A file's query stands within another one and is sent with a parameter, so by the extended protocol: PostgreSQL itself refuses a second
statement and whatever is no query, and the transaction is READ ONLY.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.relations import SETTINGS, WideSettings, known_names, look_up, renamed
from pam_rollback.database.row_counting import TEST_USER, Unavailable
from pam_rollback.http.postgres import Snapshot
from pam_rollback.target.contract import SettingsForm
from pam_rollback.target.invariants import NAMED_MAX, Invariant, InvariantResult
from pam_rollback.target.sql_names import TABLES

_NOT_SHOWN = {TEST_USER}
_PARAMETER = re.compile(r"%\((\w+)\)s")
_ACTS = re.compile(
    r"\b(set_config|setval|nextval|lo_\w+|dblink\w*|\w+_to_xml\w*|pg_(sleep|read|ls|terminate|cancel|advisory|try|reload|rotate|switch"
    r"|notify|stat_reset|logical|create|drop|promote|backup|start|stop|wal|copy|replication|export)\w*)\b|\bU&\"",
    re.IGNORECASE,
)
"""Functions that do more than compute, in a READ ONLY transaction too. Row security could hide rows."""
_USERS_TABLES = "users_tables"
_OFFENDERS = "SELECT row_to_json(offender), count(*) OVER () FROM (\n{query}\n) AS offender LIMIT %(named_max)s"
_ROWS_OF_ONE = 20
"""A user of a wide table has so many rows at most before the next one comes to be named."""
_OF_THE_CATALOGUE = (
    "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = ANY (%(users_tables)s::bigint[]) AND relkind IN ('r', 'p')"
)

Given = Mapping[str, object | Unavailable]


@dataclass(frozen=True)
class Evaluation:
    """What became of each invariant, by id: a result, or why there is none."""

    results: Mapping[str, InvariantResult]
    unknown: Mapping[str, str]


def evaluate(
    snapshot: Snapshot,
    invariants: Sequence[Invariant],
    *,
    given: Given,
    names: Mapping[str, str],
    settings: SettingsForm | None = None,
    offenders_max: int = 0,
) -> Evaluation:
    """Evaluate the invariants on the snapshot. Raises MeasurementFailed when nothing can be known at all, as for a blind role.

    ``settings`` is the form that they should have; None: whichever is found.
    """
    # A name that no check reads is refused with the environment.
    here = known_names(
        names, {table for one in invariants for table in one.tables} | set(TABLES), source="the environment"
    )
    unknown = {one.id: f"{one.id}: {why}" for one in invariants if (why := _refused(one, given))}
    tables = sorted({table for one in invariants if one.id not in unknown for table in one.tables})
    relations, wrong = look_up(snapshot, tables, here)
    snapshot.refuse_blindness(relations.values())
    wide = {table: shape for table, one in relations.items() if (shape := WideSettings.of(table, one, here))}
    if SETTINGS in relations and settings is not None and (SETTINGS in wide) != (settings == "wide"):
        found = "wide" if SETTINGS in wide else "narrow"
        wrong[SETTINGS] = (
            f"expected {settings} settings in {here.table(SETTINGS)} at {snapshot.where}, found {found} ones; "
            f'if that is right, set settings = "{found}" in [tables] of the product'
        )
    for one in invariants:
        if one.id not in unknown and (problems := [wrong[table] for table in one.tables if table in wrong]):
            unknown[one.id] = f"{one.id}: {'; '.join(problems)}"
    asked = [one for one in invariants if one.id not in unknown]

    looked_at = {table for one in asked for table in _looked_at(one)}
    questions = {("query", one.id): _OFFENDERS.format(query=one.query.rstrip("; \n")) for one in asked}
    questions |= {("rows", table): f"SELECT count(*) FROM {table}" for table in looked_at}  # noqa: S608 - names of our own
    if any(not one.tables for one in asked):
        questions["rows", ""] = _OF_THE_CATALOGUE
    values = {name: value for name, value in given.items() if not isinstance(value, Unavailable)}
    values["named_max"] = NAMED_MAX * _ROWS_OF_ONE
    statements = ((renamed(text, here, relations, wide), values) for text in questions.values())
    answers = dict(zip(questions, snapshot.all_of(statements), strict=True))
    results = {}
    for one in asked:
        rows = [answers["rows", table] for table in _looked_at(one) or ("",)]
        try:
            results[one.id] = _result(one, answers["query", one.id], rows, given, offenders_max)
        except MeasurementFailed as problem:
            unknown[one.id] = f"{one.id}: {problem}"
    return Evaluation(results, unknown)


def _refused(invariant: Invariant, given: Given) -> str:
    """Return why the query is not sent; empty where it is."""
    if acts := _ACTS.search(invariant.query):
        return f"{invariant.source}: not allowed in a query that only reads: {acts[0]}"
    parameters = _parameters(invariant)
    if not invariant.tables and _USERS_TABLES not in parameters:
        return f"{invariant.source}: it names no `tables`, and does not ask for %({_USERS_TABLES})s: nobody knows what it looks at"
    values = [given.get(name, Unavailable(f"nothing gives the parameter {name!r}")) for name in parameters]
    return next((value.why for value in values if isinstance(value, Unavailable)), "")


def _parameters(invariant: Invariant) -> list[str]:
    return sorted(set(_PARAMETER.findall(invariant.query)))


def _looked_at(invariant: Invariant) -> tuple[str, ...]:
    """Return the tables whose rows it goes through: of a union all, else the first, whose rows are held against the others."""
    return invariant.tables if re.search(r"\bUNION\b", invariant.query) else invariant.tables[:1]


Answer = list[tuple[Any, ...]] | MeasurementFailed


def _result(
    invariant: Invariant, found: Answer, looked_at: Sequence[Answer], given: Given, offenders_max: int
) -> InvariantResult:
    """Put the answers together. Raises MeasurementFailed where one is missing, and where offenders are named by more than ids."""
    if isinstance(found, MeasurementFailed):
        raise found
    for one in looked_at:
        if isinstance(one, MeasurementFailed):
            raise MeasurementFailed(f"the rows that it looks at cannot be counted: {one}")
    named = [offender for offender, _ in found]
    for name in named[0] if named else ():
        if not (name in {"id", "object"} or name.endswith("_id")):
            raise MeasurementFailed(
                f"expected `id`, a name that ends in `_id`, or `object` as what names an offender, found {name!r}"
            )
    # A wide table's row stands there for each of its settings.
    worst = dict.fromkeys("/".join(dict.fromkeys(map(str, offender.values()))) for offender in named)
    values = {name: given[name] for name in _parameters(invariant) if name not in _NOT_SHOWN | {_USERS_TABLES}}
    return InvariantResult(
        id=invariant.id,
        sentence=invariant.sentence,
        looked_at=sum(one[0][0] for one in looked_at if not isinstance(one, MeasurementFailed)),
        offenders=found[0][1] if found else 0,
        worst=tuple(worst)[:NAMED_MAX],
        order=invariant.order,
        may_be_empty=invariant.may_be_empty,
        offenders_max=offenders_max if invariant.tables else 0,
        tables=_looked_at(invariant),
        given={name: _shown(value) for name, value in values.items() if value},
    )


def _shown(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, list | tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
