"""Asks the database about every invariant at once: one scan of each table for all conditions on its rows, the rest query by query.

In one module: how conditions are put together into scans, and how the counts find back to their invariants, mirror each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlglot import exp

from pam_rollback.base.configuration import ConfigurationError, nearest
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.sql_names import TABLES, Names
from pam_rollback.integrity.client.relations import look_up
from pam_rollback.integrity.client.row_counting import TEST_USER, Unavailable
from pam_rollback.integrity.client.sql_reader import (
    LOOKED_AT,
    Reading,
    read_query,
    renamed,
    source_of,
    text_of,
)
from pam_rollback.integrity.client.sql_scans import Scan
from pam_rollback.integrity.client.wide_settings import SETTINGS, WideSettings
from pam_rollback.outside.postgres import QuestionFailed, Relation, Snapshot
from pam_rollback.product.rules.invariants import NAMED_MAX, Invariant, InvariantResult
from pam_rollback.product.rules.tables import SettingsForm

_NOT_SHOWN = {TEST_USER}


Given = Mapping[str, object | Unavailable]
Rows = list[tuple[Any, ...]]
_Condition = tuple[str, Scan]
_ROW, _PARENT = "looked", "parent"
"""How the tables of a shared scan are called in it."""
_ROWS_OF_ONE = 20
"""A user of a wide table has so many rows at most before the next one comes to be named."""


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
    work = _Evaluating(snapshot, given, settings)
    work.read(invariants)
    work.find_relations(_names(names, invariants))
    work.count()
    return work.judged(offenders_max)


def _names(names: Mapping[str, str], invariants: Sequence[Invariant]) -> Names:
    known = {table for invariant in invariants for table in invariant.tables} | set(TABLES)
    # A name of a table that none of these reads is of no concern here; one that no check reads is refused with the environment.
    here = {key: name for key, name in names.items() if key in known or key.rpartition(".")[0] in known}
    try:
        return Names.of(here, known, source="the environment")
    except ConfigurationError as error:
        raise MeasurementFailed(str(error)) from None


@dataclass(frozen=True)
class _Question:
    """One statement, and what is done with its answer. ``weight`` is roughly how much there is to read."""

    statement: str
    weight: float
    take: Callable[[Rows], None]
    fail: Callable[[MeasurementFailed], None]


@dataclass
class _Evaluating:
    """The work of one evaluation: what is asked, in which statement, and what came back, by invariant."""

    snapshot: Snapshot
    given: Given
    settings: SettingsForm | None = None
    invariants: dict[str, Invariant] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    wide: dict[str, WideSettings] = field(default_factory=dict)
    """The tables that have another form than the checks are written for."""
    names: Names = field(default_factory=lambda: Names({}, {}))
    rows: dict[str, int | MeasurementFailed] = field(default_factory=dict)
    """How many there are, by table."""
    offenders: dict[str, int] = field(default_factory=dict)
    looked_at: dict[str, int] = field(default_factory=dict)
    worst: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self, invariants: Sequence[Invariant]) -> None:
        """Understand the queries; one that is more than a query is not asked."""
        for invariant in invariants:
            self.invariants[invariant.id] = invariant
            try:
                reading = read_query(invariant)
            except ConfigurationError as error:
                self.unknown[invariant.id] = str(error)
                continue
            self.readings[invariant.id] = reading
            for name in sorted(reading.parameters):
                value = self.given.get(name, Unavailable(f"nothing gives the parameter {name!r}"))
                if isinstance(value, Unavailable):
                    self.unknown[invariant.id] = f"{invariant.id}: {value.why}"

    def find_relations(self, names: Names) -> None:
        """Look up what is read. Raises MeasurementFailed for a role that does not see all rows."""
        self.names = names
        tables = sorted({table for identifier in self._open() for table in self.invariants[identifier].tables})
        self.relations, wrong = look_up(self.snapshot, tables, names)
        self.snapshot.refuse_blindness(self.relations.values())
        for table, relation in self.relations.items():
            wide = WideSettings.of(table, relation, names)
            if table == SETTINGS and self.settings is not None and (wide is not None) != (self.settings == "wide"):
                found = "narrow" if wide is None else "wide"
                wrong[table] = (
                    f"expected {self.settings} settings in {names.table(table)} at {self.snapshot.where}, found {found} ones; "
                    f'if that is right, set settings = "{found}" in [tables] of the product'
                )
            elif wide is not None:
                self.wide[table] = wide
                self.relations[table] = wide.narrow
        for identifier in self._open():
            problems = [wrong[table] for table in self.invariants[identifier].tables if table in wrong]
            problems += self._missing_columns(self.readings[identifier])
            if problems:
                self.unknown[identifier] = f"{identifier}: {'; '.join(problems)}"

    def count(self) -> None:
        """Count the offenders, then name the worst where there are any."""
        self._ask(self._counts())
        self._ask([self._named(identifier) for identifier in self._open() if self.offenders.get(identifier)])

    def judged(self, offenders_max: int) -> Evaluation:
        """The facts."""
        results = {}
        for identifier in self._open():
            invariant, reading = self.invariants[identifier], self.readings[identifier]
            tables = self._looks_at(identifier)
            rows = [self.looked_at[identifier]] if reading.has_looked_at else [self.rows[table] for table in tables]
            lacking = next((count for count in rows if isinstance(count, MeasurementFailed)), None)
            if lacking is not None:
                self.unknown[identifier] = f"{identifier}: the rows that it looks at cannot be counted: {lacking}"
                continue
            given = {name: self.given[name] for name in sorted(reading.parameters) if name not in _NOT_SHOWN}
            results[identifier] = InvariantResult(
                id=identifier,
                sentence=invariant.sentence,
                looked_at=sum(count for count in rows if isinstance(count, int)),
                offenders=self.offenders[identifier],
                worst=self.worst.get(identifier, ()),
                order=invariant.order,
                may_be_empty=invariant.may_be_empty,
                offenders_max=0 if reading.has_looked_at else offenders_max,
                tables=tables,
                given={name: _shown(value) for name, value in given.items() if value},
            )
        return Evaluation(results, self.unknown)

    def _open(self) -> list[str]:
        return [identifier for identifier in self.readings if identifier not in self.unknown]

    def _missing_columns(self, reading: Reading) -> Iterator[str]:
        for table, columns in reading.columns.items():
            relation = self.relations.get(table)
            if relation is None:
                continue
            called = self.names.table(table)
            for column in sorted(columns):
                here = self.names.column(table, column)
                if here not in relation.columns:
                    near = nearest(here, relation.columns)
                    yield (
                        f"column {called}.{here} is missing at {self.snapshot.where}{f', there is {near!r}' if near else ''}; "
                        f'if it is called otherwise here, set [sql.names] "{table}.{column}" = "…"'
                    )
                elif here in relation.hidden_columns:
                    yield f"role {self.snapshot.role} may not read column {called}.{here}; GRANT SELECT on it"

    def _ask(self, questions: Iterable[_Question]) -> None:
        # The longest first, so that the connections end at about the same time.
        ordered = sorted(questions, key=lambda question: -question.weight)
        values = {name: value for name, value in self.given.items() if not isinstance(value, Unavailable)}
        answers = self.snapshot.all_of([(question.statement, values) for question in ordered])
        for question, answer in zip(ordered, answers, strict=True):
            if isinstance(answer, MeasurementFailed):
                question.fail(answer)
            else:
                question.take(answer)

    def _counts(self) -> list[_Question]:
        """One question for each table whose conditions share a scan, one for each query that stands alone."""
        shared: dict[str, list[_Condition]] = {}
        questions = []
        for identifier in self._open():
            reading = self.readings[identifier]
            if reading.scans and all(map(self._can_share, reading.scans)):
                for scan in reading.scans:
                    shared.setdefault(scan.table, []).append((identifier, scan))
                continue
            questions.append(self._alone(identifier))
            if not reading.has_looked_at:  # the rows that it looks at have to be counted all the same
                for table in self._looks_at(identifier):
                    shared.setdefault(table, [])
        return [*questions, *(self._scan(table, conditions) for table, conditions in shared.items())]

    def _can_share(self, scan: Scan) -> bool:
        """A second row of the same key in the other table would count rows of this one twice."""
        parent = scan.parent
        if parent is None:
            return True
        return self.names.column(parent.table, parent.key) in self.relations[parent.table].unique_columns

    def _looks_at(self, identifier: str) -> tuple[str, ...]:
        """The tables whose rows the query goes through."""
        scanned = tuple(dict.fromkeys(scan.table for scan in self.readings[identifier].scans))
        return scanned or self.invariants[identifier].tables[:1]

    def _scan(self, table: str, conditions: Sequence[_Condition]) -> _Question:
        """All conditions on the rows of one table, and their number, in one scan."""
        parents: dict[tuple[str, str, str], str] = {}
        rows = exp.Count(this=exp.Star())
        counts = []
        for _, scan in conditions:
            of_parent = ""
            if scan.parent is not None:
                place = (scan.parent.table, scan.parent.key, scan.parent.column)
                of_parent = parents.setdefault(place, f"{_PARENT}{len(parents)}")
            where = exp.Where(this=_in_shared_scan(scan, of_parent))
            counts.append(exp.Filter(this=rows.copy(), expression=where))
        statement = exp.select(rows, *counts).from_(self._source(table, _ROW))
        for (other, key, column), alias in parents.items():
            on = exp.EQ(this=exp.column(key, table=alias), expression=exp.column(column, table=_ROW))
            statement = statement.join(self._source(other, alias), on=on, join_type="left")

        def take(answer: Rows) -> None:
            self.rows[table], *found = answer[0]
            for (identifier, _), offenders in zip(conditions, found, strict=True):
                self.offenders[identifier] = self.offenders.get(identifier, 0) + offenders

        def fail(why: MeasurementFailed) -> None:
            self.rows[table] = why
            for identifier, _ in conditions:
                self.unknown.setdefault(identifier, f"{identifier}: {why}")

        def fall_apart(why: MeasurementFailed) -> None:
            if not isinstance(why, QuestionFailed) or len(conditions) == 1:
                fail(why)
                return
            # One condition that cannot be evaluated must not make the others unknown.
            self._ask([self._scan(table, [condition]) for condition in conditions])

        read = self.relations[table].rows + sum(self.relations[other].rows for other, _, _ in parents)
        return _Question(text_of(statement), read, take, fall_apart)

    def _source(self, table: str, alias: str) -> exp.Expr:
        if table in self.wide:
            return self.wide[table].source(alias, self.names)
        return source_of(table, alias, self.names, self.relations[table].visible_columns)

    def _alone(self, identifier: str) -> _Question:
        """One query by itself: how many offenders, and how many rows it looked at where it says so."""
        query = self._here(identifier)
        query.set("order", None)
        before = query.args.get("with_") if self.readings[identifier].has_looked_at else None
        if before is not None:
            query.set("with_", None)
        outer = exp.select(exp.Count(this=exp.Star())).from_(query.subquery("offenders"))
        if before is not None:
            looked_at = exp.select(exp.Count(this=exp.Star())).from_(LOOKED_AT).subquery()
            outer = outer.select(looked_at)
            outer.set("with_", before)

        def take(answer: Rows) -> None:
            self.offenders[identifier], *looked_at = answer[0]
            self.looked_at.update((identifier, rows) for rows in looked_at)

        return _Question(text_of(outer), self._weight(identifier), take, self._failing(identifier))

    def _named(self, identifier: str) -> _Question:
        """The ids of the worst offenders, in the order of the file."""

        def take(answer: Rows) -> None:
            # A wide table's row stands there for each of its settings.
            named = dict.fromkeys("/".join(dict.fromkeys(map(str, row))) for row in answer)
            self.worst[identifier] = tuple(named)[:NAMED_MAX]

        statement = f"{text_of(self._here(identifier))} LIMIT {NAMED_MAX * _ROWS_OF_ONE}"
        return _Question(statement, self._weight(identifier), take, self._failing(identifier))

    def _failing(self, identifier: str) -> Callable[[MeasurementFailed], None]:
        def fail(why: MeasurementFailed) -> None:
            self.unknown[identifier] = f"{identifier}: {why}"

        return fail

    def _here(self, identifier: str) -> exp.Query:
        columns = {name: found.visible_columns for name, found in self.relations.items()}
        columns |= {name: wide.relation.visible_columns for name, wide in self.wide.items()}
        shaped = {name: partial(wide.source, names=self.names) for name, wide in self.wide.items()}
        return renamed(self.readings[identifier].query, self.names, columns, shaped)

    def _weight(self, identifier: str) -> float:
        return sum(self.relations[table].rows for table in self.readings[identifier].tables)


def _in_shared_scan(scan: Scan, of_parent: str) -> exp.Expr:
    """The condition with the aliases of the shared scan instead of those of its own file."""
    condition = scan.condition.copy()
    for column in condition.find_all(exp.Column):
        is_parents = scan.parent is not None and column.table == scan.parent.alias
        column.set("table", exp.to_identifier(of_parent if is_parents else _ROW))
    return condition


def _shown(value: object) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, list | tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
