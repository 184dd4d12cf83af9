"""The questions to those who publish the front end, run the back end and keep the history: reading only, over core's protocols."""

from collections.abc import Callable, Sequence

from pam_rollback.base.errors import ActionFailed, MeasurementFailed, ProviderError, Refused
from pam_rollback.preflight.rules import readiness
from pam_rollback.preflight.rules.readiness import Answered, State
from pam_rollback.rollback.rules.deploy_choice import Choice, History, only_live
from pam_rollback.rollback.rules.deploys import BackendHost, Deploy, FrontendHost
from pam_rollback.rollback.rules.named_versions import VersionsOf
from pam_rollback.rollback.rules.pull_requests import PullRequests
from pam_rollback.rollback.rules.repository import PushRehearsal, Repository

_TOO_MANY_REQUESTS = 429
Asked = Callable[[], str]


def answered(question: str, ask: Asked) -> Answered:
    """Ask one question: ``ask`` gives words when the answer is yes, and raises ActionFailed or Refused when it is no.

    A provider that has met its limit of requests has not said no, and neither has whatever could not be measured.
    """
    try:
        return Answered(question, State.YES, ask())
    except ProviderError as error:
        busy = error.http_status == _TOO_MANY_REQUESTS
        return Answered(question, State.NOT_KNOWN if busy else State.NO, str(error))
    except (ActionFailed, Refused) as error:
        return Answered(question, State.NO, str(error))
    except MeasurementFailed as error:
        return Answered(question, State.NOT_KNOWN, str(error))


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
        answered(readiness.PUBLISHED, lambda: f"users get {host.published()}"),
        answered(readiness.FRONTEND_TARGET, lambda: _restorable(host, to, versions_of)),
        answered(readiness.UNLOCKED, locked),
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
        answered(readiness.SERVICE, service),
        answered(readiness.BACKEND_TARGET, lambda: _runnable(host, to, versions_of)),
        answered(readiness.AUTODEPLOY, autodeploy),
    )


def ask_repository(
    repository: Repository, rehearsal: PushRehearsal, *, branch: str, pulls: PullRequests | None = None
) -> tuple[Answered, ...]:
    """The branch can be read, and a push would be taken as far as that can be known without one; ``pulls`` know a protected branch."""

    def push() -> str:
        rehearsal.rehearse_push()
        if pulls is not None:
            return f"a push would be taken; {pulls.rules(branch).told(branch)}"
        return "a push would be taken (the rules of a protected branch speak only at a real one)"

    return (
        answered(readiness.HEAD, lambda: f"{branch} is at {repository.head(branch)[:12]}"),
        answered(readiness.PUSH, push),
    )


def _restorable(host: FrontendHost, to: str, versions_of: VersionsOf | None) -> str:
    history = History(host.rules, host.deploys(), host.published())
    return f"the front end can go back to {_target(host, history, history.choose(to, versions_of))}"


def _runnable(host: BackendHost, to: str, versions_of: VersionsOf | None) -> str:
    known = host.deploys()
    history = History(host.rules, known, only_live(host.rules, known))
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
