"""Whether the database would show what a rollback has to compare: apart from the other questions, as its driver takes long to load."""

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.figures import duration
from pam_rollback.database.relations import WHO, Statements
from pam_rollback.http.postgres import Patience, open_snapshot
from pam_rollback.target.environment import Environment
from pam_sandbox.problems import SandboxError
from pam_sandbox.remote import Remote

_CREATED = "created_at"


def make_copy_anew(environment: Environment) -> None:
    """On the sandbox the copy is made now. Elsewhere somebody has made it. Raises MeasurementFailed."""
    if environment.sandbox is None:
        return
    try:
        Remote(environment.sandbox.control_url, environment.sandbox.token).copy_database()
    except SandboxError as error:
        raise MeasurementFailed(f"the sandbox makes no copy of its database: {error}") from error


def copy_seen(environment: Environment) -> str:
    """Say how old the newest row of the copy is.

    Raises ActionFailed when nothing could come back from it, and MeasurementFailed when that is not known.
    """
    make_copy_anew(environment)
    tables, patience = tuple(environment.users_rows), _patience(environment)
    with open_snapshot(environment.secret("staging_copy_dsn"), patience) as copy:
        if "database" in environment.abilities:
            with open_snapshot(environment.secret("database_dsn"), patience) as original:
                if copy.row(WHO) == original.row(WHO):
                    raise ActionFailed(
                        f"staging_copy_dsn leads to the database itself, at {copy.where}: that is no copy"
                    )
        statements = Statements.of(copy, tables, environment.table_names)
        copy.refuse_blindness(statements.relations.values())
        newest = [f"SELECT max({_CREATED}) AS at FROM {table}" for table in tables if statements.has(table, _CREATED)]  # noqa: S608 - identifiers
        rows = [copy.row(f"SELECT extract(epoch FROM now() - ({statements.text(text)}))::float8") for text in newest]  # noqa: S608 - the same
    known_s = [age_s for (age_s,) in rows if age_s is not None]
    if not known_s:
        raise ActionFailed(f"no row of the copy at {copy.where} says when it was made: nothing is known to be in it")
    return f"the copy at {copy.where}, whose newest row is {duration(max(0.0, min(known_s)))} old"


def rows_seen(environment: Environment) -> str:
    """The users' tables can be read, and no row is hidden from the role. Raises ActionFailed when not."""
    try:
        with open_snapshot(environment.secret("database_dsn"), _patience(environment)) as snapshot:
            found = Statements.of(snapshot, tuple(environment.users_rows), environment.table_names).relations
            snapshot.refuse_blindness(found.values())
            return f"{len(found)} tables can be read at {snapshot.where}"
    except MeasurementFailed as error:
        raise ActionFailed(str(error)) from None


def _patience(environment: Environment) -> Patience:
    deadline_s = environment.probing.request_deadline_s
    return Patience(statement_timeout_s=deadline_s, lock_timeout_s=min(deadline_s, environment.sql.lock_timeout_s))
