"""Which migrations the release knows that its host says is running: read from the repository, for a product that does not say."""

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.integrity.rules.known_migrations import KnownMigrations, known, versions_in
from pam_rollback.rollback.client.git import open_repository
from pam_rollback.rollback.rules.named_versions import could_answer
from pam_rollback.rollback.service.provider_access import api_host, git_command
from pam_rollback.rollback.strategies.backend_host import live_of


def running_migrations(environment: Environment) -> KnownMigrations:
    """Of the live deploy's commit, beside the one that was with users before. Raises MeasurementFailed where that is not known."""
    missing = sorted({"git", "backend_host"} - environment.abilities)
    if environment.git is None or missing:
        raise MeasurementFailed(f"{environment.name} declares no {', '.join(missing)}, which would tell")
    folder = environment.git.migrations_folder
    try:
        host = api_host(environment, Waiter())
        live = live_of(host)
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
