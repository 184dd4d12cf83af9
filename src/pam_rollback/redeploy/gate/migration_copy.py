"""The copy of the database on which migrations are tried: applied, looked at, and rolled back. Never the environment's own database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from pam_rollback.core.errors import MeasurementFailed, Refused
from pam_rollback.database.catalogue_reader import read_catalogue
from pam_rollback.database.integrity import evaluate
from pam_rollback.database.relations import WHO
from pam_rollback.database.row_access_reader import strangers
from pam_rollback.database.row_counting import account_id, oids_of
from pam_rollback.http.postgres import Patience, Snapshot, open_snapshot
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import CorruptionLimit
from pam_rollback.plugin.sql_files import invariants_of
from pam_rollback.redeploy.gate import stable_statements
from pam_rollback.redeploy.gate.migration_files import MigrationFile
from pam_rollback.redeploy.gate.migrations import Column, Contents, Picture, Reached, TrialFinding, copy_integrity
from pam_rollback.redeploy.gate.stable_release import Ran, Statement
from pam_rollback.target.environment import Environment

Connection = psycopg.Connection[tuple[Any, ...]]
NOTED_IN = "schema_migrations"
"""The table of applied migrations, as the contract names it."""
_CONNECT_WITHIN_S = 5
_LOCK_WITHIN_S = 5
_COPY: Final = "staging_copy_dsn"
_BLIND = """
SELECT o.oid::regclass::text FROM pg_class AS o WHERE o.relkind IN ('r', 'p') AND row_security_active(o.oid) ORDER BY 1
"""
"""The tables of which row level security hides rows from whoever asks."""
_TABLES = """
SELECT n.nspname::text, o.relname::text, ARRAY(
    SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1
)
FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND (o.relkind = 'r' AND NOT o.relispartition OR o.relkind = 'p')
ORDER BY 1, 2
"""
"""Every table that holds rows by itself, with its columns."""
_BOOKKEEPING = ("schema_migrations", "supabase_migrations.schema_migrations")


@dataclass(frozen=True)
class Tried:
    """What came of one migration: how long it took, and why it could not be done (empty: it was)."""

    took_s: float
    problem: str = ""


@dataclass(frozen=True)
class MigrationCopy:
    """The copy. ``bookkeeping`` is the table in which applied migrations are noted; empty: where the usual tools do."""

    dsn: str
    bookkeeping: str = ""
    deadline_s: float = 300.0

    def refuse_original(self, original_dsn: str) -> None:
        """Raise Refused when the copy is the environment's own database, by whatever name; MeasurementFailed when it cannot be told."""
        with self._connected() as copy, self._connected(original_dsn) as original:
            here, there = _row(copy, WHO), _row(original, WHO)
        if here == there:
            raise Refused(
                f"staging_copy_dsn leads to {here[3]!r}, the environment's own database: migrations are tried on a copy only; "
                "make one (pg_dump, or a branch of the database) and name that"
            )

    def applied(self) -> frozenset[str]:
        """The versions that are noted; none where there is no list. Raises MeasurementFailed when the list that was named is not there."""
        if not self.noted_in:
            return frozenset()
        table = sql.Identifier(*self.noted_in.split("."))
        with self._connected() as connection:
            return frozenset(
                str(version) for (version,) in connection.execute(sql.SQL("SELECT version FROM {}").format(table))
            )

    def moment(self) -> str:
        """Now, as a transaction: rows that are written from here on bear a later one."""
        with self._connected() as connection:
            return str(_row(connection, "SELECT pg_current_xact_id()::xid::text")[0])

    def picture(self, *, since: str = "") -> Picture:
        """The whole of it, at one moment. ``since``, a ``moment``, has the rows counted that nobody wrote after it.

        Raises MeasurementFailed also when rows are hidden from the role, or there are none.
        """
        with open_snapshot(self.dsn, Patience(self.deadline_s, _LOCK_WITHIN_S), called=_COPY) as snapshot:
            blind = [str(table) for (table,) in snapshot.rows(_BLIND)]
            if blind:
                raise MeasurementFailed(
                    f"the copy's role is blind: row level security hides rows of {', '.join(blind[:3])}; use who owns the tables"
                )
            catalogue = read_catalogue(snapshot, (), (), {}, migrations=self.noted_in or NOTED_IN, whole=True)
            tables = {
                f"{schema}.{name}": _contents(snapshot, schema, name, columns, since)
                for schema, name, columns in snapshot.rows(_TABLES)
                if self.noted_in not in {name, f"{schema}.{name}"}
            }
        columns = {name: Column.of(one) for name, one in catalogue.of("column").items()}
        found = Picture(catalogue.texts, tables, columns)
        if not found.rows:
            raise MeasurementFailed(
                "the copy has no row: nothing can be learned from it; make it of a database that is in use"
            )
        return found

    def statements(self, picture: Picture) -> tuple[Statement, ...]:
        """What a release that knows the tables as they are could send."""
        with self._connected() as connection:
            connection.execute("SET search_path TO ''")
            return stable_statements.statements_of(connection, picture)

    def sent(self, statements: Iterable[Statement]) -> dict[Statement, Ran]:
        """What comes of them; nothing of it stays."""
        with self._connected() as connection:
            found = stable_statements.sent(connection, statements)
            connection.rollback()
            return found

    def apply(self, migration: MigrationFile) -> Tried:
        """Apply it, and note it."""
        return self._run(migration.up, self._noting(migration))

    def revert(self, migration: MigrationFile) -> Tried:
        """Roll it back, and forget it."""
        if migration.down is None:
            return Tried(0.0, f"{migration} has no way back")
        table = sql.Identifier(*self.noted_in.split("."))
        return self._run(
            migration.down, sql.SQL("DELETE FROM {} WHERE version = {}").format(table, sql.Literal(migration.version))
        )

    @cached_property
    def noted_in(self) -> str:
        """The table in which what was applied is noted; empty where there is none."""
        if self.bookkeeping:
            return self.bookkeeping
        with self._connected() as connection:
            usual = [name for name in _BOOKKEEPING if _row(connection, f"SELECT to_regclass('{name}') IS NOT NULL")[0]]
        return usual[0] if usual else ""

    def _noting(self, migration: MigrationFile) -> sql.Composed:
        if not self.noted_in:
            return sql.Composed([sql.SQL("SELECT 1")])
        table = sql.Identifier(*self.noted_in.split("."))
        values = {"version": migration.version, "name": migration.name, "checksum": "", "dirty": False}
        with self._connected() as connection:
            described = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(table)).description or ()
        known = [column.name for column in described if column.name in values]
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            table,
            sql.SQL(", ").join(map(sql.Identifier, known)),
            sql.SQL(", ").join(sql.Literal(values[name]) for name in known),
        )

    def _run(self, script: str, afterwards: sql.Composed) -> Tried:
        """Run a script as one message, as migration tools do: it is one transaction unless it says otherwise."""
        began_s = time.monotonic()
        with self._connected(autocommit=True) as connection:
            connection.execute(
                f"SET statement_timeout = '{self.deadline_s:g}s'; SET lock_timeout = '{_LOCK_WITHIN_S}s'".encode()
            )
            try:
                connection.execute(script.encode())
                connection.execute(afterwards)
            except errors.QueryCanceled:
                return Tried(
                    time.monotonic() - began_s, f"no end within {self.deadline_s:g} s (plan.toml migration_deadline_s)"
                )
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except psycopg.Error as error:
                return Tried(time.monotonic() - began_s, " ".join(str(error).split()))
        return Tried(time.monotonic() - began_s)

    @contextmanager
    def _connected(self, dsn: str = "", *, autocommit: bool = False) -> Iterator[Connection]:
        wanted = dsn or self.dsn
        password = ""
        try:
            password = str(conninfo_to_dict(wanted).get("password") or "")
            with psycopg.connect(
                wanted, connect_timeout=_CONNECT_WITHIN_S, autocommit=autocommit, prepare_threshold=None
            ) as connection:
                yield connection
        except psycopg.Error as error:
            name = "database_dsn" if dsn else _COPY
            said = " ".join(str(error).split())
            said = said.replace(password, "***") if password else said
            raise MeasurementFailed(
                f"the database of {name} cannot be asked: {said}; is it up, and is the DSN right, of who owns the tables?"
            ) from None


def _contents(snapshot: Snapshot, schema: str, name: str, columns: list[str], since: str) -> Contents:
    """Sums of hashes, so that neither the order of the rows nor that of the columns counts."""
    digests = [
        sql.SQL("sum(coalesce(hashtextextended({}::text, 0), 1)::numeric)::text").format(sql.Identifier(column))
        for column in columns
    ]
    old = sql.SQL("count(*) FILTER (WHERE age(xmin) > age({}::xid))").format(since) if since else sql.SQL("0")
    asked = sql.SQL(", ").join([sql.SQL("count(*)"), old, *digests])
    query = sql.SQL("SELECT {} FROM {}").format(asked, sql.Identifier(schema, name))
    rows, old_rows, *found = snapshot.row(query.as_string(None))
    return Contents(rows, dict(zip(columns, map(str, found), strict=True)), old_rows)


def _row(connection: Connection, statement: str | sql.Composed) -> tuple[Any, ...]:
    query = statement.encode() if isinstance(statement, str) else statement
    found = connection.execute(query).fetchone()
    if found is None:
        raise MeasurementFailed("expected a row, found none")
    return found


def reached_on_copy(environment: Environment) -> Reached:
    """By which rows of the copy can be reached as it is now. Raises MeasurementFailed when the catalogue cannot be read."""
    patience = Patience(environment.sql.statement_timeout_s, environment.sql.lock_timeout_s)
    schemas, names = environment.contract.tables.schemas, environment.table_names
    with open_snapshot(environment.secret(_COPY), patience, called=_COPY) as snapshot:
        noted_in = names.get(NOTED_IN, NOTED_IN)
        catalogue = read_catalogue(snapshot, schemas, environment.users_rows, names, migrations=noted_in)
        found = strangers(snapshot, catalogue, environment.users_rows, names)
        return Reached(catalogue, frozenset(one.text for one in found.findings), tuple(found.unknown.values()))


def invariants_on_copy(
    environment: Environment, plan: Plan, root: Path, schema_version: str, *, noted_in: str
) -> TrialFinding:
    """Every critical invariant of ``checks/integrity`` on the copy, as a release would be asked that was built with these migrations.

    ``noted_in`` is the table in which applied migrations are noted. Where there is none, nobody can ask what it says.
    """
    invariants = [
        one
        for one in invariants_of(root, environment)
        if one.severity == "critical" and (noted_in or NOTED_IN not in one.tables)
    ]
    patience = Patience(environment.sql.statement_timeout_s, environment.sql.lock_timeout_s)
    with open_snapshot(environment.secret(_COPY), patience, called=_COPY) as snapshot:
        user = (
            account_id(snapshot, environment.secret("test_user_email"), environment.table_names)
            if "test_account" in environment.abilities
            else None
        )
        found = evaluate(
            snapshot,
            invariants,
            given={
                "users_tables": oids_of(snapshot, environment.users_rows, environment.table_names),
                "grace_s": environment.sql.answer_grace_s,
                "test_user": user,
                "schema_version": schema_version,
                "compatible_migrations": [],
            },
            names={**environment.table_names, **({NOTED_IN: noted_in} if noted_in not in {"", NOTED_IN} else {})},
            settings=environment.contract.tables.settings,
            offenders_max=plan.the(CorruptionLimit).corrupted_records_max,
        )
    broken = tuple(str(result) for result in found.results.values() if not result.holds)
    return copy_integrity(len(found.results) - len(broken), broken, found.unknown)
