"""What has to be asked before a rollback: each strategy's questions, over the clients that the strategy would use."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.question import Answered, Call, Question, State, answered, one
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.hosts import HostedSite
from pam_rollback.environment.service_settings import Git
from pam_rollback.outside.http import fetch
from pam_rollback.outside.same_time import same_time
from pam_rollback.plan.flags import FlagAdmin, FlagEvaluation
from pam_rollback.plan.plan import Plan
from pam_rollback.product.flag_service import flag_admin_of, flag_admin_url, flag_evaluation_of
from pam_rollback.product.served_release import ExpectedReleases
from pam_rollback.rollback import could_go_back as asked
from pam_rollback.rollback.could_go_back import ask_backend, ask_frontend, ask_repository
from pam_rollback.rollback.flag_writing import read_named
from pam_rollback.rollback.git import GitRepository, open_repository
from pam_rollback.rollback.npm_build import programs_here, registry_answers
from pam_rollback.rollback.provider_access import api_host, git_command, pull_requests, see_own, site_host
from pam_rollback.rollback.switches import switches_of
from pam_rollback.rollback.told_versions import VersionSources

_GIT_WITHIN_S = 8.0


def calls(environment: Environment, plan: Plan, to: ExpectedReleases) -> list[Call]:
    """All of them; whoever asks leaves out what the environment does not declare. ``to``: what a rollback would go back to."""
    flags = sorted(plan.strategy("feature-flag").flag_changes)
    url, deadline_s = environment.url_of, environment.probing.request_deadline_s
    ask = partial(_flags_known, environment, flags, deadline_s)
    at = environment.urls.supabase if environment.switches else environment.urls.api
    # Switches stand at the hosts: they are lowered while the product is down.
    known = Call((asked.FLAGS,), ask, at, "the hosts of its switches" if environment.switches else "")
    return [
        known,
        *(_of_switches(environment, plan, known, deadline_s) if environment.switches else ()),
        one(asked.FLAGS_CLOSED, lambda: closed(flag_admin_url(environment), reads=True, deadline_s=deadline_s)),
        one(
            asked.EVALUATION,
            lambda: evaluation_known(flag_evaluation_of(environment, deadline_s=deadline_s), flags),
            address=environment.urls.api,
        ),
        *([] if environment.switches else _of_the_emergency_call(environment, deadline_s)),
        *_of_the_hosts(environment, to, deadline_s),
        *_of_the_repository(environment),
        one(asked.CACHE, lambda: path_known(url("cache_clear"), deadline_s=deadline_s)),
    ]


def _flags_known(environment: Environment, flags: Sequence[str], deadline_s: float) -> list[Answered]:
    admin = partial(flag_admin_of, environment, "preflight", deadline_s=deadline_s)
    return [answered(asked.FLAGS.text, lambda: flags_known(admin(), flags))]


def _of_the_emergency_call(environment: Environment, deadline_s: float) -> list[Call]:
    url = environment.url_of("emergency_rollback")
    return [
        one(
            asked.EMERGENCY,
            lambda: call_known(url, environment.secret("emergency_token"), deadline_s=deadline_s),
            address=environment.urls.api,
        ),
        one(asked.EMERGENCY_CLOSED, lambda: closed(url, reads=False, deadline_s=deadline_s)),
    ]


def _of_switches(environment: Environment, plan: Plan, known: Call, deadline_s: float) -> list[Call]:
    """What a variable takes, and that there are no shares; the emergency call is the same as all of them."""
    switches, within_s = switches_of(environment, deadline_s), plan.rto("feature-flag").max_s
    found = [Call((asked.EMERGENCY,), lambda: [replace(known.ask()[0], question=asked.EMERGENCY.text)], known.address)]
    found.append(Call((asked.SHARES,), lambda: [Answered(asked.SHARES.text, State.NO, environment.no_shares)]))
    return [one(asked.VARIABLES, lambda: switches.in_time(within_s)), *found] if switches.variables else found


def _of_the_hosts(environment: Environment, to: ExpectedReleases, deadline_s: float) -> list[Call]:
    versions = VersionSources(environment)

    def front() -> Sequence[Answered]:
        site = site_host(environment, Waiter(), once_s=deadline_s)
        return _of_the_own(site, ask_frontend(site, to=to.frontend, versions_of=versions.of))

    def back() -> Sequence[Answered]:
        service = api_host(environment, Waiter(), once_s=deadline_s)
        workers = [service.beside(worker) for worker in environment.workers]
        return _of_the_own(service, ask_backend(service, workers=workers, to=to.backend, versions_of=versions.of))

    found = []
    hosts: Sequence[tuple[HostedSite, Callable[[], Sequence[Answered]], tuple[Question, ...], Question]] = (
        ("frontend", front, (asked.PUBLISHED, asked.FRONTEND_TARGET, asked.UNLOCKED), asked.FRONTEND_CLOCK),
        ("backend", back, (asked.SERVICE, asked.BACKEND_TARGET, asked.AUTODEPLOY), asked.BACKEND_CLOCK),
    )
    for site, ask, own, clock in hosts:
        host = environment.host_of(site)
        if host is None:
            found += [Call(own, list), Call((clock,), list)]
            continue
        found.append(Call(own, ask, host.api_url, host.provider.title()))
        found.append(Call((clock,), partial(_clock, clock.text, host.api_url, deadline_s)))
    return found


def _of_the_own(host: object, found: Sequence[Answered]) -> Sequence[Answered]:
    """The answers of a host, the first of which is no where it has another product there."""
    first, *others = found
    own = answered(first.question, lambda: see_own(host))
    return [own if own.state is State.NO else first, *others]


def _clock(question: str, url: str, deadline_s: float) -> list[Answered]:
    return [same_time(question, url, deadline_s=deadline_s)]


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
                return [*found, answered(asked.REGISTRY.text, lambda: _registry(repository, settings))]
        except ActionFailed as error:
            return [Answered(question.text, State.NO, str(error)) for question in (asked.HEAD, asked.PUSH)]

    return [
        Call((asked.HEAD, asked.PUSH, asked.REGISTRY), repository, settings.remote if settings is not None else ""),
        one(asked.GIT_HERE, lambda: programs_here("git", deadline_s=_GIT_WITHIN_S)),
        one(asked.BUILD_HERE, lambda: programs_here("node", "npm", deadline_s=_GIT_WITHIN_S)),
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
