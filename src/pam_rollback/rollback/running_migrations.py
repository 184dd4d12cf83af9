"""Which migrations the release knows that its host says is running: read from the repository, for a product that does not say."""

from contextlib import suppress

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.database.schema_changes import KnownMigrations, known, versions_in
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.provider_access import api_host, git_command
from pam_rollback.rollback.release_proof import could_answer
from pam_rollback.target.environment import Environment


def running_migrations(environment: Environment) -> KnownMigrations:
    """Of the live deploy's commit, beside the one that was with users before. Raises MeasurementFailed where that is not known."""
    missing = sorted({"git", "backend_host"} - environment.abilities)
    if environment.git is None or missing:
        raise MeasurementFailed(f"{environment.name} declares no {', '.join(missing)}, which would tell")
    folder = environment.git.migrations_folder
    try:
        host = api_host(environment, Waiter())
        live = host.live()
        if not live.commit:
            raise MeasurementFailed(f"the host does not know the commit of {live}")
        before = [deploy.commit for deploy in could_answer(live.commit, host.deploys()) if deploy.commit][:1]
        with open_repository(git_command(environment)) as repository:
            files = [versions_in(repository.names(commit, folder)) for commit in (live.commit, *before)]
    except ActionFailed as error:
        raise MeasurementFailed(str(error)) from error
    found = known(files[0], files[-1])
    if not found.needed:
        raise MeasurementFailed(
            f"{folder} has no migrations as of commit {live.commit[:12]}; is [git] migrations_folder right?"
        )
    return found


def applied_since(environment: Environment, target: str, running: str) -> str:
    """Name the migrations that the target of a rollback does not know, and meets all the same; both are commits.

    By the database's own list; where it cannot be read, by the files of what runs. Raises ActionFailed or MeasurementFailed.
    """
    if environment.git is None or not (target and running):
        raise MeasurementFailed("no commit is known, or no [git]")
    folder = environment.git.migrations_folder
    with open_repository(git_command(environment)) as repository:
        known, files = versions_in(repository.names(target, folder)), repository.names(running, folder)
    applied, source = versions_in(files), "by the files of what runs"
    with suppress(MeasurementFailed):
        applied, source = _applied(environment), "by the database"
    if not known or not applied:
        raise MeasurementFailed(f"{folder} has none at {target[:12]}; is [git] migrations_folder right?")
    names = {version: file for file in files for version in versions_in([file])}
    return f"{', '.join(names.get(one, one) for one in sorted(applied - known)) or 'none'} ({source})"


def _applied(environment: Environment) -> frozenset[str]:
    from pam_rollback.database.relations import Statements  # noqa: PLC0415 - the driver takes long to load
    from pam_rollback.http.postgres import Patience, open_snapshot  # noqa: PLC0415 - the same

    if "database" not in environment.abilities:
        raise MeasurementFailed("no database is declared")
    with open_snapshot(environment.secret("database_dsn"), Patience(1, 1)) as snapshot:
        statements = Statements.of(snapshot, ("schema_migrations",), environment.table_names)
        rows = snapshot.rows(statements.text("SELECT version::text AS version FROM schema_migrations"))
    return frozenset(str(version) for (version,) in rows)
