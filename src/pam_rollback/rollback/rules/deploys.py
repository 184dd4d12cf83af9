"""Deploys as the strategies speak of them: what a provider has, what users get of it, and how another one is brought to them.

A provider's word for a state is kept as it is (``ready``, ``live``, ``deactivated``, …): an unknown word is never taken for a good one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

DeployId = str


@dataclass(frozen=True)
class Deploy:
    """One deploy. ``commit`` is the full hash, empty where the provider knows none; moments are absent where it tells none."""

    id: DeployId
    state: str
    commit: str = ""
    created_at: datetime | None = None
    finished_at: datetime | None = None
    """When it was published (Netlify) or done (Render)."""
    branch: str = ""
    context: str = ""
    """Netlify: ``production``, ``deploy-preview``, ``branch-deploy``. Empty on Render."""
    trigger: str = ""
    """Render: what started it, such as ``new_commit`` or ``rollback``. Empty on Netlify."""
    locked: bool = False
    """Netlify: nothing that is built from git is published in its place."""
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
    """What a deploy waits for, in the provider's word (Render: ``commit``, ``checksPass``, ``off``): it can be put back as it was."""


class FrontendHost(Protocol):
    """Who publishes the front end. Each call raises ActionFailed (a ProviderError) when the provider does not do or say it."""

    def published(self) -> Deploy:
        """The deploy that users get now, with its lock."""

    def deploy(self, deploy_id: DeployId) -> Deploy:
        """One deploy."""

    def deploys(self) -> Sequence[Deploy]:
        """The production deploys, the newest first, as far back as a rollback may go."""

    def restore(self, deploy_id: DeployId) -> Deploy:
        """Ask for an earlier deploy to be published again. Done only when ``published`` says so."""


class PublishingLock(Protocol):
    """Who can keep builds from being published."""

    def lock(self, deploy_id: DeployId) -> Deploy:
        """Stop auto-publishing: this deploy stays."""

    def unlock(self, deploy_id: DeployId) -> Deploy:
        """Let builds be published again."""


class FileDeploys(Protocol):
    """Who can publish files that were built elsewhere."""

    def publish_files(self, folder: Path, *, title: str, commit: str) -> Deploy:
        """Upload what the provider lacks of the folder as a new production deploy; gives it as it is once all is there."""

    def cancel(self, deploy_id: DeployId) -> Deploy:
        """Stop a deploy that is not done."""


class BackendHost(Protocol):
    """Who runs the back end. Each call raises ActionFailed (a ProviderError) when the provider does not do or say it."""

    def service(self) -> Service:
        """Where it deploys from, and whether a push deploys."""

    def deploy(self, deploy_id: DeployId) -> Deploy:
        """One deploy."""

    def deploys(self) -> Sequence[Deploy]:
        """The deploys, the newest first, as far back as a rollback may go."""

    def roll_back(self, deploy_id: DeployId) -> Deploy:
        """Ask for an earlier deploy's build to be run again; gives the new deploy that does it, which is not live yet."""


class CommitDeploys(Protocol):
    """Who can build and run a commit."""

    def deploy_commit(self, commit: str) -> Deploy | None:
        """Ask for a deploy of the commit; None when it was only queued and has no id yet."""

    def cancel(self, deploy_id: DeployId) -> Deploy:
        """Stop a deploy that is not done."""


class ServiceSettings(Protocol):
    """Who can change where a service deploys from. Most changes take effect with the next deploy only."""

    def set_auto_deploy(self, *, on: bool, trigger: str = "commit") -> Service:
        """Whether a push deploys by itself, and on what: the ``trigger`` that the service had before."""

    def set_branch(self, branch: str) -> Service:
        """The branch that it deploys from."""
