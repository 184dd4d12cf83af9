"""What the ways of rolling back stand on, and those questions that hosts and the repository answer, which only read.

A way needs a yes to all that name it, and nothing else.
"""

from collections.abc import Sequence

from pam_rollback.base.errors import ActionFailed
from pam_rollback.base.question import Answered, Question, answered
from pam_rollback.rollback.deploy_choice import Choice, History, live_in
from pam_rollback.rollback.deploys import Deploy, ServiceHost, SiteHost
from pam_rollback.rollback.release_proof import VersionsOf
from pam_rollback.rollback.repository import PullRequests, Repository, told

PRODUCT, FRONT, BACK = "the product's API", "the front end's host", "the back end's host"
HOST, PACKAGES, GIT, NODE = "the repository's host", "the package registry", "git here", "Node.js and npm here"

_ALL = "full-system"
_FLAGS, _FRONTEND, _BACKEND = ("feature-flag", "gradual", _ALL), ("frontend", _ALL), ("backend", _ALL)
_BUILT = ("frontend-commit", "frontend-revert")
_OF_THE_FRONT = ("frontend-restore", *_BUILT, _ALL)
_OF_THE_BACK = ("backend-provider", "backend-commit", "backend-branch", _ALL)

FLAGS = Question(
    "the flag API knows our token and the plan's flags",
    _FLAGS,
    "flag_admin",
    PRODUCT,
    _FLAGS,
    does_without=(_ALL,),
    of_the_api=True,
)
FLAGS_CLOSED = Question("the flag API refuses callers without a token", _FLAGS, "flag_admin", of_the_api=True)
SHARES = Question("a share of users can be given a feature", ("gradual",), "flag_admin", PRODUCT, ("gradual",))
VARIABLES = Question("a variable of the host can be lowered within the plan's time", ("feature-flag",), "flag_admin")
EVALUATION = Question(
    "what a user gets can be asked", ("gradual",), "flag_evaluation", PRODUCT, ("gradual",), of_the_api=True
)
CACHE = Question("the call that clears the caches is there", (_ALL,), "cache_admin", of_the_api=True)
EMERGENCY = Question(
    "the emergency call is there and knows our token",
    ("emergency",),
    "emergency_endpoint",
    PRODUCT,
    ("emergency",),
    of_the_api=True,
)
EMERGENCY_CLOSED = Question(
    "the emergency call refuses callers without a token", ("emergency",), "emergency_endpoint", of_the_api=True
)
PUBLISHED = Question(
    "the front end's host knows our token and the site", _FRONTEND, "frontend_host", FRONT, _OF_THE_FRONT
)
FRONTEND_TARGET = Question(
    "an earlier front end can be restored", _FRONTEND, "frontend_host", FRONT, ("frontend-restore", _ALL)
)
UNLOCKED = Question("the site is not locked", _FRONTEND, "frontend_host")
FRONTEND_CLOCK = Question("this machine and the front end's host agree on the time", _FRONTEND, "frontend_host")
SERVICE = Question("the back end's host knows our token and the service", _BACKEND, "backend_host", BACK, _OF_THE_BACK)
BACKEND_TARGET = Question(
    "an earlier back end can be run again", _BACKEND, "backend_host", BACK, ("backend-provider", _ALL)
)
AUTODEPLOY = Question("pushes deploy the back end, as they should before a rollback", _BACKEND, "backend_host")
BACKEND_CLOCK = Question("this machine and the back end's host agree on the time", _BACKEND, "backend_host")
HEAD = Question(
    "the repository and its branch can be read",
    ("by-git",),
    "git",
    HOST,
    (*_BUILT, "backend-commit", "backend-branch"),  # the host builds a commit from the repository's host
)
PUSH = Question("a push would be taken (dry run)", ("by-git",), "git", HOST, ("frontend-revert", "backend-branch"))
GIT_HERE = Question("git is on this machine", ("by-git",), "git", GIT, (*_BUILT, "backend-branch"))
BUILD_HERE = Question("Node.js and npm are on this machine", ("builds",), "git", NODE, _BUILT)
REGISTRY = Question("the package registry answers, if a build needs it", ("builds",), "git", PACKAGES, _BUILT)

ALL = tuple(found for found in list(vars().values()) if isinstance(found, Question))


def ask_frontend(host: SiteHost, *, to: str = "", versions_of: VersionsOf | None = None) -> tuple[Answered, ...]:
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
        answered(PUBLISHED.text, lambda: f"users get {host.published()}"),
        answered(FRONTEND_TARGET.text, lambda: _restorable(host, to, versions_of)),
        answered(UNLOCKED.text, locked),
    )


def ask_backend(
    host: ServiceHost,
    *,
    workers: Sequence[ServiceHost] = (),
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
        answered(SERVICE.text, service),
        answered(BACKEND_TARGET.text, lambda: _runnable(host, to, versions_of)),
        answered(AUTODEPLOY.text, autodeploy),
    )


def ask_repository(repository: Repository, *, branch: str, pulls: PullRequests | None = None) -> tuple[Answered, ...]:
    """The branch can be read, and a push would be taken as far as that can be known without one; ``pulls`` know a protected branch."""

    def push() -> str:
        repository.rehearse_push()
        if pulls is not None:
            return f"a push would be taken; {told(branch, protected=pulls.protects(branch))}"
        return "a push would be taken (the rules of a protected branch speak only at a real one)"

    return (
        answered(HEAD.text, lambda: f"{branch} is at {repository.head(branch)[:12]}"),
        answered(PUSH.text, push),
    )


def _restorable(host: SiteHost, to: str, versions_of: VersionsOf | None) -> str:
    history = History(host.rules, host.deploys(), host.published())
    return f"the front end can go back to {_target(host, history, history.choose(to, versions_of))}"


def _runnable(host: ServiceHost, to: str, versions_of: VersionsOf | None) -> str:
    known = host.deploys()
    history = History(host.rules, known, live_in(host, known))
    return f"the back end can go back to {_target(host, history, history.choose(to, versions_of))}"


def _target(host: SiteHost | ServiceHost, history: History, choice: Choice) -> Deploy:
    """See that the deploy that a rollback would choose is still kept: a list may be older than that."""
    if choice.already_there:
        raise ActionFailed(f"there is nothing to go back to: {choice}")
    kept = host.deploy(choice.deploy.id)
    if problem := history.rules.why_not(kept):
        raise ActionFailed(
            f"the deploy to go back to, {kept}, cannot be brought back: {problem}; choose another one with --to"
        )
    return kept
