"""The hosts of both sites as a rollback and the checks know them: what they have, what to go back to, and what answers."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import all_at_once
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.baseline_files import Recorded, damaged, read_data, stored, write_data
from pam_rollback.plugin.needs import needs
from pam_rollback.plugin.progress import Progress
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.probe.blocked import refuse_when_blocked
from pam_rollback.probe.incident import Incident
from pam_rollback.rollback import provider_access, told_versions
from pam_rollback.rollback.backend import ApiService, BackEnd
from pam_rollback.rollback.deploy_choice import Choice, History, live_in
from pam_rollback.rollback.deploys import LIVE, Deploy, ServiceHost, ServiceRuns, ServicesOfDeploy, SiteHost
from pam_rollback.rollback.frontend import ByPullRequest, Frontend, Sources
from pam_rollback.rollback.git import GitRepository, open_repository
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.npm_build import NpmBuild
from pam_rollback.rollback.release_proof import MarksSeen, Sighting, named_deploy
from pam_rollback.rollback.running_migrations import applied_since
from pam_rollback.rollback.settling import until_served
from pam_rollback.rollback.told_versions import ApiLook, VersionSources
from pam_rollback.target.environment import Environment
from pam_rollback.target.offline import refuse_when_offline
from pam_rollback.target.served_release import Served, Wanted
from pam_rollback.target.served_release_reader import ServedApi, ServedSite, page_of_deploy
from pam_rollback.target.service_settings import Git

BUILD_LOG = "npm-build.log"
MARKS_FILE = "release-marks.json"
_BASELINE_TAKES = timedelta(hours=1)
"""At most: the release that a baseline names is the one of its beginning."""
_BACK_END_WITHIN_S = 600.0
"""A build of the back end takes minutes; what waits for it does not keep the front end's visitors waiting."""
_NAMED_WITHIN_S = 2.0
_MARKS_WITHIN_S = 2.0
"""A broken API must not delay its own rollback."""
T = TypeVar("T")


@pytest.fixture(scope="session")
def site_host(environment: Environment, waiter: Waiter) -> SiteHost:
    """Who publishes the front end."""
    return provider_access.site_host(environment, waiter)


@pytest.fixture(scope="session")
def api_host(environment: Environment, waiter: Waiter) -> ServiceHost:
    """Who runs the back end."""
    return provider_access.api_host(environment, waiter)


@pytest.fixture(scope="session")
def git_settings(environment: Environment) -> Git:
    """Where the history is, and what is built from it. Raises MeasurementFailed where the environment does not say."""
    if environment.git is None:
        raise MeasurementFailed(f"{environment.name} has no table [git]")
    return environment.git


@pytest.fixture(scope="session")
def repository(environment: Environment, git_settings: Git) -> Iterator[GitRepository]:
    """The product's repository, asked anew each time it is read."""
    with open_repository(provider_access.git_command(environment)) as opened:
        yield opened


@pytest.fixture(scope="session")
def site_build(git_settings: Git, runbook: Runbook) -> NpmBuild:
    """How the site is built from a worktree; what npm prints goes to the run's folder."""
    return NpmBuild(
        log=runbook.folder / BUILD_LOG,
        frontend_folder=git_settings.frontend_folder,
        script=git_settings.build_command,
        publish_folder=git_settings.publish_folder,
    )


@pytest.fixture(scope="session")
def served_site(environment: Environment) -> ServedSite:
    """What visitors get of the front end."""
    return provider_access.served_site(environment)


@pytest.fixture(scope="session")
def served_api(environment: Environment) -> ServedApi:
    """What clients get of the back end."""
    return provider_access.served_api(environment)


@pytest.fixture(scope="session")
def version_sources(environment: Environment, runbook: Runbook, release_seen_before: Sighting) -> VersionSources:
    """Where the versions of deploys are known from: the repository, the answer of before, and a stored baseline's."""
    seen = [release_seen_before]
    if runbook.stored is not None:
        origin = runbook.stored.origin
        seen.append(Sighting(origin.taken_at, origin.release, settled=_BASELINE_TAKES))
    return VersionSources(environment, lambda: seen)


@pytest.fixture(scope="session")
def worker_hosts(environment: Environment, waiter: Waiter) -> tuple[ServiceHost, ...]:
    """The other services that a deploy of the back end covers; none where the environment names none."""
    return provider_access.worker_hosts(environment, waiter)


@pytest.fixture(scope="session")
def marks_before(situation: str, environment: Environment) -> MarksSeen | None:
    """What the back end's answers are like before anything is done; None where they name their release."""
    return look_at_marks(environment) if "backend_host" in environment.abilities else None


@pytest.fixture(scope="session")
def back_end(
    environment: Environment,
    runbook: Runbook,
    waiter: Waiter,
    version_sources: VersionSources,
    marks_before: MarksSeen | None,
) -> BackEnd:
    """The back end of this session."""
    seen = [one for one in (marks_before, stored_marks(runbook)) if one is not None]
    return BackEnd(environment, waiter, version_sources, lambda: seen)


@pytest.fixture(scope="session")
def api_look(back_end: BackEnd, api_host: ServiceHost) -> ApiLook:
    """Says which release answers, held against a commit."""
    return back_end.look(api_host)


@pytest.fixture(scope="session")
@needs("backend_host")
def deployed_now(
    environment: Environment, runbook: Runbook, api_host: ServiceHost, api_look: ApiLook, in_situation: object
) -> Served:
    """What answers, held against what the host says is live, or against ``--to``. Raises MeasurementFailed."""
    deploys = told_by_host(api_host.deploys)
    live = next((one for one in deploys if one.state == LIVE), None)
    if live is None:
        raise MeasurementFailed(f"no deploy of the back end is live, of {len(deploys)} that its host lists")
    # After a story its own target is what was asked for, and its own tests judge that.
    named = runbook.options.to.backend if in_situation is None else ""
    wanted = named_deploy(named, deploys, api_look.sources.of(deploys)) if named else live
    if wanted is None and api_look.marks is not None:
        # Nobody else would notice: no answer names a release.
        raise MeasurementFailed(
            f"--to {named}: no deploy that the back end's host lists has this id, version, or a commit that begins so"
        )
    return if_reachable(environment, api_look((wanted or live).commit))


def _no_workers(_: pytest.Item, environment: Environment) -> str:
    host = environment.known_host("backend")
    table = "backend_host" if host is None else host.name
    return "" if environment.workers else f"{environment.name} names no workers ([{table}] workers)"


@pytest.fixture(scope="session")
@needs("backend_host", lacking=_no_workers)
def services_of_deploy(
    api_host: ServiceHost, worker_hosts: tuple[ServiceHost, ...], in_situation: object
) -> ServicesOfDeploy:
    """What each service of a deploy runs, by the host. Raises MeasurementFailed where that does not say."""
    api, *workers = all_at_once(
        {str(place): partial(_runs, host) for place, host in enumerate((api_host, *worker_hosts))}
    ).values()
    return ServicesOfDeploy(api, tuple(workers))


def _runs(host: ServiceHost) -> ServiceRuns:
    name, deploys = told_by_host(host.service).name, told_by_host(host.deploys)
    live = next((one for one in deploys if one.state == LIVE), None)
    return ServiceRuns(name, live, next(iter(deploys), None))


@pytest.fixture
@needs("frontend_host")
def published_page(
    in_situation: object, environment: Environment, site_host: SiteHost, served_site: ServedSite
) -> Served:
    """What visitors get, held against the page of the deploy that its host says is published, at that deploy's own address.

    Raises MeasurementFailed when one of the two cannot be asked.
    """
    published = told_by_host(site_host.live)
    page = page_of_deploy(published.url, deadline_s=environment.probing.request_deadline_s)
    if not page:
        raise MeasurementFailed(f"the deploy {published.id}, which is published, shows no page at {published.url!r}")
    return if_reachable(environment, served_site.look(Wanted(page_sha256=page)))


def if_reachable(environment: Environment, served: Served) -> Served:
    """Return what is served, good or bad. Raises MeasurementFailed when it cannot be asked since we are offline or blocked."""
    if served.problem:
        refuse_when_offline(environment, f"what {served.site} serves cannot be asked")
        refuse_when_blocked(environment, f"what {served.site} serves cannot be asked")
    return served


def told_by_host(ask: Callable[[], T]) -> T:
    """Return what a host says. Raises MeasurementFailed when it does not."""
    try:
        return ask()
    except ActionFailed as error:
        raise MeasurementFailed(f"how it is after the rollback is not known: {error}") from error


@pytest.fixture(scope="session")
def site(site_host: SiteHost, served_site: ServedSite, waiter: Waiter) -> Frontend:
    """The front end under the hands of a rollback."""
    return Frontend(host=site_host, look=provider_access.site_look(served_site), waiter=waiter)


@dataclass(frozen=True)
class Targets:
    """Finds the deploys to go back to: named with ``--to``, or by rule. Both raise Refused when it cannot be told."""

    environment: Environment
    runbook: Runbook
    clock: Clock
    incident: Incident
    versions: VersionSources
    progress: Progress

    def of_site(self, host: SiteHost) -> dict[str, str]:
        """Find that of the front end."""
        deploys, published = host.deploys(), host.live()
        history = History(host.rules, deploys, published, incident_began=self._began_at)
        choice = history.choose(self.runbook.options.to.frontend, self.versions.of)
        self.progress.announce(f"front end, {choice}")
        return facts_of(choice)

    def of_api(self, host: ServiceHost) -> dict[str, str]:
        """Find that of the back end, and say what it has to live with."""
        deploys = host.deploys()
        history = History(host.rules, deploys, live_in(host, deploys), incident_began=self._began_at)
        choice = history.choose(self.runbook.options.to.backend, self.versions.of)
        self.progress.announce(f"back end, {_migrations(self.environment, choice.deploy, history.live)}; {choice}")
        return facts_of(choice)

    @property
    def _began_at(self) -> datetime | None:
        """When the incident began, by the calendar; None where nobody knows."""
        started_s = self.incident.started_s
        return (
            None if started_s is None else self.clock.wall() - timedelta(seconds=self.clock.monotonic_s() - started_s)
        )


@pytest.fixture(scope="session")
def targets(
    environment: Environment,
    runbook: Runbook,
    clock: Clock,
    incident: Incident,
    version_sources: VersionSources,
    progress: Progress,
) -> Targets:
    """What a rollback goes back to."""
    return Targets(environment, runbook, clock, incident, version_sources, progress)


@pytest.fixture(scope="session")
def last_stable_deploy(site_host: SiteHost, targets: Targets) -> Callable[[], dict[str, str]]:
    """Find the deploy of the site to go back to."""
    return partial(targets.of_site, site_host)


@pytest.fixture(scope="session")
def what_visitors_have(site_host: SiteHost, progress: Progress) -> Callable[[], dict[str, Any]]:
    """Find what a revert takes back: what visitors have now. It is shown before that is done, and kept in the journal."""
    return lambda: taken_back(progress, "front end", site_host.live())


@pytest.fixture(scope="session")
def sources(
    situation: str,
    environment: Environment,
    repository: GitRepository,
    site_build: NpmBuild,
    git_settings: Git,
    waiter: Waiter,
    back_end: BackEnd,
) -> Sources:
    """The history, and how the site is built from it."""
    pulls = provider_access.pull_requests(environment, waiter)
    follows_a_push = "backend_host" in environment.abilities
    host = provider_access.api_host(environment, waiter) if follows_a_push else None
    look = back_end.look(host) if host is not None else None

    def follows() -> bool:
        service = host.service() if host is not None else None
        return service is not None and service.auto_deploy and service.branch == git_settings.branch

    def see(commit: str) -> Served:
        assert look is not None
        every_s = back_end.looked_every_s
        return until_served(lambda: look(commit), waiter, within_s=_BACK_END_WITHIN_S, every_s=every_s)

    return Sources(
        repository=repository,
        build=site_build.build,
        branch=git_settings.branch,
        follows=follows,
        see_back_end=see if follows_a_push else None,
        by_pull_request=ByPullRequest(pulls, repository, git_settings.branch) if pulls is not None else None,
    )


@pytest.fixture(scope="session")
def api(back_end: BackEnd, api_host: ServiceHost, plan: Plan, journal: Journal) -> ApiService:
    """The back end under the hands of a rollback."""
    return back_end.service(api_host, journal, live_within_s=plan.rto("backend").max_s)


@pytest.fixture(scope="session")
def last_stable_api_deploy(api_host: ServiceHost, targets: Targets) -> Callable[[], dict[str, str]]:
    """Find the deploy of the service to go back to."""
    return partial(targets.of_api, api_host)


@pytest.fixture(scope="session")
def what_users_have(api_host: ServiceHost, progress: Progress) -> Callable[[], dict[str, Any]]:
    """Find what a revert takes back: what answers users now. It is shown before that is done, and kept in the journal."""
    return lambda: taken_back(progress, "back end", api_host.live())


def _migrations(environment: Environment, target: Deploy, live: Deploy) -> str:
    """What the target has to live with, as far as a moment tells: whoever rolls back is told, and waits for nobody."""
    found = [f"not known, no answer within {_NAMED_WITHIN_S:g} s"]

    def ask() -> None:
        try:
            found.insert(0, applied_since(environment, target.commit, live.commit))
        except (ActionFailed, MeasurementFailed) as why:
            found.insert(0, f"not known, {why}")

    # A daemon: a repository's host or a database that hangs must not keep a session from ending.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_NAMED_WITHIN_S)
    return f"migrations applied since: {found[0]}"


def facts_of(choice: Choice) -> dict[str, str]:
    """The target as the journal keeps it."""
    return {"deploy": choice.deploy.id, "commit": choice.deploy.commit, "why": choice.why}


def taken_back(progress: Progress, part: str, live: Deploy) -> dict[str, Any]:
    """What users have now, as the target of a revert."""
    progress.announce(f"{part}, taken back: {live}, which users have now")
    return {"deploy": live.id, "commit": live.commit, "taken_back": True, "why": "users have it now"}


@pytest.fixture(scope="session")
def marks_recorded(environment: Environment, evidence: Path) -> Recorded:
    """As a baseline has them; nothing where the product names its release."""
    seen = look_at_marks(environment)
    if seen is None or not seen.fingerprints:
        return Recorded()
    write_marks(evidence, seen)
    return Recorded(files={MARKS_FILE: len(seen.fingerprints)})


def look_at_marks(environment: Environment) -> MarksSeen | None:
    """What answers now; None where the product names its release."""
    marked = told_versions.marked_api(environment)
    return replace(marked, deadline_s=min(_MARKS_WITHIN_S, marked.deadline_s)).look() if marked is not None else None


def write_marks(folder: Path, seen: MarksSeen) -> None:
    """As a part of a baseline."""
    write_data(folder / MARKS_FILE, {"at": seen.at.isoformat(), "fingerprints": dict(seen.fingerprints)})


def stored_marks(runbook: Runbook) -> MarksSeen | None:
    """What ``--baseline FILE`` has; None when it has none, or is too old to be compared with."""
    try:
        path = stored(runbook, MARKS_FILE)
        return _read(path, read_data(path)) if path is not None else None
    except MeasurementFailed:
        return None  # said where it is compared; without it less is proven


def _read(path: Path, data: Any) -> MarksSeen:
    try:
        fingerprints = {str(name): str(value) for name, value in data["fingerprints"].items()}
        return MarksSeen(datetime.fromisoformat(data["at"]), fingerprints)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
