"""What a baseline has of the database."""

from pam_rollback.integrity import ACCESS_FILE, ROWS_FILE, SCHEMA_FILE
from pam_rollback.session.baseline_files import BaselinePart

_READER = "a role that may read all of it, and its DSN ([secrets] database_dsn_env)"
_DATABASE = ("database",)


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """Rows, who reaches them, objects of the schema; and the tables that are open to strangers."""
    return [
        BaselinePart("rows", "rows_recorded", _READER, _DATABASE, quick=True, file=ROWS_FILE, happened="were counted"),
        BaselinePart("policies and privileges", "access_recorded", _READER, _DATABASE, quick=True, file=ACCESS_FILE),
        BaselinePart(
            "objects of the schema",
            "schema_recorded",
            "a role that may connect: it reads the catalogue alone",
            _DATABASE,
            quick=True,
            file=SCHEMA_FILE,
        ),
        BaselinePart("open tables", "open_tables_recorded", _READER, _DATABASE),
    ]
