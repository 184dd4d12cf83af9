"""One rollback on a running range: the real actions with the real clients, and what users, hosts and the journal say of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pam_rollback.core.clock import SystemClock
from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from pam_rollback.http.provider import ProviderApi
from pam_rollback.notify.slack import SlackWebhook
from pam_rollback.rollback.backend import ApiService
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.emergency import Emergency
from pam_rollback.rollback.flags import AllFeatures, Flags
from pam_rollback.rollback.frontend import Frontend, Sources
from pam_rollback.rollback.git import GitRepository
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.npm_build import NpmBuild
from pam_rollback.rollback.provider_access import served_api, served_site, site_look
from pam_rollback.rollback.providers.netlify import NetlifySite, netlify_api
from pam_rollback.rollback.providers.render import RenderDeploys, render_api
from pam_rollback.rollback.settling import until_served
from pam_rollback.rollback.step_list import Telling
from pam_rollback.rollback.told_versions import ApiLook, VersionSources
from pam_rollback.rollback.undoing import undo_all
from pam_rollback.target.environment import Environment
from pam_rollback.target.pam_api import CacheApi, EmergencyApi
from pam_rollback.target.served_release import Served
from tests.rollback.strategies.performed import BRANCH, Ended, Targets, open_steps, perform
from tests.sessions import RunningSandbox
from tests.undo_kinds import KINDS

STABLE, CANDIDATE = "1.41.3", "1.42.0"
_DEADLINE_S = 5.0
"""Of a request: hosts of the sandbox answer within milliseconds, on a busy machine within a second."""
_EVERY_S = 0.2
_SETTLED_WITHIN_S = 20.0
_PATIENCE_S = 10.0
"""Of all tries of one operation."""
_WHY = "the new release fails for users"


@dataclass
class WatchedApi(ProviderApi):
    """The real client; it also keeps what was asked to be changed before an undo was owed."""

    journal: Journal | None = None
    unowed: list[str] = field(default_factory=list)

    def ask(self, operation: str, path: str, *, method: str = "GET", **options: Any) -> Any:
        """As ever."""
        if method != "GET" and (self.journal is None or not self.journal.owed()):
            self.unowed.append(operation)
        return super().ask(operation, path, method=method, **options)


@dataclass(frozen=True)
class World:
    """What users get and how the hosts are set, in words that do not change with each deploy."""

    site: str
    api: str
    locked: bool
    auto_deploy: str
    branch: str
    main: str
    flags_on: bool


@dataclass(frozen=True)
class Scene:
    """One case: a sandbox as at the start, a journal, and clients that were refused nothing yet."""

    range: RunningSandbox
    environment: Environment
    repository: GitRepository
    journal: Journal
    folder: Path
    served_within_s: float = 20.0

    def __post_init__(self) -> None:
        environment, variables = self.environment, self.range.variables
        assert environment.netlify is not None
        assert environment.render is not None
        netlify = netlify_api(environment.netlify, variables["NETLIFY_AUTH_TOKEN"])
        render = render_api(environment.render, variables["RENDER_API_KEY"])
        # The onlooker is never held up by what the rollback's own clients were refused.
        object.__setattr__(self, "onlooker", (netlify, render))
        watched = partial(WatchedApi, deadline_s=_DEADLINE_S, patience_s=_PATIENCE_S, journal=self.journal)
        object.__setattr__(self, "site", NetlifySite(watched(netlify.provider, netlify.token), environment.netlify))
        object.__setattr__(self, "service", RenderDeploys(watched(render.provider, render.token), environment.render))
        object.__setattr__(self, "targets", self._find_targets())

    onlooker: tuple[ProviderApi, ProviderApi] = field(init=False)
    site: NetlifySite = field(init=False)
    service: RenderDeploys = field(init=False)
    targets: Targets = field(init=False)

    # ---------------------------------------------------------------- what is done

    def perform(self, strategy: str) -> Ended:
        """Do it. Whatever it raises is a value here."""
        return perform(self, strategy)

    def undo(self) -> None:
        """Put back what the journal owes, with clients that wait as long as they do in earnest."""
        undo_all(self.journal, self.environment, KINDS, initiated_by="tests")

    def world(self) -> World:
        """How it is now."""
        netlify, render = self.onlooker
        service = replace(self.service, api=render).service()
        published = replace(self.site, api=netlify).live()
        flags = self.range.flags.read_flags()
        return World(
            site=self.site_release(),
            api=self.api_release(),
            locked=published.locked,
            auto_deploy=service.trigger,
            branch=service.branch,
            main=self.repository.head("main"),
            flags_on=not any(flag.off_for_all for flag in flags.values()),
        )

    def until(self, world: World) -> World:
        """The world once it is like this: a push back is built and deployed by the hosts themselves. What it is instead after a while."""
        end_s = time.monotonic() + _SETTLED_WITHIN_S
        while (now := self._world_or_none()) != world and time.monotonic() < end_s:
            time.sleep(_EVERY_S)
        return now or self.world()

    def _world_or_none(self) -> World | None:
        try:
            return self.world()
        except (ActionFailed, AttributeError):
            return None  # nothing answers for a moment

    def under_way(self) -> list[Deploy]:
        """What the back end's host may still bring to life, apart from what a colleague pushed."""
        over = {"live", "deactivated", "build_failed", "update_failed", "canceled"}
        return [
            deploy for deploy in self.service.deploys() if deploy.state not in over and deploy.trigger != "new_commit"
        ]

    def site_release(self) -> str:
        """The release that visitors get."""
        return str((fetch(f"{self.environment.urls.frontend}/version.json").json or {}).get("release"))

    def api_release(self) -> str:
        """The release that answers at the API's address."""
        return str((fetch(self.environment.url_of("version")).json or {}).get("release"))

    # ---------------------------------------------------------------- what was watched

    @property
    def unowed(self) -> list[str]:
        """Changes that were asked for before their undo stood in the journal."""
        asked = [*self._watched(self.site.api).unowed, *self._watched(self.service.api).unowed]
        return [operation for operation in asked if operation != "purge the cache"]

    def open_steps(self) -> Mapping[str, int]:
        """Steps of the journal that began and have no end, or more than one."""
        return open_steps(self.journal)

    @staticmethod
    def _watched(api: ProviderApi) -> WatchedApi:
        assert isinstance(api, WatchedApi)
        return api

    # ---------------------------------------------------------------- tools

    @property
    def telling(self) -> Telling:
        """Where steps are written down, and who is told."""
        return Telling(
            SlackWebhook(self.range.variables["PAM_SLACK_WEBHOOK_URL"]), "rolled back", self.journal, SystemClock()
        )

    @property
    def frontend(self) -> Frontend:
        """For the front end."""
        return Frontend(
            host=self.site,
            look=site_look(served_site(self.environment)),
            waiter=Waiter(),
            every_s=_EVERY_S,
            looked_every_s=_EVERY_S,
            seen_within_s=5 * _EVERY_S,
            published_within_s=_SETTLED_WITHIN_S,
            served_within_s=self.served_within_s,
        )

    @property
    def backend(self) -> ApiService:
        """For the back end."""
        return ApiService(
            host=self.service,
            look=self.look_at_api,
            waiter=Waiter(),
            journal=self.journal,
            every_s=_EVERY_S,
            looked_every_s=_EVERY_S,
            seen_within_s=5 * _EVERY_S,
            live_within_s=_SETTLED_WITHIN_S,
            served_within_s=self.served_within_s,
        )

    def look_at_api(self, commit: str) -> Served:
        """What answers, held against a commit."""
        return ApiLook(served_api(self.environment), self.service, VersionSources(self.environment))(commit)

    @property
    def sources(self) -> Sources:
        """The history, and a real npm."""
        settings = self.environment.git
        assert settings is not None
        build = NpmBuild(self.folder / "npm.log", settings.frontend_folder, settings.build_command)
        return Sources(
            repository=self.repository,
            build=build.build,
            branch="main",
            follows=lambda: True,
            see_back_end=lambda commit: until_served(
                lambda: self.look_at_api(commit), Waiter(), within_s=_SETTLED_WITHIN_S, every_s=_EVERY_S
            ),
        )

    @property
    def commits(self) -> Mapping[str, str]:
        """The commits of the two releases."""
        return {name: found["commit"] for name, found in self.range.remote.identity()["releases"].items()}

    @property
    def bad(self) -> str:
        """The commit that is to be taken back."""
        return self.commits["candidate"]

    @property
    def why(self) -> str:
        """The reason that is given."""
        return _WHY

    @property
    def branch(self) -> str:
        """A name for the emergency branch that no other case has."""
        return f"{BRANCH}{self.folder.name}"

    def _find_targets(self) -> Targets:
        stable = self.commits["stable"]
        found = [
            next(deploy for deploy in deploys if deploy.commit == stable)
            for deploys in (self.site.deploys(), self.service.deploys())
        ]
        return Targets(*found)

    @property
    def features(self) -> AllFeatures:
        """Every feature."""
        return AllFeatures(lambda: Flags(self.range.flags, None, self.journal, Waiter()))

    def empty_api_cache(self) -> str:
        """Asked of the product."""
        return CacheApi(self.environment.url_of("cache_clear"), self.range.variables["PAM_ADMIN_TOKEN"]).clear()

    def empty_site_cache(self) -> str:
        """Asked of the site's host."""
        self.site.purge()
        return "accepted"

    @property
    def emergency(self) -> Emergency:
        """For the emergency call."""
        url = self.environment.url_of("emergency_rollback")
        endpoint = EmergencyApi(url, self.range.variables["PAM_EMERGENCY_TOKEN"], _DEADLINE_S)
        return Emergency(endpoint, Flags(self.range.flags, None, self.journal, Waiter()), self.journal)
