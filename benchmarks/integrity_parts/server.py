"""A PostgreSQL server for the benchmark of the integrity checks, with room for its rows. It ends with the benchmark."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from pam_sandbox.children import Children
from pam_sandbox.database import create
from pam_sandbox.postgres import ADMINISTRATOR, Server, choose_runner, find_binaries

_PASSWORD = "only-for-this-benchmark"  # noqa: S105 - of a server that lives for minutes, on loopback
_SETTINGS = {
    # What a small production server has; the plans are the server's own.
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "max_wal_size": "16GB",
    "max_parallel_workers_per_gather": "2",
    "log_temp_files": "0",
    "track_io_timing": "on",
}


@dataclass(frozen=True)
class BenchmarkServer:
    """Connection strings: the application's role, which sees every row, and the administrator's on the same database."""

    dsn: str
    administrator_dsn: str
    log: Path

    def temporary_bytes(self) -> int:
        """How many bytes of temporary files the database has written so far."""
        with psycopg.connect(self.administrator_dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_stat_force_next_flush()")
            found = connection.execute("SELECT temp_bytes FROM pg_stat_database WHERE datname = 'pam'").fetchone()
        return int(found[0]) if found else 0


@contextmanager
def benchmark_server() -> Iterator[BenchmarkServer]:
    """Start it, make the product's tables, and leave nothing behind."""
    children = Children()
    folder = Path(tempfile.mkdtemp(prefix="pam-benchmark-"))
    folder.chmod(0o711)  # the unprivileged account that serves has to pass through
    children.owns_folder(folder)
    binaries = find_binaries(os.environ)
    server = Server(
        binaries=binaries, runner=choose_runner(binaries, folder), children=children, data=folder / "data", logs=folder
    )
    try:
        asyncio.run(server.initialise(_PASSWORD))
        asyncio.run(server.start())
        dsn = server.make_application_database(_PASSWORD)
        administrator = server.dsn(user=ADMINISTRATOR, password=_PASSWORD, database="pam")
        with psycopg.connect(administrator, autocommit=True) as connection:
            for name, value in _SETTINGS.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        asyncio.run(server.stop())
        asyncio.run(server.start())
        create(dsn)
        yield BenchmarkServer(dsn, administrator, folder / "postgres.log")
    finally:
        asyncio.run(server.stop())
        children.close()
