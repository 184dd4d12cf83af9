"""The database, asked on one snapshot: READ ONLY, with limits on time and locks, by a role that must see every row.

Whatever keeps us from an answer is MeasurementFailed; what the rows say is a value.

In one module: the connection, its limits and the refusal of a blind role are one promise, that of the snapshot.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.waiting import Ready, Wait

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]
Parameters = Mapping[str, object]

APPLICATION = "pam-rollback"
_CONNECT_WITHIN_S = 5
_WORK_MEM_MB = 64
"""What one sort or hash may take. Enough for the keys of a million rows, and a bound for a server that has other work to do."""
_AFTER_TIMEOUT_S = 5.0
"""How much longer than the server's own limit is waited for its answer: a server that hangs keeps no limits."""
_BACK_AFTER_S = 3.0
"""A server that restarts, or a pooler that changes over, is back by then."""
_USABLE = (TransactionStatus.INTRANS, TransactionStatus.IDLE)
_SECRET = "***"  # noqa: S105 - what is shown instead of one

_BLIND = """
WITH RECURSIVE reached (relation, reader) AS (
    SELECT asked.relation, current_user::regrole::oid FROM unnest(%(relations)s::oid[]) AS asked (relation)
    UNION
    -- What a view reads it reads as its owner, unless it says otherwise.
    SELECT used.refobjid,
           CASE WHEN 'security_invoker=true' = ANY (view.reloptions) OR 'security_invoker=on' = ANY (view.reloptions)
                THEN reached.reader ELSE view.relowner END
    FROM reached
    JOIN pg_catalog.pg_class AS view ON view.oid = reached.relation AND view.relkind = 'v'
    JOIN pg_catalog.pg_rewrite AS rule ON rule.ev_class = view.oid
    JOIN pg_catalog.pg_depend AS used
      ON used.classid = 'pg_catalog.pg_rewrite'::regclass AND used.objid = rule.oid AND used.refclassid = 'pg_catalog.pg_class'::regclass
    WHERE used.refobjid <> view.oid
)
SELECT DISTINCT relation.oid::regclass::text, role.rolname::text
FROM reached
JOIN pg_catalog.pg_class AS relation ON relation.oid = reached.relation
JOIN pg_catalog.pg_roles AS role ON role.oid = reached.reader
WHERE relation.relkind IN ('r', 'p')
  AND CASE WHEN role.rolname = current_user THEN row_security_active(relation.oid)
      ELSE relation.relrowsecurity AND NOT (role.rolsuper OR role.rolbypassrls)
           AND NOT (pg_has_role(role.oid, relation.relowner, 'USAGE') AND NOT relation.relforcerowsecurity)
      END
ORDER BY 1
"""
_RELATIONS = """
SELECT wanted.place, relation.oid::bigint, relation.reltuples::float8,
       has_schema_privilege(space.oid, 'USAGE') AND has_any_column_privilege(relation.oid, 'SELECT'),
       ARRAY(
           SELECT field.attname::text FROM pg_catalog.pg_attribute AS field
           WHERE field.attrelid = relation.oid AND field.attnum > 0 AND NOT field.attisdropped ORDER BY field.attnum
       ),
       ARRAY(
           SELECT field.attname::text FROM pg_catalog.pg_attribute AS field
           WHERE field.attrelid = relation.oid AND field.attnum > 0 AND NOT field.attisdropped
             AND NOT has_column_privilege(relation.oid, field.attnum, 'SELECT')
       )
FROM unnest(%(schemas)s::text[], %(names)s::text[]) WITH ORDINALITY AS wanted (schema, name, place)
JOIN pg_catalog.pg_class AS relation ON relation.relname = wanted.name AND relation.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
JOIN pg_catalog.pg_namespace AS space ON space.oid = relation.relnamespace
WHERE CASE WHEN wanted.schema = '' THEN space.nspname = ANY (current_schemas(false)) ELSE space.nspname = wanted.schema END
ORDER BY wanted.place, array_position(current_schemas(false), space.nspname)
"""


_TROUBLE = (
    (
        errors.QueryCanceled,
        "not answered within {statement_timeout_s:g} s",
        "ask at a quieter time, or raise [sql] statement_timeout_s",
    ),
    (
        errors.LockNotAvailable,
        "a lock was not given within {lock_timeout_s:g} s",
        "a migration may be running: look at pg_stat_activity, and run this again when it is over",
    ),
    (errors.InsufficientPrivilege, "role {role} may not ask this", "it needs SELECT on every table, and BYPASSRLS"),
    (errors.UndefinedTable, "a table is missing", "say under [sql.names] what it is called here"),
    (errors.UndefinedColumn, "a column is missing", "say under [sql.names] what it is called here"),
    (errors.ConfigurationLimitExceeded, "more temporary files than the server allows", "ask at a quieter time"),
    (errors.DiskFull, "the server has no room for temporary files", "see to its disk first"),
    (psycopg.OperationalError, "the connection was lost", "see docs/runbook.md#database-unhealthy"),
    (psycopg.InterfaceError, "the connection was lost", "see docs/runbook.md#database-unhealthy"),
)
"""What a kind of error means to us, and what to do. The first that fits."""


class ConnectionLost(MeasurementFailed):
    """The server went away, or could not be reached; a new snapshot may get answers."""


class QuestionFailed(MeasurementFailed):
    """The server refused this one statement; another may still be answered."""


@dataclass(frozen=True)
class Patience:
    """How long the database may take, and how long a lock is waited for."""

    statement_timeout_s: float = 60.0
    lock_timeout_s: float = 2.0


@dataclass(frozen=True)
class Relation:
    """A table or view as it is in this database. ``rows`` is the planner's guess, good for ordering work."""

    oid: int
    rows: float
    is_readable: bool
    columns: tuple[str, ...]
    hidden_columns: tuple[str, ...] = ()
    """Columns that the role may not read."""

    @property
    def visible_columns(self) -> tuple[str, ...]:
        """Those that the role may read: naming any other in a query would fail the whole of it."""
        return tuple(column for column in self.columns if column not in self.hidden_columns)


class _Impatient(psycopg.Connection[tuple[Any, ...]]):
    """A connection that does not wait for ever: a server that is frozen never sends what its own limit would bring."""

    answer_within_s: float = 60.0

    def wait(self, gen: Generator[Wait, Ready | int, T], interval: float = 0.1, timeout: float | None = None) -> T:
        return super().wait(gen, interval, self.answer_within_s if timeout is None else timeout)


@dataclass
class Snapshot:
    """One moment of the database. Made by ``open_snapshot``."""

    where: str
    role: str
    patience: Patience
    connection: Connection
    _secret: str = field(repr=False, default="")
    _dsn: str = field(repr=False, default="")
    _exported: str = field(repr=False, default="")

    @property
    def is_lost(self) -> bool:
        """Whether the server has closed the connection."""
        return self.connection.broken

    def row(self, statement: str, parameters: Parameters | None = None) -> tuple[Any, ...]:
        """Give the first row of a statement. Raises MeasurementFailed."""
        return self.rows(statement, parameters)[0]

    def rows(self, statement: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Give the rows of a statement. Raises MeasurementFailed."""
        return self._asked(self.connection, statement, parameters)

    def all_of(self, questions: Iterable[tuple[str, Parameters]]) -> list[list[tuple[Any, ...]] | MeasurementFailed]:
        """Ask several questions, two at a time where a second connection can be had; each has its own answer.

        What the second one does not bring is asked here. Behind a question with which the snapshot was lost none is asked.
        """
        waiting = deque(enumerate(questions))
        answers: dict[int, list[tuple[Any, ...]] | MeasurementFailed] = {}
        lost: list[MeasurementFailed] = []

        def work(connection: Connection) -> None:
            while not lost:
                try:
                    number, (statement, parameters) = waiting.popleft()
                except IndexError:
                    return
                try:
                    answers[number] = self._asked(connection, statement, parameters)
                except MeasurementFailed as failed:
                    usable = connection.info.transaction_status in _USABLE
                    if not usable and connection is not self.connection:
                        waiting.appendleft((number, (statement, parameters)))
                        return
                    answers[number] = failed
                    lost.extend([] if usable else [failed])

        count = len(waiting)
        with self._second() if count > 1 else nullcontext() as second:
            beside = threading.Thread(target=work, args=(second,), daemon=True) if second is not None else None
            if beside is not None:
                beside.start()
            work(self.connection)
            if beside is not None:
                beside.join()
                work(self.connection)
        return [answers[number] if number in answers else lost[0] for number in range(count)]

    @contextmanager
    def _second(self) -> Iterator[Connection | None]:
        """Open a connection that sees the same moment; None where there is none to be had."""
        second: Connection | None = None
        try:
            second = _connect(self._dsn, self.patience)
            second.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self._exported)))
            second.execute(f"SELECT {_limits(self.patience)}")
        except psycopg.Error:
            if second is not None:
                second.close()
            second = None
        try:
            yield second
        finally:
            if second is not None:
                second.close()

    def _asked(self, connection: Connection, statement: str, parameters: Parameters | None) -> list[tuple[Any, ...]]:
        try:
            # Within a savepoint: one question that fails leaves the snapshot to the others.
            with connection.transaction():
                return connection.execute(statement, parameters).fetchall()
        except psycopg.Error as error:
            of_all = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
            lost = ConnectionLost if connection.broken else MeasurementFailed
            kind = lost if of_all else QuestionFailed
            raise kind(self._told(error)) from None

    def relations(self, names: Sequence[tuple[str, str]]) -> list[Relation | None]:
        """Look tables up by (schema or empty, name); None for one that is not there."""
        found: dict[int, Relation] = {}
        asked = {"schemas": [schema for schema, _ in names], "names": [name for _, name in names]}
        for place, oid, rows, is_readable, *columns in self.rows(_RELATIONS, asked):
            found.setdefault(place, Relation(oid, rows, is_readable, *map(tuple, columns)))
        return [found.get(place) for place in range(1, len(names) + 1)]

    def refuse_blindness(self, relations: Iterable[Relation]) -> None:
        """Raise MeasurementFailed when row level security hides rows of any of these from the role."""
        hidden = self.rows(_BLIND, {"relations": [relation.oid for relation in relations]})
        if hidden:
            tables = ", ".join(table for table, _ in hidden)
            whose = sorted({role for _, role in hidden})
            raise MeasurementFailed(
                f"role {' and '.join(whose)} is blind at {self.where}: row level security hides rows of {tables}, "
                "so neither loss nor integrity can be seen; use a role with BYPASSRLS and SELECT"
            )

    def _told(self, error: psycopg.Error) -> str:
        """What happened, where, and what to do."""
        said = _first_line(error, self._secret)
        name, advice = next(
            ((name, advice) for kind, name, advice in _TROUBLE if isinstance(error, kind)),
            (f"the database refused a question: {type(error).__name__}", "look at the query"),
        )
        what = name.format(role=self.role, **vars(self.patience))
        return f"{what} at {self.where}: {said}; {advice}"


@contextmanager
def open_snapshot(dsn: str, patience: Patience, *, called: str = "database_dsn") -> Iterator[Snapshot]:
    """Open a connection that sees one moment. ``called`` is the secret that has its DSN.

    Raises MeasurementFailed when that is not possible; never shows the password.
    """
    where, secret = _place(dsn)
    connection: Connection | None = None
    try:
        connection = _connect(dsn, patience)
        [[role, exported, *_]] = connection.execute(
            f"SELECT current_user::text, pg_export_snapshot(), {_limits(patience)}"
        ).fetchall()
        yield Snapshot(where, role, patience, connection, secret, dsn, exported)
    except psycopg.Error as error:
        said = _first_line(error, secret)
        raise ConnectionLost(
            f"cannot ask the database at {where}: {said}; is it up, and is the DSN ({called}) right? "
            "see docs/runbook.md#database-unhealthy",
            cause=f"the database at {where} cannot be asked: {said}",
        ) from None
    finally:
        if connection is not None:
            connection.close()  # ends the transaction; there is nothing to keep


def on_snapshot(dsn: str, patience: Patience, ask: Callable[[Snapshot], T]) -> T:
    """Ask on one snapshot; once more, on a new one, where the server went away meanwhile. Raises MeasurementFailed."""
    with suppress(ConnectionLost), open_snapshot(dsn, patience) as snapshot:
        found = ask(snapshot)
        if not snapshot.is_lost:
            return found
    Waiter().pause(_BACK_AFTER_S)
    with open_snapshot(dsn, patience) as snapshot:
        return ask(snapshot)


def _connect(dsn: str, patience: Patience) -> Connection:
    connection = _Impatient.connect(
        dsn,
        connect_timeout=_CONNECT_WITHIN_S,
        application_name=APPLICATION,
        prepare_threshold=None,  # a pooler gives each transaction another server connection
    )
    connection.answer_within_s = patience.statement_timeout_s + _AFTER_TIMEOUT_S
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    return connection


def _limits(patience: Patience) -> str:
    """Hold for this transaction only, so that a pooler hands nothing of it on."""
    limits = {
        "statement_timeout": f"{patience.statement_timeout_s * 1000:.0f}ms",
        "lock_timeout": f"{patience.lock_timeout_s * 1000:.0f}ms",
        "work_mem": f"{_WORK_MEM_MB}MB",
        # A query that would be filtered fails instead of showing less.
        "row_security": "off",
    }
    return ", ".join(f"set_config('{name}', '{value}', true)" for name, value in limits.items())


def _place(dsn: str) -> tuple[str, str]:
    """Where the DSN leads, for people, and its password, to be hidden."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise MeasurementFailed(
            "the DSN of the database (database_dsn) cannot be read (value not shown); expected postgresql://user:password@host:port/database"
        ) from None
    where = f"{parts.get('host') or 'local socket'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"
    return where, str(parts.get("password") or "")


def _first_line(error: BaseException, secret: str) -> str:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text.replace(secret, _SECRET) if secret else text
