"""How a rollback of the front end is put back: what was published before, with the lock that it had, and the branch where it was."""

from contextlib import suppress

from pam_rollback.base.errors import ActionFailed, UndoFailed
from pam_rollback.journal.journal import Undo
from pam_rollback.rollback.engine.settling import until_deploy
from pam_rollback.rollback.rules.deploys import Deploy, DeployId
from pam_rollback.rollback.rules.repository import Repository
from pam_rollback.rollback.strategies.frontend import RESTORE
from pam_rollback.rollback.strategies.frontend_host import FrontendTools, publish, set_lock


def undo_publishing(undo: Undo, tools: FrontendTools) -> None:
    """Publish what was published before, with the lock that it had. Raises UndoFailed."""
    before, locked = str(undo.facts["deploy"]), bool(undo.facts["locked"])
    problems: list[str] = []

    def stop_builds() -> None:
        if not locked:
            tools.host.cancel_running()  # a build of the rollback's own push would be published over it

    def publish_again() -> None:
        now = tools.host.published()
        if now.id == before and tools.telling.journal.left_open(RESTORE):
            now = _as_asked_for(before, tools)
        if now.id != before:
            now = publish(tools.host, before, now=now, tools=tools)
        if now.locked != locked:
            set_lock(tools.host, before, tools, locked=locked)

    for part in (stop_builds, publish_again):
        try:
            part()
        except ActionFailed as error:
            problems.append(str(error))  # one that fails must not keep the other from being put back
    if problems:
        wanted = f"publish the deploy {before} and {'lock' if locked else 'unlock'} it"
        raise UndoFailed(
            f"the front end is not as it was before the rollback: {'; '.join(problems)}; a person must {wanted}"
        )


def undo_push(undo: Undo, repository: Repository) -> None:
    """Move the branch back, if nobody moved it since. Raises UndoFailed."""
    branch, before, pushed = (str(undo.facts[name]) for name in ("branch", "before", "pushed"))
    try:
        if repository.head(branch) != before:
            repository.push(before, branch, seen=pushed)
    except ActionFailed as error:
        raise UndoFailed(
            f"the branch {branch} is not where it was before the rollback: {error}; it was at {before}, the rollback moved it to {pushed}"
        ) from error


def _as_asked_for(before: DeployId, tools: FrontendTools) -> Deploy:
    """What is published once a change has come that a killed session may have asked for: what is accepted is published later."""
    with suppress(ActionFailed):
        until_deploy(
            tools.host.published,
            holds=lambda seen: seen.id != before,
            failed=lambda _: False,
            waiter=tools.waiter,
            within_s=tools.seen_within_s,
            every_s=tools.every_s,
            what="what the killed session asked for is published",
        )
    return tools.host.published()
