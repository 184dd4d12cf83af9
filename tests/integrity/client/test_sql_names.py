"""No name of an environment breaks a query, and each leads to what it names."""

import psycopg
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from sqlglot import exp

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.sql_names import TABLES, Names, accepted
from pam_rollback.integrity.client.row_counting import account_id, count_rows
from pam_rollback.integrity.client.sql_reader import DIALECT, read_query, renamed, text_of
from pam_rollback.outside.postgres import open_snapshot
from pam_rollback.sandbox.database import TEST_ACCOUNT_EMAIL
from tests.integrity.client.asked_database import PATIENCE, ROWS, dsn, evaluated, invariants, owner

__all__ = ["dsn", "owner"]

READINGS = {invariant.id: read_query(invariant) for invariant in invariants()}
COLUMNS = {
    table: sorted({column for reading in READINGS.values() for column in reading.columns.get(table, ())})
    for table in {table for reading in READINGS.values() for table in reading.tables}
}
KEYS = sorted(COLUMNS) + [f"{table}.{column}" for table, columns in COLUMNS.items() for column in columns]
ODD = st.one_of(
    st.sampled_from(sorted({column for columns in COLUMNS.values() for column in columns} | set(COLUMNS))),
    st.sampled_from(
        ["order", "select", "user", "Total", "two words", "a.b", "money.Spent", "x;y", "--", "'", "$1", "1"]
    ),
    st.text(min_size=1, max_size=70),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # each example reads every query
@given(st.dictionaries(st.sampled_from(KEYS), ODD, max_size=5))
def test_every_accepted_name_gives_sql_that_names_it(names: dict[str, str]) -> None:
    """Whatever it is the name of besides: parsed again, the query reads the table and the column that were named."""
    try:
        known = Names.of(accepted(names), COLUMNS, source="x")
    except (ConfigurationError, ValueError) as refused:
        assert all("expected the name of" in line for line in str(refused).splitlines()[1:] or [str(refused)])  # noqa: PT017 - whichever comes
        return
    present = {
        table: tuple({known.column(table, column) for column in columns} | {"id"}) for table, columns in COLUMNS.items()
    }
    for reading in READINGS.values():
        again = sqlglot.parse_one(text_of(renamed(reading.query, known, present)), dialect=DIALECT)
        read = {(table.db, table.name) for table in again.find_all(exp.Table)}
        named = {column.name for column in again.find_all(exp.Column)}
        for table in reading.tables:
            schema, _, name = known.table(table).rpartition(".")
            assert reading.has_looked_at or (schema, name) in read
            assert {known.column(table, column) for column in reading.columns[table]} <= named


def test_a_name_that_is_another_columns_too(dsn: str, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """Settings without an id of their own, known by their user; reserved words, capitals and blanks; a column that may not be read."""
    owner.execute('CREATE SCHEMA "Other place"')
    owner.execute(
        'CREATE TABLE "Other place"."order" AS SELECT user_id, setting_name AS "select", setting_value AS "the value", '
        "created_at, updated_at, 'x'::text AS secret FROM user_settings"
    )
    owner.execute('GRANT USAGE ON SCHEMA "Other place" TO pam_auditor')
    owner.execute(
        'GRANT SELECT (user_id, "select", "the value", created_at, updated_at) ON "Other place"."order" TO pam_auditor'
    )
    owner.commit()
    names = {
        "user_settings": "Other place.order",
        "user_settings.id": "user_id",
        "user_settings.setting_name": "select",
        "user_settings.setting_value": "the value",
        "auth.users.email": "email",
    }
    try:
        found = evaluated(dsn, names=names)
        with open_snapshot(dsn, PATIENCE) as snapshot:
            account = account_id(snapshot, TEST_ACCOUNT_EMAIL, names)
            counted = count_rows(snapshot, ROWS, test_user=str(account), names=names)
    finally:
        owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier("Other place")))
        owner.commit()

    assert found.unknown == {}
    about = ("settings-orphaned", "settings-blank", "settings-missing", "settings-duplicate", "timestamps-future")
    assert {name: found.results[name].holds for name in about} == dict.fromkeys(about, True)
    assert counted.tables["user_settings"].rows > 1000
    # The copy has no key: that is found, under the name that holds there.
    assert found.results["keys-missing"].worst == ("order",)


def test_the_tables_that_the_suite_reads_are_known() -> None:
    """A name of one of them is no mistake, whichever files there are."""
    assert {table for table in COLUMNS if not table.endswith("_seq")} == set(TABLES)
