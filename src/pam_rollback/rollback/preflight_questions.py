"""What has to be asked before a rollback: what its ways stand on, as questions that only read, over the clients that it would use.

A way needs a yes to all questions that name it, and nothing else.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from http import HTTPStatus

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.question import Answered, Call, Question, State, answered, one
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch, same_time
from pam_rollback.plan.flags import FlagAdmin, FlagEvaluation
from pam_rollback.plan.plan import Plan
from pam_rollback.rollback.deploy_choice import History, live_in
from pam_rollback.rollback.deploys import Deploy, Host, ServiceHost, SiteHost
from pam_rollback.rollback.flags import read_named
from pam_rollback.rollback.git import GitRepository, open_repository
from pam_rollback.rollback.npm_build import programs_here, registry_answers
from pam_rollback.rollback.provider_access import api_host, git_command, pull_requests, see_own, site_host
from pam_rollback.rollback.release_proof import VersionsOf
from pam_rollback.rollback.repository import PullRequests, told
from pam_rollback.rollback.switches import switches_of
from pam_rollback.rollback.told_versions import VersionSources
from pam_rollback.target.environment import Environment
from pam_rollback.target.flag_service import flag_admin_of, flag_admin_url, flag_evaluation_of
from pam_rollback.target.hosts import HostedSite
from pam_rollback.target.served_release import ExpectedReleases
from pam_rollback.target.service_settings import Git

_GIT_WITHIN_S = 8.0

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


def calls(environment: Environment, plan: Plan, to: ExpectedReleases) -> list[Call]:
    """All of them; whoever asks leaves out what the environment does not declare. ``to``: what a rollback would go back to."""
    flags = sorted(plan.strategy("feature-flag").flag_changes)
    url, deadline_s = environment.url_of, environment.probing.request_deadline_s
    # Switches stand at the hosts: they are lowered while the product is down.
    at, called = environment.urls.api, ""
    if environment.switches:
        at, called = environment.urls.supabase, "the hosts of its switches"

    def known() -> str:
        return flags_known(flag_admin_of(environment, "preflight", deadline_s=deadline_s), flags)

    return [
        one(FLAGS, known, address=at, called=called),
        *(_of_switches(environment, plan, known, at, deadline_s) if environment.switches else ()),
        one(FLAGS_CLOSED, lambda: closed(flag_admin_url(environment), reads=True, deadline_s=deadline_s)),
        one(
            EVALUATION,
            lambda: evaluation_known(flag_evaluation_of(environment, deadline_s=deadline_s), flags),
            address=environment.urls.api,
        ),
        *([] if environment.switches else _of_the_emergency_call(environment, deadline_s)),
        *_of_the_hosts(environment, to, deadline_s),
        *_of_the_repository(environment),
        one(CACHE, lambda: path_known(url("cache_clear"), deadline_s=deadline_s)),
    ]


def _of_the_emergency_call(environment: Environment, deadline_s: float) -> list[Call]:
    url, token = environment.url_of("emergency_rollback"), partial(environment.secret, "emergency_token")
    return [
        one(EMERGENCY, lambda: call_known(url, token(), deadline_s=deadline_s), address=environment.urls.api),
        one(EMERGENCY_CLOSED, lambda: closed(url, reads=False, deadline_s=deadline_s)),
    ]


def _of_switches(
    environment: Environment, plan: Plan, known: Callable[[], str], at: str, deadline_s: float
) -> list[Call]:
    """What a variable takes, and that there are no shares; the emergency call is the same as all of them."""
    switches, within_s = switches_of(environment, deadline_s), plan.rto("feature-flag").max_s
    if not switches.variables:
        return []
    shares = Answered(SHARES.text, State.NO, environment.no_shares)
    return [
        one(VARIABLES, lambda: switches.in_time(within_s)),
        one(EMERGENCY, known, address=at),
        Call((SHARES,), lambda: [shares]),
    ]


def _of_the_hosts(environment: Environment, to: ExpectedReleases, deadline_s: float) -> list[Call]:
    versions_of = VersionSources(environment).of

    def front() -> Sequence[Answered]:
        site = site_host(environment, Waiter(), once_s=deadline_s)
        return _of_the_own(site, ask_frontend(site, to=to.frontend, versions_of=versions_of))

    def back() -> Sequence[Answered]:
        service = api_host(environment, Waiter(), once_s=deadline_s)
        workers = [service.beside(worker) for worker in environment.workers]
        return _of_the_own(service, ask_backend(service, workers=workers, to=to.backend, versions_of=versions_of))

    def of(site: HostedSite, ask: Callable[[], Sequence[Answered]], clock: Question, *own: Question) -> list[Call]:
        host = environment.host_of(site)
        if host is None:
            return [Call((*own, clock), list)]
        same = partial(same_time, clock.text, host.api_url, deadline_s=deadline_s)
        return [Call(own, ask, host.api_url, host.provider.title()), Call((clock,), lambda: [same()])]

    return [
        *of("frontend", front, FRONTEND_CLOCK, PUBLISHED, FRONTEND_TARGET, UNLOCKED),
        *of("backend", back, BACKEND_CLOCK, SERVICE, BACKEND_TARGET, AUTODEPLOY),
    ]


def _of_the_own(host: object, found: Sequence[Answered]) -> Sequence[Answered]:
    """The answers of a host, the first of which is no where it has another product there."""
    first, *others = found
    own = answered(first.question, lambda: see_own(host))
    return [own if own.state is State.NO else first, *others]


def ask_frontend(host: SiteHost, *, to: str = "", versions_of: VersionsOf | None = None) -> tuple[Answered, ...]:
    """Token and site, a deploy to go back to, and the lock. ``to``: the deploy's id, commit or version, when somebody said."""

    def target() -> str:
        known = host.deploys()
        return f"the front end can go back to {_goes_back(host, host.live(), known, to, versions_of)}"

    def locked() -> str:
        published = host.live()
        if published.locked:
            raise ActionFailed(
                f"the site is locked at {published}: builds are not published, an earlier rollback may have left it so; "
                "put that run back with --undo, or unlock it there"
            )
        return ""

    return (
        answered(PUBLISHED.text, lambda: f"users get {host.live()}"),
        answered(FRONTEND_TARGET.text, target),
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
        found = [each.service() for each in (host, *workers)]
        for each in found:
            if each.suspended:
                raise ActionFailed(f"the service {each.name} is suspended: nothing can be deployed to it")
        return "; ".join(f"{each.name} deploys from {each.branch}" for each in found)

    def target() -> str:
        known = host.deploys()
        return f"the back end can go back to {_goes_back(host, live_in(host, known), known, to, versions_of)}"

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
        answered(BACKEND_TARGET.text, target),
        answered(AUTODEPLOY.text, autodeploy),
    )


def ask_repository(
    repository: GitRepository, *, branch: str, pulls: PullRequests | None = None
) -> tuple[Answered, ...]:
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


def _goes_back(host: Host, live: Deploy, known: Sequence[Deploy], to: str, versions_of: VersionsOf | None) -> Deploy:
    """See that the deploy that a rollback would choose is still kept: a list may be older than that."""
    history = History(host.rules, known, live)
    choice = history.choose(to, versions_of)
    if choice.already_there:
        raise ActionFailed(f"there is nothing to go back to: {choice}")
    kept = host.deploy(choice.deploy.id)
    if problem := history.rules.why_not(kept):
        raise ActionFailed(
            f"the deploy to go back to, {kept}, cannot be brought back: {problem}; choose another one with --to"
        )
    return kept


def _of_the_repository(environment: Environment) -> list[Call]:
    settings = environment.git

    def repository() -> Sequence[Answered]:
        """Over a mirror that is gone afterwards: what is asked needs none of the history."""
        if settings is None:
            return []
        try:
            with open_repository(git_command(environment, _GIT_WITHIN_S)) as repository:
                pulls = pull_requests(environment, Waiter())
                found = ask_repository(repository, branch=settings.branch, pulls=pulls)
                return [*found, answered(REGISTRY.text, lambda: _registry(repository, settings))]
        except ActionFailed as error:
            return [Answered(question.text, State.NO, str(error)) for question in (HEAD, PUSH)]

    return [
        Call((HEAD, PUSH, REGISTRY), repository, settings.remote if settings is not None else ""),
        one(GIT_HERE, lambda: programs_here("git", deadline_s=_GIT_WITHIN_S)),
        one(BUILD_HERE, lambda: programs_here("node", "npm", deadline_s=_GIT_WITHIN_S)),
    ]


def _registry(repository: GitRepository, settings: Git) -> str:
    """Ask for what a build of the branch would install. Raises MeasurementFailed when that cannot be seen."""
    folder = settings.frontend_folder.strip("/")
    try:
        lock = repository.text(repository.head(settings.branch), f"{folder}/package-lock.json".lstrip("/"))
    except ActionFailed as error:
        raise MeasurementFailed(f"what a build needs is not known: {error}") from None
    return registry_answers(lock, deadline_s=_GIT_WITHIN_S)


_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_FOR_ITS_CONTENT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_IS_THERE = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, *_REFUSED})
_NOTHING: list[object] = []


def flags_known(api: FlagAdmin, names: Collection[str]) -> str:
    """The flag API gives the plan's flags. Raises ActionFailed when it does not."""
    flags = read_named(api, names)
    return f"the flag API has {', '.join(f'{name} {flags[name]}' for name in sorted(names))}"


def evaluation_known(api: FlagEvaluation, names: Collection[str]) -> str:
    """The evaluation tells of the plan's flags. Raises ActionFailed when it does not."""
    try:
        missing = sorted(set(names) - set(api.flags_of("preflight")))
    except MeasurementFailed as error:
        raise ActionFailed(str(error)) from None
    if missing:
        raise ActionFailed(f"the evaluation says nothing of {', '.join(missing)}")
    return ""


def closed(url: str, *, reads: bool, deadline_s: float) -> str:
    """A caller without a token is refused. Raises ActionFailed when it is let in, or when nobody answers."""
    answers = [fetch(url, method="POST", json=_NOTHING, deadline_s=deadline_s)]
    if reads:
        answers.append(fetch(url, deadline_s=deadline_s))
    for answer in answers:
        if answer.problem or answer.http_status == HTTPStatus.NOT_FOUND:
            raise ActionFailed(f"there is nothing that could refuse anybody: {answer}")
        if answer.http_status not in _REFUSED:
            raise ActionFailed(
                f"anybody may call it: without a token expected HTTP 401 or 403, found {answer}; see docs/runbook.md#security-hole"
            )
    return ""


def call_known(url: str, token: str, *, deadline_s: float) -> str:
    """The call is there, and our token is let in: it is refused for its content only. Raises ActionFailed when not."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = fetch(url, method="POST", json=_NOTHING, headers=headers, deadline_s=deadline_s)
    if answer.http_status in _FOR_ITS_CONTENT and not answer.problem:
        return "the emergency call knows our token"
    if answer.http_status in _REFUSED:
        raise ActionFailed(f"the token is not accepted, or there is no such call: {answer}")
    raise ActionFailed(f"expected it to refuse an empty call for its content (HTTP 400 or 422), found {answer}")


def path_known(url: str, *, deadline_s: float) -> str:
    """There is such a path: it refuses to be read. Raises ActionFailed when there is none."""
    answer = fetch(url, deadline_s=deadline_s)
    if answer.problem or answer.http_status not in _IS_THERE:
        raise ActionFailed(f"expected a path that refuses GET (HTTP 405, 401 or 403), found {answer}; see [paths]")
    return ""
