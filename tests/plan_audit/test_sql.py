"""The plan's SQL as it stands there, by a real psql on a real PostgreSQL, beside what the suite makes of it."""

import os
from pathlib import Path

import psycopg
import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.outside.postgres import Patience, open_snapshot
from pam_rollback.sandbox.postgres_binaries import find_binaries
from tests.plan_audit.shell import Ran, run
from tests.running_product import Database

TABLES = """
DROP SCHEMA IF EXISTS plan CASCADE;
CREATE SCHEMA plan;
SET search_path = plan;
CREATE TABLE pam_conversations (id int PRIMARY KEY, response text, created_at timestamp NOT NULL DEFAULT now() - interval '1 day');
CREATE TABLE profiles (id int PRIMARY KEY, settings jsonb);
CREATE TABLE expenses (id int PRIMARY KEY, amount numeric NOT NULL, created_at timestamp NOT NULL DEFAULT now());
INSERT INTO pam_conversations SELECT n, 'an answer' FROM generate_series(1, 100) AS n;
INSERT INTO profiles SELECT n, '{"theme": "dark"}' FROM generate_series(1, 100) AS n;
INSERT INTO expenses SELECT n, 12.50 FROM generate_series(1, 100) AS n;
"""
"""The tables that the plan's queries assume."""
CONVERSATIONS = """
SELECT COUNT(*) as total_conversations,
  COUNT(CASE WHEN created_at > NOW() - INTERVAL '1 hour' THEN 1 END) as recent_conversations,
  COUNT(CASE WHEN response IS NULL THEN 1 END) as incomplete_conversations
FROM pam_conversations"""
PROFILES = "SELECT COUNT(*) as total_users, COUNT(CASE WHEN settings IS NOT NULL THEN 1 END) as users_with_settings FROM profiles"
TRANSACTIONS = "SELECT COUNT(*) as failed_transactions FROM expenses WHERE created_at > NOW() - INTERVAL '1 hour' AND amount IS NULL"


@pytest.fixture
def dsn(product_database: Database) -> str:
    """A database with the plan's tables, whole."""
    with psycopg.connect(product_database.administrator_dsn, autocommit=True) as connection:
        connection.execute(TABLES)
    return product_database.administrator_dsn


def damaged(dsn: str, damage: str, query: str, folder: Path) -> Ran:
    """What the plan's query says once something is wrong."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"SET search_path = plan; {damage}".encode())
    return psql(dsn, folder, f"SET search_path = plan;\n{query}")


def psql(dsn: str, folder: Path, sql: str, *options: str) -> Ran:
    """What psql makes of a file."""
    (folder / "checks.sql").write_text(sql + ";\n", encoding="utf-8")
    program = find_binaries(os.environ).folder / "psql"
    return run(folder, f'"{program}" "$DSN" --no-psqlrc -qAt {" ".join(options)} -f checks.sql', DSN=dsn)


def test_s7_a_missing_table_passes(product_database: Database, tmp_path: Path) -> None:
    """Psql ends with 0, and with 3 when it is told to stop. Here it is not a pass but unknown."""
    missing = "SELECT count(*) FROM no_such_table"
    plain = psql(product_database.dsn, tmp_path, missing)
    assert (plain.code, "does not exist" in plain.said) == (0, True)
    assert psql(product_database.dsn, tmp_path, missing, "-v", "ON_ERROR_STOP=1").code == 3

    with (
        open_snapshot(product_database.dsn, Patience(statement_timeout_s=20)) as snapshot,
        pytest.raises(MeasurementFailed, match="a table is missing"),
    ):
        snapshot.rows(missing)


def test_s1_losing_most_rows_is_no_finding(dsn: str, tmp_path: Path) -> None:
    """A count without another to compare it with, and 0 at the end. The suite counts before and after."""
    ran = damaged(dsn, "DELETE FROM pam_conversations WHERE id > 20", CONVERSATIONS, tmp_path)

    assert (ran.code, ran.said) == (0, "20|0|0\n")


def test_s2_blanked_answers_are_complete(dsn: str, tmp_path: Path) -> None:
    """No answer has anything in it, and none counts as incomplete; one that is being written counts."""
    assert damaged(dsn, "UPDATE pam_conversations SET response = ''", CONVERSATIONS, tmp_path).said == "100|0|0\n"

    writing = "INSERT INTO pam_conversations VALUES (101, NULL, now())"
    assert damaged(dsn, writing, CONVERSATIONS, tmp_path).said == "101|1|1\n"


@pytest.mark.parametrize("damage", ["UPDATE profiles SET settings = '{}'", "UPDATE profiles SET settings = 'null'"])
def test_s3_settings_that_were_wiped_are_intact(damage: str, dsn: str, tmp_path: Path) -> None:
    """Every user lost theirs; all of them count as having some."""
    assert damaged(dsn, damage, PROFILES, tmp_path).said == "100|100\n"


@pytest.mark.parametrize(
    "damage", ["UPDATE expenses SET amount = 'NaN'", "UPDATE expenses SET amount = -amount", "SELECT 1"]
)
def test_s4_failed_transactions_are_always_0(damage: str, dsn: str, tmp_path: Path) -> None:
    """The column cannot be NULL, and a transaction that was rolled back leaves no row: broken or whole, it is 0."""
    assert damaged(dsn, damage, TRANSACTIONS, tmp_path).said == "0\n"


def test_s5_the_last_hour_depends_on_the_session(dsn: str, tmp_path: Path) -> None:
    """The column has no zone: the same rows are recent, or not, by where one asks from."""
    fresh = "UPDATE pam_conversations SET created_at = now() AT TIME ZONE 'UTC'"
    counted = {
        zone: damaged(dsn, fresh, f"SET TimeZone = '{zone}';\n{CONVERSATIONS}", tmp_path).said
        for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles")
    }

    assert counted == {"UTC": "100|100|0\n", "Asia/Tokyo": "100|0|0\n", "America/Los_Angeles": "100|100|0\n"}


def test_s6_who_sees_no_row_finds_no_problem(dsn: str, tmp_path: Path) -> None:
    """Every answer is missing, and row level security hides it all: 0 of 0. Here such a role is refused."""
    blind = """
    UPDATE pam_conversations SET response = NULL;
    DROP ROLE IF EXISTS audit_anon; CREATE ROLE audit_anon;
    GRANT USAGE ON SCHEMA plan TO audit_anon; GRANT SELECT ON ALL TABLES IN SCHEMA plan TO audit_anon;
    ALTER TABLE pam_conversations ENABLE ROW LEVEL SECURITY
    """
    assert damaged(dsn, blind, f"SET ROLE audit_anon;\n{CONVERSATIONS}", tmp_path).said == "0|0|0\n"

    with open_snapshot(dsn, Patience(statement_timeout_s=20)) as snapshot:
        snapshot.row("SELECT set_config('role', 'audit_anon', true)")
        (relation,) = snapshot.relations([("plan", "pam_conversations")])
        assert relation is not None
        with pytest.raises(MeasurementFailed, match="audit_anon is blind"):
            snapshot.refuse_blindness([relation])
