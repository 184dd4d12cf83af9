"""Settings in a wide table, one column each, are judged as those in a narrow one."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from pam_rollback.database.row_counting import count_rows
from pam_rollback.database.row_counts import lost
from pam_rollback.http.postgres import open_snapshot
from tests.database.client.asked_database import PATIENCE, ROWS, dsn, evaluated, owner

__all__ = ["dsn", "owner"]

NAMES = {"user_settings": "wide.user_settings"}
PREFERENCES = ("display", "integration", "location", "notification", "pam", "privacy", "regional")
Owner = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def wide(owner: Owner) -> Iterator[Owner]:
    """The product's wide form: a row a user, its key, seven columns with a default each."""
    columns = ", ".join(f"{name}_preferences jsonb DEFAULT '{{\"on\": true}}'" for name in PREFERENCES)
    owner.execute("CREATE SCHEMA wide")
    owner.execute(
        "CREATE TABLE wide.user_settings (user_id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE, "
        f"{columns}, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now())".encode()
    )
    owner.execute("INSERT INTO wide.user_settings (user_id, created_at) SELECT id, created_at FROM profiles")
    # A setting that somebody never had, and one that stands alone.
    owner.execute(
        "UPDATE wide.user_settings SET pam_preferences = NULL WHERE user_id IN (SELECT id FROM profiles LIMIT 9)"
    )
    owner.execute("ALTER TABLE wide.user_settings ENABLE ROW LEVEL SECURITY")
    owner.execute("GRANT USAGE ON SCHEMA wide TO pam_auditor")
    owner.execute("GRANT SELECT ON wide.user_settings TO pam_auditor")
    owner.commit()
    yield owner
    owner.rollback()
    owner.execute("DROP SCHEMA wide CASCADE")
    owner.commit()


def test_a_healthy_wide_table_holds_everything(dsn: str, wide: Owner) -> None:
    """Nothing is unknown, nothing red, also where a person lacks one of the settings; a lost key of the table is red."""
    found = evaluated(dsn, names=NAMES)
    wide.execute("ALTER TABLE wide.user_settings DROP CONSTRAINT user_settings_pkey")
    wide.commit()
    keyless = evaluated(dsn, names=NAMES)

    assert found.unknown == {}
    assert [result for result in found.results.values() if not result.holds or not result.looked_at] == []
    assert found.results["settings-blank"].looked_at == 402 * 7 - 9
    assert keyless.results["keys-missing"].worst == ("user_settings",)


@pytest.mark.parametrize(
    ("value", "red"),
    [
        ("'{}'", "settings-blank"),
        ("'null'", "settings-blank"),
        ("'\" \"'", "settings-blank"),
        ("NULL", "settings-missing"),
    ],
)
def test_wiped_settings_are_red(dsn: str, wide: Owner, value: str, red: str) -> None:
    """All seven of everybody, whatever they were wiped with; in the check of it and in no other."""
    wiped = ", ".join(f"{name}_preferences = {value}" for name in PREFERENCES)
    wide.execute(f"UPDATE wide.user_settings SET {wiped}".encode())  # noqa: S608 - constants
    wide.commit()
    found = evaluated(dsn, names=NAMES)

    assert found.unknown == {}
    broken = {name for name, result in found.results.items() if result.offenders}
    assert broken == {red}
    assert found.results[red].offenders in {402, 402 * 7}
    # Twenty people, each once and by one id, not three people seven times each.
    assert len(set(found.results[red].worst)) == len(found.results[red].worst) == 20
    assert all(re.fullmatch(r"[0-9a-f-]{36}", one) for one in found.results[red].worst)


def test_rows_of_a_wide_table_are_counted_by_user(dsn: str, wide: Owner) -> None:
    """It has no ids of its own; a row that goes is a loss, a setting that comes is none."""
    with open_snapshot(dsn, PATIENCE) as snapshot:
        before = count_rows(snapshot, ROWS, test_user=None, names=NAMES)
    wide.execute("UPDATE wide.user_settings SET pam_preferences = '{\"on\": false}'")
    wide.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        used = count_rows(snapshot, ROWS, test_user=None, names=NAMES, before=before)
    wide.execute("DELETE FROM wide.user_settings WHERE user_id IN (SELECT id FROM profiles LIMIT 3)")
    wide.commit()
    with open_snapshot(dsn, PATIENCE) as snapshot:
        fewer = count_rows(snapshot, ROWS, test_user=None, names=NAMES, before=before)

    assert lost(before, used).holds
    assert "user_settings: 3 rows lost" in str(lost(before, fewer))
