"""Deploys as the strategies speak of them: what a provider has, what users get of it, and how another one is brought to them.

A provider's word for a state is kept as it is; its ``Rules`` say what it means, and an unknown word is never taken for a good one. A few
states have one word for all providers, which a client translates its own into: ``ready``, ``live``, ``deactivated``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.figures import Fact, Measured

DeployId = str
READY = "ready"
"""Of a deploy of the front end: all of it is there, and it could be published."""
LIVE = "live"
"""Of one of the back end: it is what runs."""
WERE_LIVE = frozenset({LIVE, "deactivated"})
"""It runs, or did until another one took its place."""
NEVER_LIVE = frozenset({"build_failed", "update_failed", "pre_deploy_failed", "canceled"})
"""It never came to users, and never will."""


@dataclass(frozen=True)
class Deploy:
    """One deploy. ``commit`` is the full hash, empty where the provider knows none; moments are absent where it tells none."""

    id: DeployId
    state: str
    commit: str = ""
    created_at: datetime | None = None
    finished_at: datetime | None = None
    """When it was brought to users."""
    branch: str = ""
    context: str = ""
    """What it was made for, such as ``production`` or ``deploy-preview``. Empty where a provider has only one."""
    trigger: str = ""
    """What started it, where the provider tells, such as ``new_commit``; ``rollback`` runs an earlier build again."""
    locked: bool = False
    """Nothing that is built from git is published in its place."""
    url: str = ""
    """Its own address, which serves exactly this deploy, published or not. Empty where there is none."""
    problem: str = ""
    """Why it failed, in the provider's words."""

    def __str__(self) -> str:
        return f"{self.id} ({self.state}{f', commit {self.commit[:12]}' if self.commit else ''}{', locked' if self.locked else ''})"


@dataclass(frozen=True)
class Service:
    """A back end's service: where it deploys from, and whether a push does so by itself."""

    id: str
    name: str
    branch: str
    auto_deploy: bool
    suspended: bool = False
    trigger: str = ""
    """What a deploy waits for, in the provider's word: it can be put back as it was."""


@dataclass(frozen=True)
class Rules:
    """What a provider's words mean. A state that is not named here is not good for anything."""

    provider: str
    restorable: frozenset[str]
    was_live: Callable[[Deploy], bool]
    context: str = ""
    """Deploys of another context are none of production; empty: the provider has no contexts."""
    under_way: frozenset[str] = frozenset()
    """States that end by themselves, perhaps with users."""
    ours: frozenset[str] = frozenset()
    """Triggers of deploys that a rollback from here has asked for."""

    def why_not(self, deploy: Deploy) -> str:
        """Why it cannot be brought back; empty when it can, as far as the list of deploys tells."""
        if deploy.state not in self.restorable:
            return f"its state is {deploy.state}, expected {' or '.join(sorted(self.restorable))}"
        if deploy.context not in {"", self.context}:
            return f"it is a {deploy.context}, not one of {self.context}"
        return ""


class Host(Protocol):
    """Who brings deploys to users. Each call raises ActionFailed (a ProviderError) when the provider does not do or say it."""

    @property
    def rules(self) -> Rules:
        """What its words mean."""

    def deploys(self) -> Sequence[Deploy]:
        """The production deploys, the newest first, as far back as a rollback may go."""

    def deploy(self, deploy_id: DeployId) -> Deploy:
        """One deploy."""

    def live(self) -> Deploy:
        """The deploy that users get now; of a site with its lock."""

    def restore(self, deploy_id: DeployId) -> Deploy:
        """Ask for an earlier deploy to be brought to users again; gives the one that does it, itself or a new one.

        Accepted is not done: ``live`` says when it is.
        """

    def cancel(self, deploy_id: DeployId) -> Deploy:
        """Stop a deploy that is not done."""


class SiteHost(Host, Protocol):
    """Who publishes the front end."""

    def lock(self, deploy_id: DeployId) -> Deploy:
        """Stop auto-publishing: this deploy stays."""

    def unlock(self, deploy_id: DeployId) -> Deploy:
        """Let builds be published again."""

    def publish_files(self, folder: Path, *, title: str, commit: str) -> Deploy:
        """Upload what the provider lacks of a site that was built here, as a new production deploy; gives it as it is once all is there."""

    def purge(self) -> None:
        """Empty its caches."""


class ServiceHost(Host, Protocol):
    """Who runs the back end."""

    def service(self) -> Service:
        """Where it deploys from, and whether a push deploys."""

    def deploy_commit(self, commit: str) -> Deploy | None:
        """Ask for a deploy of the commit; None when it was only queued and has no id yet."""

    def set_auto_deploy(self, *, on: bool, trigger: str = "commit") -> Service:
        """Whether a push deploys by itself, and on what: the ``trigger`` that the service had before. Counts with the next deploy."""

    def set_branch(self, branch: str) -> Service:
        """The branch that it deploys from. Counts with the next deploy."""

    def beside(self, service_id: str) -> "ServiceHost":
        """Another service of the same account."""


class VariableHost(ServiceHost, Protocol):
    """Who has the variables that a back end's process starts with, and can deploy its last build again, without a new one."""

    def variables(self, names: Collection[str]) -> Mapping[str, str | None]:
        """Each one's text; None where it is not set."""

    def set_variable(self, name: str, text: str) -> None:
        """Write one. It counts for processes that start later: nothing is deployed by it."""

    def deploy_again(self) -> Deploy:
        """Ask for the last successful build to be deployed again; gives the new deploy, which is not live yet."""


def live_among(deploys: Sequence[Deploy]) -> Deploy:
    """Return the live one of these, the newest first. Raises ActionFailed when none is."""
    live = next((deploy for deploy in deploys if deploy.state == LIVE), None)
    if live is None:
        raise ActionFailed(f"no deploy is live; the newest are {', '.join(map(str, deploys[:3])) or 'none'}")
    return live


def under_way(host: Host, deploys: Sequence[Deploy], *, but: str = "") -> list[Deploy]:
    """Return those that may still come to users by themselves; ``but`` those of a commit."""
    return [one for one in deploys if one.state in host.rules.under_way and not (but and one.commit == but)]


def cancelled(host: Host, deploys: Sequence[Deploy]) -> list[ActionFailed]:
    """Stop each of them; return what went wrong, after all were tried."""
    problems = []
    for deploy in deploys:
        try:
            host.cancel(deploy.id)
        except ActionFailed as error:
            problems.append(error)
    return problems


def stopped(host: Host, running: Sequence[Deploy]) -> str:
    """Stop each of them; return which, in words. Raises ActionFailed after all were tried."""
    if problems := cancelled(host, running):
        raise problems[0]
    return f"stopped {', '.join(map(str, running))}" if running else "none was under way"


@dataclass(frozen=True)
class ServiceRuns:
    """What a service runs, by the host: the only one who knows of one that has no address."""

    name: str
    live: Deploy | None
    """None: no deploy of it is live."""
    newest: Deploy | None = None

    @property
    def commit(self) -> str:
        """Of what runs; empty when nothing does, or when the host does not know."""
        return self.live.commit if self.live is not None else ""

    def __str__(self) -> str:
        runs = f"runs {self.live}" if self.live is not None else "runs nothing, no deploy of it is live"
        newer = f", and its newest is {self.newest}" if self.newest is not None and self.newest != self.live else ""
        return f"{self.name} {runs}{newer}"


@dataclass(frozen=True, repr=False)
class ServicesOfDeploy(Fact):
    """The API and what is deployed with it."""

    api: ServiceRuns
    workers: tuple[ServiceRuns, ...]

    @property
    def left_behind(self) -> tuple[ServiceRuns, ...]:
        """The workers that do not run the API's commit."""
        return tuple(one for one in self.workers if not one.commit or one.commit != self.api.commit)

    @property
    def measured(self) -> Measured:
        """How many run another commit, or none."""
        behind, all_of_them = self.left_behind, (self.api, *self.workers)
        named = "; ".join(f"worker left behind: {one}" for one in behind)
        return Measured(
            what="services of one deploy",
            asked="one commit",
            value=f"{len(behind)} left behind" if behind else self.api.commit[:12],
            n=len(all_of_them),
            sentence=f"{named}; expected the commit of the API: {self.api}"
            if behind or not self.workers
            else "; ".join(map(str, all_of_them)),
        )
