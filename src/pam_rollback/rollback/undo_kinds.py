"""Who puts which kind of change back. A strategy that makes a new kind of change adds its line."""

from pam_rollback.core.errors import ActionFailed, UndoFailed
from pam_rollback.plan.flags import FlagAdmin
from pam_rollback.rollback import backend, flags, frontend
from pam_rollback.rollback.backend import ApiService, BackEnd, undo_running
from pam_rollback.rollback.flags import undo_flags
from pam_rollback.rollback.frontend import Frontend, undo_publishing, undo_pull_request, undo_push
from pam_rollback.rollback.git import open_repository
from pam_rollback.rollback.journal import Undo
from pam_rollback.rollback.provider_access import (
    api_host,
    git_command,
    pull_requests,
    served_site,
    service_host,
    site_host,
    site_look,
)
from pam_rollback.rollback.settling import until_served
from pam_rollback.rollback.told_versions import VersionSources
from pam_rollback.rollback.undoing import UndoKind, UndoKinds, UndoTools
from pam_rollback.target.flag_service import flag_admin_of
from pam_sandbox.problems import SandboxError
from pam_sandbox.remote import Remote

CLEAR_FAULTS = "clear-faults"
"""What is owed for a planted incident."""


def flag_admin(tools: UndoTools) -> FlagAdmin:
    """Who switches the flags."""
    return flag_admin_of(tools.environment, tools.initiated_by)


def _flags(undo: Undo, tools: UndoTools) -> None:
    undo_flags(undo, flag_admin(tools), tools.journal, tools.waiter)


def _faults(undo: Undo, tools: UndoTools) -> None:
    controls = tools.environment.sandbox
    if controls is None:
        raise UndoFailed(f"{undo.kind}: {tools.environment.name} is not the sandbox: nothing was planted there")
    try:
        Remote(controls.control_url, controls.token).clear_all()
    except SandboxError as error:
        raise UndoFailed(f"the planted incident is still there: {error}") from error


def _front_end(undo: Undo, tools: UndoTools) -> None:
    site = Frontend(
        host=site_host(tools.environment, tools.waiter),
        look=site_look(served_site(tools.environment)),
        waiter=tools.waiter,
    )
    undo_publishing(undo, site, tools.journal)


def _back_end(undo: Undo, tools: UndoTools) -> None:
    # A planted incident may name another release, and is cleared away after this.
    planted = any(owed.kind == CLEAR_FAULTS for owed in tools.journal.owed())
    undo_running(undo, _api(tools), seen=not planted)


def _worker(undo: Undo, tools: UndoTools) -> None:
    """One worker, by the service that the note names. It may have been taken out of the environment's file since."""
    service = str(undo.facts["service"])
    undo_running(undo, _api(tools).on(service_host(tools.environment, service, tools.waiter)))


def _branch(undo: Undo, tools: UndoTools) -> None:
    with open_repository(git_command(tools.environment)) as repository:
        undo_push(undo, repository)
    _see_back_end_follow(str(undo.facts["before"]), str(undo.facts["branch"]), tools)


def _pull_request(undo: Undo, tools: UndoTools) -> None:
    head, branch = str(undo.facts["head"]), str(undo.facts["branch"])
    try:
        pulls = pull_requests(tools.environment, tools.waiter)
    except ActionFailed as error:
        raise UndoFailed(f"the pull request of {head} is not closed: {error}") from error
    if pulls is None:
        raise UndoFailed(
            f"the pull request of {head} is not closed: {tools.environment.name} has no table [github] any more"
        )
    undo_pull_request(head, branch, pulls)


def _see_back_end_follow(commit: str, branch: str, tools: UndoTools) -> None:
    """A push back deploys the back end, too, where that follows the branch: it is undone when that is over."""
    if "backend_host" not in tools.environment.abilities:
        return
    api = _api(tools)
    try:
        service = api.host.service()
        if service.auto_deploy and service.branch == branch:
            until_served(
                lambda: api.look(commit),
                tools.waiter,
                within_s=api.live_within_s,
                every_s=api.looked_every_s,
            )
    except ActionFailed as error:
        raise UndoFailed(f"the branch {branch} is back, and the back end did not follow it: {error}") from error


def _api(tools: UndoTools) -> ApiService:
    back_end = BackEnd(tools.environment, tools.waiter, VersionSources(tools.environment))
    return back_end.service(api_host(tools.environment, tools.waiter), tools.journal)


UNDO_KINDS: UndoKinds = {
    flags.UNDO_KIND: UndoKind(_flags),
    frontend.UNDO_KIND: UndoKind(_front_end),
    frontend.UNDO_BRANCH_KIND: UndoKind(_branch),
    backend.UNDO_KIND: UndoKind(_back_end),
    backend.WORKER_UNDO_KIND: UndoKind(_worker),
    frontend.UNDO_REQUEST_KIND: UndoKind(_pull_request),
    CLEAR_FAULTS: UndoKind(_faults, by_action=False),
}
