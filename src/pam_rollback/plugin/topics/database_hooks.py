"""What a baseline has of the database, and what a rollback needs of it."""

from typing import TYPE_CHECKING

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database import ACCOUNT_FILE, CATALOGUE_FILE, ROWS_FILE
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.baseline_files import BaselinePart
from pam_rollback.target.environment import Environment

if TYPE_CHECKING:
    from pam_rollback.core.question import Call

_READER = "a role that may read all of it, and its DSN ([secrets] database_dsn_env)"
_DATABASE = ("database",)


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """Rows, who reaches them, objects of the schema; and the tables that are open to strangers."""
    return [
        BaselinePart("rows", "rows_recorded", _READER, _DATABASE, quick=True, file=ROWS_FILE, happened="were counted"),
        BaselinePart(
            "objects of the schema",
            "catalogue_recorded",
            "a role that may connect: it reads the catalogue alone",
            _DATABASE,
            quick=True,
            file=CATALOGUE_FILE,
        ),
        BaselinePart("policies and privileges", "access_recorded", _READER, _DATABASE, quick=True),
        BaselinePart("open tables", "open_tables_recorded", _READER, _DATABASE),
        BaselinePart(
            "the test account's contents",
            "contents_recorded",
            "a test account that is shown what it has",
            ("test_account",),
            file=ACCOUNT_FILE,
        ),
    ]


def pytest_pam_preflight(environment: Environment, plan: Plan) -> "list[Call]":
    """Whether the database would show what is compared, and from which copy of it lost rows could come back."""
    from pam_rollback.core.question import Question, one  # noqa: PLC0415 - for the phases that ask
    from pam_rollback.plan.plan_items import WriteLossLimit  # noqa: PLC0415 - the same

    text = "the database can be read, and no row is hidden from our role"
    copy = Question("lost rows could come back from a copy whose age is known", ("backup",))
    return [
        one(Question(text, ("backend", "full-system", "verification"), "database"), lambda: _rows_seen(environment)),
        one(copy, lambda: _copy_seen(environment, plan.the(WriteLossLimit).id)),
    ]


def _copy_seen(environment: Environment, item: str) -> str:
    from pam_rollback.database.rows_seen import copy_seen  # noqa: PLC0415 - as below

    if "staging_copy" in environment.abilities:
        return copy_seen(environment)
    raise MeasurementFailed(
        f"{environment.name} declares no copy of its database (staging_copy): ask who keeps the backups, and answer "
        f'--ack {item}="who: which copy, and how old"'
    )


def _rows_seen(environment: Environment) -> str:
    from pam_rollback.database.rows_seen import rows_seen  # noqa: PLC0415 - the driver takes long to load

    return rows_seen(environment)
