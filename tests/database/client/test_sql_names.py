"""No name of an environment breaks a query, and each leads to what it names."""

import psycopg
from psycopg import sql

from pam_rollback.database.row_counting import account_id, count_rows
from pam_rollback.http.postgres import open_snapshot
from pam_sandbox.database import TEST_ACCOUNT_EMAIL
from tests.database.client.asked_database import PATIENCE, ROWS, dsn, evaluated, owner

__all__ = ["dsn", "owner"]


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
