"""What is asked of the environment's database, each on one READ ONLY snapshot. The driver is loaded when it is needed: that takes long."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database.row_counts import TableCounts
from pam_rollback.database.schema_changes import KnownMigrations
from pam_rollback.http.client import fetch
from pam_rollback.target.environment import Environment

if TYPE_CHECKING:
    from pam_rollback.http.postgres import Snapshot


T = TypeVar("T")


def on_snapshot(environment: Environment, ask: "Callable[[Snapshot], T]") -> T:
    """Ask the environment's database on one READ ONLY snapshot. Raises MeasurementFailed."""
    from pam_rollback.http import postgres  # noqa: PLC0415 - only where it is used: see above

    patience = postgres.Patience(environment.sql.statement_timeout_s, environment.sql.lock_timeout_s)
    return postgres.on_snapshot(environment.secret("database_dsn"), patience, ask)


def query_parameters(
    environment: Environment,
    snapshot: "Snapshot",
    saw_release: Callable[[str], None],
    running: Callable[[Environment], KnownMigrations],
) -> dict[str, object]:
    """Return the parameters that the queries may use. What cannot be found out makes unknown only what needs it.

    ``running`` names the migrations of the running release's commit where the release does not say, or raises MeasurementFailed.
    """
    from pam_rollback.database.row_counting import account_id, oids_of  # noqa: PLC0415 - as above

    version, own = _schema_version(environment, saw_release, running)
    return {
        "users_tables": oids_of(snapshot, environment.users_rows, environment.table_names),
        "grace_s": environment.sql.answer_grace_s,
        "test_user": account_id(snapshot, environment.secret("test_user_email"), environment.table_names)
        if "test_account" in environment.abilities
        else None,
        "schema_version": version,
        "compatible_migrations": [*environment.sql.compatible_migrations, *own],
    }


def _schema_version(
    environment: Environment, saw_release: Callable[[str], None], running: Callable[[Environment], KnownMigrations]
) -> tuple[object, tuple[str, ...]]:
    """What the running release was built with, by its word or by its commit's files; with those that it knows besides."""
    from pam_rollback.database.row_counting import Unavailable  # noqa: PLC0415 - as above

    url = environment.url_of("version")
    answer = fetch(url, deadline_s=environment.probing.request_deadline_s)
    body = answer.json
    told = body if isinstance(body, dict) else {}
    # Today's product names its release under "version".
    saw_release(str(told.get("release") or told.get("version") or ""))
    version = told.get("schema_version")
    if isinstance(version, str) and version:
        return version, ()
    try:
        known = running(environment)
    except MeasurementFailed as unknown:
        silent = "the running release does not say which migration it was built with; expected schema_version"
        return Unavailable(f"{silent}, found {answer}; nor do the files of its commit: {unknown}"), ()
    return known.needed, known.own


def counted(environment: Environment, snapshot: "Snapshot", before: TableCounts | None = None) -> TableCounts:
    """The core tables, without the test account, which writes on. Raises MeasurementFailed."""
    from pam_rollback.database.row_counting import count_rows  # noqa: PLC0415 - as above

    return count_rows(
        snapshot,
        environment.users_rows,
        test_user=_test_user(environment, snapshot),
        names=environment.table_names,
        before=before,
    )


def _test_user(environment: Environment, snapshot: "Snapshot") -> str | None:
    """The id of the account whose rows do not count. Raises MeasurementFailed when it cannot be looked up."""
    from pam_rollback.database.row_counting import Unavailable, account_id  # noqa: PLC0415 - as above

    if "test_account" not in environment.abilities:
        return None
    account = account_id(snapshot, environment.secret("test_user_email"), environment.table_names)
    if isinstance(account, Unavailable):
        raise MeasurementFailed(f"the rows cannot be counted: {account.why}")
    return account


def damaged_ids(
    environment: Environment,
    groups: Mapping[str, tuple[int, ...]],
    before: TableCounts,
    *,
    moved: Mapping[str, Mapping[int, int]] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Of rows of these groups, among which the damaged ones are. Without them the finding stands all the same."""
    from pam_rollback.database.row_counting import ids_in_groups  # noqa: PLC0415 - as above

    try:
        return on_snapshot(
            environment,
            lambda snapshot: ids_in_groups(
                snapshot,
                environment.users_rows,
                groups,
                test_user=_test_user(environment, snapshot),
                names=environment.table_names,
                until=before.created_until,
                moved=moved,
            ),
        )
    except MeasurementFailed:
        return {}
