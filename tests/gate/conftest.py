"""A run of the past, for what reads records, and a copy of the product's database, for what tries migrations."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pam_rollback.redeploy.gate.migration_copy import MigrationCopy
from pam_rollback.report.run_record import RunRecord, read
from pam_sandbox.practice_database import Access, copy_dsn, copy_name, make_copy
from tests.gate.scene import leave_run
from tests.running_product import Database


@pytest.fixture
def good_record(tmp_path: Path) -> RunRecord:
    """A rehearsal in which everything went well."""
    return read(leave_run(tmp_path / "past", "run-1", drilled=["feature-flag"], verdict="GO") / "run.json")


@pytest.fixture
def copy(product_database: Database) -> Iterator[MigrationCopy]:
    """A fresh copy of the product's database."""
    dsn = product_database.dsn
    make_copy(Access(dsn, "", product_database.administrator_dsn))
    yield MigrationCopy(copy_dsn(dsn))
    with psycopg.connect(product_database.administrator_dsn, autocommit=True) as connection:
        name = sql.Identifier(copy_name(dsn))
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
