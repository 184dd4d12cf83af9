"""The product's database as the tests ask it: the role that is meant for it, and sessions of those who may write."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from pam_rollback.database.integrity import Evaluation, evaluate
from pam_rollback.database.row_counting import oids_of
from pam_rollback.http.postgres import Patience, Snapshot, open_snapshot
from pam_rollback.target.files import load_contract
from pam_rollback.target.invariants import Invariant, parse_invariant
from pam_sandbox.database import dsn_of, migrations
from tests.running_product import Database

ROOT = Path(__file__).parents[3]
PATIENCE = Patience(statement_timeout_s=20, lock_timeout_s=0.2)
TABLES = load_contract(ROOT / "products" / "pam-plan.toml").tables
ROWS, PLAN_ROWS = TABLES.users, TABLES.plan
PASSWORD = "invented-for-this-test"
GIVEN: dict[str, object] = {
    "grace_s": 120.0,
    "test_user": None,
    "schema_version": migrations()[-1].version,
    "compatible_migrations": [],
}


def invariants() -> list[Invariant]:
    """Every check of the product's tables."""
    files = sorted((ROOT / "checks" / "integrity").glob("*.sql"))
    found = [parse_invariant(path.read_text(encoding="utf-8"), source=path.name, stem=path.stem) for path in files]
    return [invariant for invariant in found if "product" in invariant.dialects]


def made_up(identifier: str, query: str) -> Invariant:
    """An invariant about expenses."""
    header = (
        f"-- id: {identifier}\n-- criterion: SC-4\n-- sentence: it is so\n-- severity: critical\n-- expectation: no rows\n"
        "-- dialect: product\n-- tables: expenses\n-- anchor: data-loss\n\n"
    )
    return parse_invariant(header + query, source=f"{identifier}.sql", stem=identifier)


def as_role(dsn: str, role: str, password: str = PASSWORD) -> str:
    """The same database for another role."""
    return dsn_of(role, password, like=dsn)


@pytest.fixture(scope="module")
def dsn(auditor_dsn: str) -> str:
    """The database for the role that the checks are meant for."""
    return auditor_dsn


@pytest.fixture
def owner(product_database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A session of somebody who may write; what it did not commit is undone."""
    with psycopg.connect(product_database.dsn) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def administrator(product_database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A superuser's session on the product's database."""
    parts = urlsplit(product_database.administrator_dsn)
    with psycopg.connect(urlunsplit(parts._replace(path="/pam")), autocommit=True) as connection:
        yield connection


@contextmanager
def role(administrator: psycopg.Connection[tuple[object, ...]], *statements: str) -> Iterator[str]:
    """A role for a while, with these statements about it."""
    administrator.execute(f"CREATE ROLE visitor LOGIN PASSWORD '{PASSWORD}'")
    try:
        for statement in statements:
            administrator.execute(statement.encode())
        yield "visitor"
    finally:
        administrator.execute("DROP OWNED BY visitor CASCADE")
        administrator.execute("DROP ROLE visitor")


def evaluated(
    dsn: str, *found: Invariant, names: dict[str, str] | None = None, patience: Patience = PATIENCE
) -> Evaluation:
    """What becomes of these invariants, or of all."""
    with open_snapshot(dsn, patience) as snapshot:
        return evaluate(snapshot, found or invariants(), given=given(snapshot, names), names=names or {})


def given(snapshot: Snapshot, names: dict[str, str] | None = None) -> dict[str, object]:
    """What the queries are asked with."""
    return {**GIVEN, "users_tables": oids_of(snapshot, ROWS, names or {})}
