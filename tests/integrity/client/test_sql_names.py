"""No name of an environment breaks a query, and each leads to what it names."""

import psycopg
from psycopg import sql

from pam_rollback.environment.sql_names import TABLES, Names
from pam_rollback.integrity.relations import renamed
from pam_rollback.integrity.row_counting import account_id, count_rows
from pam_rollback.outside.postgres import Relation, open_snapshot
from pam_rollback.sandbox.database import TEST_ACCOUNT_EMAIL
from tests.integrity.client.asked_database import PATIENCE, ROWS, dsn, evaluated, invariants, owner

__all__ = ["dsn", "owner"]

TABLES_READ = {table for invariant in invariants() for table in invariant.tables}


def test_tables_that_have_each_others_names_are_told_apart() -> None:
    """What stands in for a table is never what another one is called here; an odd name is quoted."""
    names = Names({"a": "b", "b": "a", "auth.users": 'x;"y'}, {"a": {"id": "two words"}})
    relation = Relation(1, 0.0, is_readable=True, columns=("two words", "n"))
    text = renamed("SELECT id FROM a, b, auth.users", names, dict.fromkeys(("a", "b", "auth.users"), relation))

    assert text == (
        'WITH "here_0" AS NOT MATERIALIZED (SELECT "two words", "n" FROM "b"), '
        '"here_1" AS NOT MATERIALIZED (SELECT "two words", "n" FROM "a"), '
        '"here_2" AS NOT MATERIALIZED (SELECT "two words", "n" FROM "x;""y"), '
        '"a" AS NOT MATERIALIZED (SELECT "two words", "n", "two words" AS "id" FROM "here_0"), '
        '"b" AS NOT MATERIALIZED (SELECT "two words", "n" FROM "here_1"), '
        '"auth.users" AS NOT MATERIALIZED (SELECT "two words", "n" FROM "here_2") '
        'SELECT id FROM a, b, "auth.users"'
    )


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
    assert {table for table in TABLES_READ if not table.endswith("_seq")} == set(TABLES)
