"""The questions to those who publish the front end, run the back end and keep the history: reading only, over core's protocols."""

from collections.abc import Callable, Sequence

from pam_rollback.core import readiness
from pam_rollback.core.deploys import BackendHost, Deploy, FrontendHost
from pam_rollback.core.errors import ActionFailed, MeasurementFailed, ProviderError
from pam_rollback.core.readiness import Answered, State
from pam_rollback.core.repository import PushRehearsal, Repository

_TOO_MANY_REQUESTS = 429
Asked = Callable[[], str]


def answered(question: str, ask: Asked) -> Answered:
    """Ask one question: ``ask`` gives words when the answer is yes, and raises ActionFailed when it is no.

    A provider that has met its limit of requests has not said no, and neither has whatever could not be measured.
    """
    try:
        return Answered(question, State.YES, ask())
    except ProviderError as error:
        busy = error.http_status == _TOO_MANY_REQUESTS
        return Answered(question, State.NOT_KNOWN if busy else State.NO, str(error))
    except ActionFailed as error:
        return Answered(question, State.NO, str(error))
    except MeasurementFailed as error:
        return Answered(question, State.NOT_KNOWN, str(error))


def ask_frontend(host: FrontendHost, *, to: str = "") -> tuple[Answered, ...]:
    """Token and site, a deploy to go back to, and the lock. ``to``: the id or the commit of a deploy, when somebody said."""

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
        answered(readiness.FRONTEND_TARGET, lambda: _restorable(host, to)),
        answered(readiness.UNLOCKED, locked),
    )


def ask_backend(host: BackendHost, *, to: str = "") -> tuple[Answered, ...]:
    """Token and service, a deploy to go back to, and whether pushes deploy."""

    def service() -> str:
        found = host.service()
        if found.suspended:
            raise ActionFailed(f"the service {found.name} is suspended: nothing can be deployed to it")
        return f"{found.name} deploys from {found.branch}"

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
        answered(readiness.BACKEND_TARGET, lambda: _runnable(host, to)),
        answered(readiness.AUTODEPLOY, autodeploy),
    )


def ask_repository(repository: Repository, rehearsal: PushRehearsal, *, branch: str) -> tuple[Answered, ...]:
    """The branch can be read, and a push would be taken as far as that can be known without one."""

    def push() -> str:
        rehearsal.rehearse_push()
        return "a push would be taken (the rules of a protected branch speak only at a real one)"

    return (
        answered(readiness.HEAD, lambda: f"{branch} is at {repository.head(branch)[:12]}"),
        answered(readiness.PUSH, push),
    )


def _restorable(host: FrontendHost, to: str) -> str:
    published = host.published()
    known = host.deploys()
    target = _target(known, now=published, to=to, good="ready")
    # A list may be older than what is kept: only the deploy itself says that it is still there.
    kept = host.deploy(target.id)
    if kept.state != "ready":
        raise ActionFailed(f"the deploy to go back to, {kept}, is not ready: choose another one with --to")
    return f"the front end can go back to {kept}"


def _runnable(host: BackendHost, to: str) -> str:
    known = host.deploys()
    live = next((deploy for deploy in known if deploy.state == "live"), None)
    if live is None:
        raise ActionFailed(f"no deploy of the back end is live{_states(known)}")
    target = _target(known, now=live, to=to, good="deactivated")
    kept = host.deploy(target.id)
    if kept.state != "deactivated":
        raise ActionFailed(
            f"the deploy to go back to, {kept}, was not replaced by a later one: choose another one with --to"
        )
    return f"the back end can go back to {kept}"


def _target(known: Sequence[Deploy], *, now: Deploy, to: str, good: str) -> Deploy:
    """Find the deploy that was asked for; else the newest one that once was what users got and has another commit than what they get."""
    if to:
        named = [
            deploy for deploy in known if to == deploy.id or (deploy.commit and deploy.commit.startswith(to.lower()))
        ]
        if named:
            return named[0]
    earlier = [
        deploy
        for deploy in known
        if deploy.state == good and deploy.id != now.id and (not now.commit or deploy.commit != now.commit)
        if deploy.created_at is None or now.created_at is None or deploy.created_at < now.created_at
    ]
    if not earlier:
        raise ActionFailed(f"there is no earlier deploy than {now} to go back to{_states(known)}: it may have expired")
    return earlier[0]


def _states(known: Sequence[Deploy]) -> str:
    listed = ", ".join(map(str, known[:5]))
    return f" ({len(known)} are known: {listed})" if known else " (none is known)"
