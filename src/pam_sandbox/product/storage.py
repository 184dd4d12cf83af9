"""The way to the database: a small pool behind a circuit breaker that survives an outage and says so quickly."""

from __future__ import annotations

import asyncio
import logging
import select
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

FAILURES_MAX = 5
OPEN_S = 0.5
"""Short: what is well again is to be used again at once."""


class State(StrEnum):
    """As the product's health answer names it."""

    CLOSED = "CLOSED"
    """Calls pass."""
    OPEN = "OPEN"
    """Calls are refused."""
    HALF_OPEN = "HALF_OPEN"
    """The next call is tried; until it has ended, others are refused."""


class OpenCircuitError(RuntimeError):
    """Refused without trying: what is behind it failed a moment ago."""


class Breaker:
    """After some failures in a row what it guards is left alone for a while, and then tried once: all at once would keep it down."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.opened = 0
        """How often it has opened."""
        self.failures = 0
        """In a row."""
        self._opened_s: float | None = None
        self._tried = False

    @property
    def state(self) -> State:
        """How it stands now."""
        if self._opened_s is None:
            return State.CLOSED
        return State.OPEN if time.monotonic() - self._opened_s < OPEN_S else State.HALF_OPEN

    @contextmanager
    def guard(self, *failures: type[BaseException]) -> Iterator[None]:
        """Guard the block: these exceptions are failures, any other end says that it works. Raises OpenCircuitError when it is open.

        A block that was given up (cancelled, or a generator that was closed) says neither.
        """
        trial = self.state is State.HALF_OPEN
        if self.state is State.OPEN or (trial and self._tried):
            raise OpenCircuitError(f"the circuit breaker of the {self.name} is open")
        self._tried = trial or self._tried
        try:
            yield
        except failures:
            self.failures += 1
            if self._opened_s is not None or self.failures >= FAILURES_MAX:
                self.opened += self._opened_s is None
                self._opened_s = time.monotonic()
            raise
        except Exception:
            self.failures, self._opened_s = 0, None
            raise
        else:
            self.failures, self._opened_s = 0, None
        finally:
            if trial:
                self._tried = False


# A user waits this long for a connection before the answer is "unavailable"; below the second that a health check may take.
_CONNECTION_WAIT_S = 0.8
_WAITS_AGAIN = 4
_LATE_S = 0.1
# The pool's own retries back off from one second on; giving up early makes the next request try at once after an outage.
_RECONNECT_S = 0.5
_START_WITHIN_S = 5.0
_POOL_MIN = 1
_POOL_MAX = 6
_CLOSE_S = 1.0
# libpq's smallest value; a server that is gone refuses at once, this is for one that is stuck.
_CONNECT_TIMEOUT_S = 2
_STATEMENT_TIMEOUT_MS = 4000

_FAILURES = (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError)

Connection = psycopg.AsyncConnection[DictRow]
"""An open connection whose rows are dictionaries."""

logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class StorageUnavailableError(RuntimeError):
    """The database cannot be reached or broke off; nothing is known to be stored."""


class PatientPool(AsyncConnectionPool[Any]):
    """A pool that loses no connection to a request that is given up, and tells a busy machine from a database that is away."""

    def __init__(self, dsn: str, **options: Any) -> None:
        super().__init__(dsn, check=self._check_when_told, open=False, **options)

    async def getconn(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - as the pool has it
        """Wait again while others are served or could be, or while we were late ourselves: then it is the machine, not the database."""
        for _ in range(_WAITS_AGAIN):
            before, began_s = self.get_stats(), time.monotonic()
            try:
                return await super().getconn(timeout)
            except PoolTimeout:
                now, late_s = self.get_stats(), time.monotonic() - began_s - (timeout or self.timeout)
                refused, served = (now.get(key, 0) > before.get(key, 0) for key in ("connections_errors", "usage_ms"))
                if refused or not (served or now["pool_available"] or late_s > _LATE_S):
                    raise
        return await super().getconn(timeout)

    async def putconn(self, conn: Any) -> None:
        """Give it back also when the request that had it is cancelled meanwhile, which would lose it for good."""
        await asyncio.shield(super().putconn(conn))

    async def _check_when_told(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Raise psycopg.OperationalError when the server has closed the connection.

        It is asked only where its side can be read unasked, as after a close: a round trip before each statement would cost as much as
        that. A server that closed one has closed them all; the pool by itself would try the third only when it is too late.
        """
        unasked = select.poll()
        unasked.register(connection.fileno(), select.POLLIN)
        if not unasked.poll(0):
            return
        try:
            await self.check_connection(connection)
        except _FAILURES:
            await self.drain()
            raise


class Storage:
    """Connections that work as `service_role`, the role of the application, which bypasses row level security."""

    def __init__(self, dsn: str) -> None:
        self.breaker = Breaker("database")
        self._pool = PatientPool(
            dsn,
            connection_class=psycopg.AsyncConnection[DictRow],
            kwargs={
                "row_factory": dict_row,
                "autocommit": True,
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "application_name": "pam-api",
                "options": f"-c role=service_role -c statement_timeout={_STATEMENT_TIMEOUT_MS}",
            },
            min_size=_POOL_MIN,
            max_size=_POOL_MAX,
            timeout=_CONNECTION_WAIT_S,
            reconnect_timeout=_RECONNECT_S,
        )

    async def open(self) -> None:
        """Begin to connect, without waiting: a release starts during an outage, too."""
        await self._pool.open(wait=False)

    async def connected(self) -> None:
        """Wait until there is a connection; raises StorageUnavailableError when there is none for a while."""
        try:
            await self._pool.wait(_START_WITHIN_S)
        except PoolTimeout as error:
            raise StorageUnavailableError(_first_line(error)) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close(timeout=_CLOSE_S)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Give a connection whose work is committed at the end, or not at all; raises StorageUnavailableError."""
        async with self._connection() as connection, connection.transaction():
            yield connection

    async def rows(self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[DictRow]:
        """Run one statement, which the server makes a transaction of its own; raises StorageUnavailableError."""
        async with self._connection() as connection:
            return await fetch(connection, query, parameters)

    async def row(self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> DictRow | None:
        """Give the first row of one statement, or None; raises StorageUnavailableError."""
        found = await self.rows(query, parameters)
        return found[0] if found else None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            with self.breaker.guard(*_FAILURES):
                async with self._pool.connection() as connection:
                    yield connection
        except (*_FAILURES, OpenCircuitError) as error:
            raise StorageUnavailableError(_first_line(error)) from error


async def fetch(
    connection: Connection, query: str, parameters: Sequence[object] | Mapping[str, object] = ()
) -> list[dict[str, Any]]:
    """Run one statement on an open transaction and give its rows."""
    cursor = await connection.execute(query.encode(), parameters)
    return await cursor.fetchall() if cursor.description else []


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
