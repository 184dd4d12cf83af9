"""One rollback on hosts in memory: the real actions and the real journal, no time and no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pam_rollback.core.errors import ActionFailed, UndoFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.rollback import backend, flags, frontend
from pam_rollback.rollback.backend import ApiService, undo_running
from pam_rollback.rollback.deploys import Deploy, ServiceHost
from pam_rollback.rollback.emergency import Emergency
from pam_rollback.rollback.flags import AllFeatures, Flags, undo_flags
from pam_rollback.rollback.frontend import Frontend, Sources, undo_publishing, undo_push
from pam_rollback.rollback.git import GitRepository
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.settling import until_served
from pam_rollback.rollback.step_list import Telling
from pam_rollback.target.pam_api import ProductDown
from pam_rollback.target.served_release import BACK_END, FRONT_END, Served, Wanted
from tests.rollback.strategies.hosts import CANDIDATE, STABLE, Hosts, MemoryRepository, State
from tests.rollback.strategies.performed import Ended, Targets, open_steps, perform
from tests.virtual_clock import VirtualClock

LIVE_WITHIN_S, SETTLED_S = 60.0, 30.0


@dataclass(frozen=True)
class World:
    """What users get and how the hosts are set."""

    site: str
    api: str
    locked: bool
    trigger: str
    branch: str
    main: str
    flags_on: bool


@dataclass
class MemoryStage:
    """Hosts, a journal, and the tools of every strategy."""

    journal: Journal
    state: State = field(default_factory=State)
    found_bad: str = CANDIDATE
    branch: str = "emergency-rollback"
    why: str = "the new release fails for users"
    told: list[str] = field(default_factory=list)
    workers: tuple[ServiceHost, ...] = ()

    def __post_init__(self) -> None:
        self.clock = VirtualClock(now_s=self.state.now_s, together=True)
        self.hosts = Hosts(self.clock, self.state, owes=lambda: bool(self.journal.owed()))
        self.waiter = Waiter(self.clock)

    # ---------------------------------------------------------------- what is done

    def perform(self, strategy: str) -> Ended:
        """Do it. Whatever it raises is a value here."""
        return perform(self, strategy)

    def undo(self) -> None:
        """Put back what the journal owes, the latest first. Raises UndoFailed after all were tried."""
        failures = []
        for undo in self.journal.owed():
            try:
                if undo.kind == backend.UNDO_KIND:
                    undo_running(undo, self.backend, seen=True)
                elif undo.kind == frontend.UNDO_KIND:
                    undo_publishing(undo, self.frontend, self.journal)
                elif undo.kind == frontend.UNDO_BRANCH_KIND:
                    undo_push(undo, cast("GitRepository", self.repository))
                elif undo.kind == flags.UNDO_KIND:
                    undo_flags(undo, self.hosts.flags, self.journal, self.waiter)
                else:
                    raise AssertionError(undo.kind)
            except UndoFailed as error:
                failures.append(str(error))
            else:
                self.journal.settled(undo)
        if failures:
            raise UndoFailed("; ".join(failures))

    def settle(self) -> World:
        """Let everything that is under way come, and look."""
        self.clock.sleep(SETTLED_S)
        return self.world()

    def world(self) -> World:
        """How it is now."""
        state = self.hosts.left_behind()
        return World(
            site=self.site_release(),
            api=self.api_release(),
            locked=state.locked,
            trigger=state.service.trigger,
            branch=state.service.branch,
            main=state.releases[state.heads["main"]],
            flags_on=not any(flag.off_for_all for flag in state.flags.values()),
        )

    def site_release(self) -> str:
        """What visitors get."""
        state = self.hosts.left_behind()
        return state.releases[next(deploy.commit for deploy in state.site if deploy.id == state.published)]

    def api_release(self) -> str:
        """What answers at the API's address."""
        state = self.hosts.left_behind()
        return state.releases[next(deploy.commit for deploy in state.deploys if deploy.state == "live")]

    def under_way(self) -> Sequence[Deploy]:
        """What the back end's host may still bring to life."""
        return [
            deploy
            for deploy in self.hosts.left_behind().deploys
            if deploy.state in {"build_in_progress", "update_in_progress"}
        ]

    @property
    def unowed(self) -> list[str]:
        """Changes that were asked for before their undo stood in the journal."""
        return self.hosts.unowed

    def open_steps(self) -> Mapping[str, int]:
        """Steps that began and have no end, or more than one."""
        return open_steps(self.journal)

    # ---------------------------------------------------------------- tools

    @property
    def repository(self) -> MemoryRepository:
        """The history."""
        return self.hosts.repository

    @property
    def bad(self) -> str:
        """What is to be taken back."""
        return self.found_bad

    @property
    def targets(self) -> Targets:
        """The stable deploys, as they were listed before anything was done."""
        return Targets(
            Deploy("site-old", "ready", STABLE), Deploy("api-old", "deactivated", STABLE, trigger="new_commit")
        )

    @property
    def telling(self) -> Telling:
        """Where steps are written down."""
        return Telling(self, "rolled back", self.journal, self.clock)

    def post(self, text: str) -> str:
        """The team is told."""
        self.told.append(text)
        return ""

    @property
    def frontend(self) -> Frontend:
        """For the front end."""
        return Frontend(
            self.hosts.site,
            lambda deploy: self._look(FRONT_END, deploy.commit),
            self.waiter,
            published_within_s=LIVE_WITHIN_S,
            served_within_s=LIVE_WITHIN_S,
        )

    @property
    def backend(self) -> ApiService:
        """For the back end."""
        return ApiService(
            self.hosts.service,
            lambda commit: self._look(BACK_END, commit),
            self.waiter,
            self.journal,
            self.workers,
            live_within_s=LIVE_WITHIN_S,
            served_within_s=LIVE_WITHIN_S,
        )

    @property
    def sources(self) -> Sources:
        """A build that takes no time."""
        return Sources(
            repository=cast("GitRepository", self.repository),
            build=self.build,
            branch="main",
            follows=lambda: True,
            see_back_end=lambda commit: until_served(
                lambda: self._look(BACK_END, commit), self.waiter, within_s=LIVE_WITHIN_S
            ),
        )

    def build(self, worktree: Path) -> Path:
        """It is called like the commit."""
        return worktree

    @property
    def features(self) -> AllFeatures:
        """Every feature."""
        return AllFeatures(lambda: Flags(self.hosts.flags, None, self.journal, self.waiter))

    @property
    def emergency(self) -> Emergency:
        """The product is down."""
        return Emergency(self, Flags(self.hosts.flags, None, self.journal, self.waiter), self.journal)

    def call(self, reason: str, initiated_by: str) -> str:
        """The emergency call."""
        assert reason
        assert initiated_by
        if self.state.down:
            raise ProductDown("no answer")
        raise ActionFailed("not asked for here")

    def empty_api_cache(self) -> str:
        """Accepted."""
        return "emptied"

    def empty_site_cache(self) -> str:
        """Asked of the site's host."""
        emptied = self.hosts.answer("Netlify", "purge", lambda: "emptied")
        if "no purge" not in self.hosts.behaves:
            self.hosts.behaves.discard("old page")
        return emptied

    def _look(self, site: str, commit: str) -> Served:
        state = self.hosts.left_behind()
        live = next((deploy.commit for deploy in state.deploys if deploy.state == "live"), "")
        published = next(deploy.commit for deploy in state.site if deploy.id == state.published)
        found = published if site == FRONT_END else live
        if site == FRONT_END and "old page" in self.hosts.behaves:
            found = CANDIDATE
        if f"another answers: {site}" in self.hosts.behaves:
            found = CANDIDATE if commit == STABLE else STABLE
        return Served(site, Wanted(commit=commit), commit="" if site == BACK_END and state.down else found)
