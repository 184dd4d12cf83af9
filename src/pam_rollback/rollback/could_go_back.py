"""The questions to those who publish the front end, run the back end and keep the history: reading only, over their protocols."""

from collections.abc import Sequence

from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.question import Answered, answered
from pam_rollback.rollback import questions
from pam_rollback.rollback.deploy_choice import Choice, History, live_in
from pam_rollback.rollback.deploys import BackendHost, Deploy, FrontendHost
from pam_rollback.rollback.release_proof import VersionsOf
from pam_rollback.rollback.repository import PullRequests, PushRehearsal, Repository, told


def ask_frontend(host: FrontendHost, *, to: str = "", versions_of: VersionsOf | None = None) -> tuple[Answered, ...]:
    """Token and site, a deploy to go back to, and the lock. ``to``: the deploy's id, commit or version, when somebody said."""

    def locked() -> str:
        published = host.published()
        if published.locked:
            raise ActionFailed(
                f"the site is locked at {published}: builds are not published, an earlier rollback may have left it so; "
                "put that run back with --undo, or unlock it there"
            )
        return ""

    return (
        answered(questions.PUBLISHED.text, lambda: f"users get {host.published()}"),
        answered(questions.FRONTEND_TARGET.text, lambda: _restorable(host, to, versions_of)),
        answered(questions.UNLOCKED.text, locked),
    )


def ask_backend(
    host: BackendHost,
    *,
    workers: Sequence[BackendHost] = (),
    to: str = "",
    versions_of: VersionsOf | None = None,
) -> tuple[Answered, ...]:
    """Token and services, a deploy to go back to, and whether pushes deploy. ``workers`` go back with the API."""

    def service() -> str:
        found = [one.service() for one in (host, *workers)]
        for one in found:
            if one.suspended:
                raise ActionFailed(f"the service {one.name} is suspended: nothing can be deployed to it")
        return "; ".join(f"{one.name} deploys from {one.branch}" for one in found)

    def autodeploy() -> str:
        found = host.service()
        if not found.auto_deploy:
            raise ActionFailed(
                f"{found.name} is not deployed by pushes: an earlier rollback may have left it so; "
                "put that run back with --undo, or switch automatic deploys on there"
            )
        return ""

    return (
        answered(questions.SERVICE.text, service),
        answered(questions.BACKEND_TARGET.text, lambda: _runnable(host, to, versions_of)),
        answered(questions.AUTODEPLOY.text, autodeploy),
    )


def ask_repository(
    repository: Repository, rehearsal: PushRehearsal, *, branch: str, pulls: PullRequests | None = None
) -> tuple[Answered, ...]:
    """The branch can be read, and a push would be taken as far as that can be known without one; ``pulls`` know a protected branch."""

    def push() -> str:
        rehearsal.rehearse_push()
        if pulls is not None:
            return f"a push would be taken; {told(branch, protected=pulls.protects(branch))}"
        return "a push would be taken (the rules of a protected branch speak only at a real one)"

    return (
        answered(questions.HEAD.text, lambda: f"{branch} is at {repository.head(branch)[:12]}"),
        answered(questions.PUSH.text, push),
    )


def _restorable(host: FrontendHost, to: str, versions_of: VersionsOf | None) -> str:
    history = History(host.rules, host.deploys(), host.published())
    return f"the front end can go back to {_target(host, history, history.choose(to, versions_of))}"


def _runnable(host: BackendHost, to: str, versions_of: VersionsOf | None) -> str:
    known = host.deploys()
    history = History(host.rules, known, live_in(host, known))
    return f"the back end can go back to {_target(host, history, history.choose(to, versions_of))}"


def _target(host: FrontendHost | BackendHost, history: History, choice: Choice) -> Deploy:
    """See that the deploy that a rollback would choose is still kept: a list may be older than that."""
    if choice.already_there:
        raise ActionFailed(f"there is nothing to go back to: {choice}")
    kept = host.deploy(choice.deploy.id)
    if problem := history.rules.why_not(kept):
        raise ActionFailed(
            f"the deploy to go back to, {kept}, cannot be brought back: {problem}; choose another one with --to"
        )
    return kept
