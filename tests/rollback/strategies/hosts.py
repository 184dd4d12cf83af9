"""Both hosts, the repository and the flags in memory, on a virtual clock: what a provider does in its own time, and how it fails.

A failure here has the shape in which the real clients report it (``ProviderError``: which answer, and whether the change was made all the
same). That an HTTP answer has that shape is tested with the clients (``tests/http``, ``tests/rollback/providers``); that a provider
answers so, with its stand-in (``tests/sandbox``).
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, ProviderError
from pam_rollback.plan.flags import Flag
from pam_rollback.rollback.deploys import Deploy, Service, live_among
from pam_rollback.rollback.providers.netlify import NETLIFY
from pam_rollback.rollback.providers.render import RENDER

T = TypeVar("T")
STABLE, CANDIDATE = "5" * 40, "b" * 40
ON, OFF = Flag(enabled=True, rollout_pct=100), Flag(enabled=False, rollout_pct=0)
_ACCEPTED_S, _BUILT_S = 1.0, 3.0
"""How long a host takes for what it has already, and for what it has to build."""
_UNDER_WAY = frozenset({"building", "build_in_progress", "update_in_progress"})


@dataclass(frozen=True)
class Failure:
    """How a provider fails: the answer's status (None: none came), and whether it did what it was asked all the same."""

    http_status: int | None
    done: bool = False


FAILURES: Mapping[str, Failure] = {
    "refused": Failure(403),
    "unknown to it": Failure(404),
    "in conflict": Failure(409),
    "too many requests": Failure(429),
    "in trouble": Failure(503),
    "unreadable": Failure(200),
    "silent": Failure(None),
    "done, unreadable": Failure(200, done=True),
    "done, unheard": Failure(None, done=True),
}


@dataclass
class State:
    """All that is kept: a copy of it is what a killed process left behind."""

    now_s: float = 0.0
    site: list[Deploy] = field(
        default_factory=lambda: [Deploy("site-new", "ready", CANDIDATE), Deploy("site-old", "ready", STABLE)]
    )
    published: str = "site-new"
    locked: bool = False
    service: Service = field(default_factory=lambda: Service("srv", "pam", "main", auto_deploy=True, trigger="commit"))
    deploys: list[Deploy] = field(
        default_factory=lambda: [
            Deploy("api-new", "live", CANDIDATE, trigger="new_commit"),
            Deploy("api-old", "deactivated", STABLE, trigger="new_commit"),
        ]
    )
    to_come: list[tuple[float, str, str]] = field(default_factory=list)
    """When, what and of which deploy."""
    heads: dict[str, str] = field(default_factory=lambda: {"main": CANDIDATE})
    releases: dict[str, str] = field(default_factory=lambda: {STABLE: STABLE, CANDIDATE: CANDIDATE})
    """Which release a commit is: a revert is the one before."""
    takes_back: dict[str, str] = field(default_factory=dict)
    flags: dict[str, Flag] = field(default_factory=lambda: {"PAM_ENHANCED_UI": ON, "PAM_VOICE_FEATURES": ON})
    down: bool = False
    """The product answers nobody, until another deploy is live."""
    count: int = 0


@dataclass
class Hosts:
    """What is shared by them: the state, its time, what is planted, and what was asked to be changed."""

    clock: Clock
    state: State = field(default_factory=State)
    failing: dict[tuple[str, str], Failure] = field(default_factory=dict)
    """By provider and operation; the operation ``all`` is every one."""
    behaves: set[str] = field(default_factory=set)
    owes: Callable[[], bool] = lambda: True
    """Whether an undo stands in the journal."""
    changes: list[str] = field(default_factory=list)
    unowed: list[str] = field(default_factory=list)
    turn: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.site, self.service = MemorySite(self), MemoryService(self)
        self.repository, self.flags = MemoryRepository(self), MemoryFlags(self)

    def left_behind(self) -> State:
        """What another process finds now."""
        with self.turn:
            self.pass_time()
            return deepcopy(self.state)

    def answer(self, provider: str, operation: str, do: Callable[[], T], *, changes: bool = False) -> T:
        """What the provider says, after whatever came due was done."""
        with self.turn:
            self.pass_time()
            if changes:
                self.changes.append(operation)
                if not self.owes():
                    self.unowed.append(operation)
            failure = self.failing.get((provider, operation)) or self.failing.get((provider, "all"))
            if failure is None:
                return do()
            if failure.done:
                do()
            raise ProviderError(
                f"{provider}: {operation}: {failure}",
                provider=provider,
                operation=operation,
                http_status=failure.http_status,
            )

    def later(self, after_s: float, what: str, deploy: str) -> None:
        """Have something happen in a while."""
        self.state.to_come.append((self.state.now_s + after_s, what, deploy))

    def number(self, kind: str) -> str:
        """A new id."""
        self.state.count += 1
        return f"{kind}-{self.state.count}"

    def pass_time(self) -> None:
        """Do what came due until now, in order."""
        state, until_s = self.state, self.clock.monotonic_s()
        while due := sorted(event for event in state.to_come if event[0] <= until_s):
            event = due[0]
            state.to_come.remove(event)
            state.now_s, what, deploy = event
            {"published": self.site.comes, "built": self.service.comes, "listed": self.service.is_listed}[what](deploy)
        state.now_s = max(state.now_s, until_s)

    def moved(self, branch: str) -> None:
        """A push: both hosts build it, the back end's only where it deploys by itself."""
        commit = self.state.heads[branch]
        if branch == "main":
            self.site.builds(commit, state="building")
        if self.state.service.auto_deploy and self.state.service.branch == branch:
            self.service.starts(commit, "build_in_progress", "new_commit")


@dataclass
class MemorySite:
    """Publishes the front end, in Netlify's words."""

    rules = NETLIFY
    hosts: Hosts

    def live(self) -> Deploy:
        """What visitors get."""
        return self._ask("site", self._published)

    def deploy(self, deploy_id: str) -> Deploy:
        """One of them."""
        return self._ask("get", lambda: self._found(deploy_id))

    def deploys(self) -> Sequence[Deploy]:
        """The newest first."""
        return self._ask("deploys", lambda: list(self.hosts.state.site))

    def restore(self, deploy_id: str) -> Deploy:
        """Accepted now, done later."""

        def do() -> Deploy:
            behaves = self.hosts.behaves
            if "target expired" in behaves or ("refused when locked" in behaves and self.hosts.state.locked):
                raise ProviderError("gone or locked", provider="Netlify", operation="restore", http_status=404)
            if "never published" not in behaves:
                self.hosts.later(_ACCEPTED_S, "published", deploy_id)
            if "built over" in behaves:
                self.builds(CANDIDATE, state="building")
            return self._found(deploy_id)

        return self._ask("restore", do, changes=True)

    def lock(self, deploy_id: str) -> Deploy:
        """It stays."""
        return self._ask("lock", lambda: self._set_lock(deploy_id, locked=True), changes=True)

    def unlock(self, deploy_id: str) -> Deploy:
        """It may go."""
        return self._ask("lock", lambda: self._set_lock(deploy_id, locked=False), changes=True)

    def cancel(self, deploy_id: str) -> Deploy:
        """It is published by nobody."""
        state = self.hosts.state
        state.to_come = [event for event in state.to_come if event[2] != deploy_id]
        self._replace(deploy_id, state="error")
        return self._found(deploy_id)

    def purge(self) -> None:
        """It keeps no cache."""

    def publish_files(self, folder: Path, *, title: str, commit: str) -> Deploy:
        """A new deploy, which is published by itself where nothing is locked."""
        assert title
        assert folder.name == commit
        self._ask("deploys", lambda: None, changes=True)
        return self._ask("upload", lambda: self.builds(commit, state="uploaded", after_s=_ACCEPTED_S), changes=True)

    def builds(self, commit: str, *, state: str, after_s: float = _BUILT_S) -> Deploy:
        """A deploy begins."""
        self.hosts.state.site.insert(0, made := Deploy(self.hosts.number("site"), state, commit))
        self.hosts.later(after_s, "published", made.id)
        return made

    def comes(self, deploy_id: str) -> None:
        """A deploy is ready. One that a build or an upload made is published unless the site is locked; a restored one always."""
        state, found = self.hosts.state, self._found(deploy_id)
        self._replace(deploy_id, state="ready")
        if found.state == "ready" or not state.locked:
            state.published = deploy_id

    def _published(self) -> Deploy:
        state = self.hosts.state
        return replace(self._found(state.published), locked=state.locked)

    def _found(self, deploy_id: str) -> Deploy:
        return next(deploy for deploy in self.hosts.state.site if deploy.id == deploy_id)

    def _replace(self, deploy_id: str, *, state: str) -> None:
        site = self.hosts.state.site
        site[:] = [replace(deploy, state=state) if deploy.id == deploy_id else deploy for deploy in site]

    def _set_lock(self, deploy_id: str, *, locked: bool) -> Deploy:
        assert deploy_id == self.hosts.state.published
        self.hosts.state.locked = locked
        return self._published()

    def _ask(self, operation: str, do: Callable[[], T], *, changes: bool = False) -> T:
        return self.hosts.answer("Netlify", operation, do, changes=changes)


@dataclass
class MemoryService:
    """Runs the back end, in Render's words."""

    rules = RENDER
    hosts: Hosts

    def service(self) -> Service:
        """As it is set."""
        return self._ask("service", lambda: self.hosts.state.service)

    def deploy(self, deploy_id: str) -> Deploy:
        """One of them."""
        return self._ask("get", lambda: self._found(deploy_id))

    def deploys(self) -> Sequence[Deploy]:
        """The newest first."""
        return self._ask("list", lambda: [deploy for deploy in self.hosts.state.deploys if deploy.state != "unlisted"])

    def live(self) -> Deploy:
        """The one of the list that runs."""
        return live_among(self.deploys())

    def restore(self, deploy_id: str) -> Deploy:
        """A new deploy of an old build."""

        def do() -> Deploy:
            if "target expired" in self.hosts.behaves:
                raise ProviderError("its build is gone", provider="Render", operation="rollback", http_status=404)
            return self._asked_for(self._found(deploy_id).commit, "update_in_progress", "rollback", _ACCEPTED_S)

        return self._ask("rollback", do, changes=True)

    def deploy_commit(self, commit: str) -> Deploy | None:
        """A new deploy of a new build; None when it is only queued."""

        def do() -> Deploy | None:
            if "queued" not in self.hosts.behaves:
                return self._asked_for(commit, "build_in_progress", "api", _BUILT_S)
            made = self._asked_for(commit, "unlisted", "api", _ACCEPTED_S + _BUILT_S)
            self.hosts.later(_ACCEPTED_S, "listed", made.id)
            return None

        return self._ask("deploy", do, changes=True)

    def cancel(self, deploy_id: str) -> Deploy:
        """It never comes."""

        def do() -> Deploy:
            self._end(deploy_id, "canceled")
            return self._found(deploy_id)

        return self._ask("cancel", do, changes=True)

    def beside(self, service_id: str) -> "MemoryService":
        """It has no other."""
        raise ActionFailed(f"there is no service {service_id}")

    def set_auto_deploy(self, *, on: bool, trigger: str = "commit") -> Service:
        """On or off."""
        return self._patch(auto_deploy=on, trigger=trigger if on else "off")

    def set_branch(self, branch: str) -> Service:
        """From now on."""
        return self._patch(branch=branch)

    def starts(self, commit: str, state: str, trigger: str, after_s: float = _BUILT_S) -> Deploy:
        """A deploy begins; one that a push began before is over."""
        for deploy in self.hosts.state.deploys:
            if trigger == "new_commit" and deploy.state in _UNDER_WAY:
                self._end(deploy.id, "canceled")
        self.hosts.state.deploys.insert(0, made := Deploy(self.hosts.number("api"), state, commit, trigger=trigger))
        self.hosts.later(after_s, "built", made.id)
        return made

    def is_listed(self, deploy_id: str) -> None:
        """A deploy that was queued."""
        self._replace(deploy_id, state="build_in_progress")

    def comes(self, deploy_id: str) -> None:
        """A deploy is done, or fails."""
        behaves, found = self.hosts.behaves, self._found(deploy_id)
        if found.trigger != "new_commit" and behaves & {"never live", "update fails", "build fails"}:
            if "never live" not in behaves:
                self._end(deploy_id, "update_failed" if "update fails" in behaves else "build_failed")
            return
        for deploy in self.hosts.state.deploys:
            if deploy.state == "live":
                self._replace(deploy.id, state="deactivated")
        self._replace(deploy_id, state="live")
        self.hosts.state.down = False

    def _asked_for(self, commit: str, state: str, trigger: str, after_s: float) -> Deploy:
        made = self.starts(commit, state, trigger, after_s)
        if "pushed meanwhile" in self.hosts.behaves:
            self.hosts.behaves.remove("pushed meanwhile")
            self.hosts.moved("main")
        return made

    def _end(self, deploy_id: str, how: str) -> None:
        state = self.hosts.state
        state.to_come = [event for event in state.to_come if event[2] != deploy_id]
        self._replace(deploy_id, state=how)

    def _found(self, deploy_id: str) -> Deploy:
        return next(deploy for deploy in self.hosts.state.deploys if deploy.id == deploy_id)

    def _replace(self, deploy_id: str, *, state: str) -> None:
        deploys = self.hosts.state.deploys
        deploys[:] = [replace(deploy, state=state) if deploy.id == deploy_id else deploy for deploy in deploys]

    def _patch(self, *, branch: str = "", auto_deploy: bool | None = None, trigger: str = "") -> Service:
        def do() -> Service:
            service = self.hosts.state.service
            self.hosts.state.service = replace(
                service,
                branch=branch or service.branch,
                trigger=trigger or service.trigger,
                auto_deploy=service.auto_deploy if auto_deploy is None else auto_deploy,
            )
            return self.hosts.state.service

        return self._ask("patch", do, changes=True)

    def _ask(self, operation: str, do: Callable[[], T], *, changes: bool = False) -> T:
        return self.hosts.answer("Render", operation, do, changes=changes)


@dataclass
class MemoryRepository:
    """The history: a revert is the release before."""

    hosts: Hosts

    def head(self, branch: str) -> str:
        """The newest commit."""
        self._reach()
        if branch not in self.hosts.state.heads:
            raise ActionFailed(f"git: there is no branch {branch}")
        return self.hosts.state.heads[branch]

    def where(self, branch: str) -> str | None:
        """The same, or nothing."""
        self._reach()
        return self.hosts.state.heads.get(branch)

    def holds(self, branch: str, commit: str) -> bool:
        """Only the newest is known."""
        return self.head(branch) == commit

    def rehearse_push(self) -> None:
        """It would be taken where it is reached."""
        self._reach()

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """A folder that is called like the commit."""
        yield Path("/nowhere") / commit

    def revert(self, commit: str, *, onto: str, reason: str) -> str:
        """A commit of its own for each pair, the same each time."""
        assert reason
        self._reach()
        if "conflict" in self.hosts.behaves:
            raise ActionFailed(f"git: {commit} cannot be taken back: backend/release.json was changed since")
        state = self.hosts.state
        if state.releases[onto] != state.releases[commit]:
            return onto  # it is taken back there already
        made = hashlib.sha1(f"{commit} {onto} {reason}".encode(), usedforsecurity=False).hexdigest()
        state.takes_back[made] = commit
        state.releases[made] = STABLE if state.releases[commit] == CANDIDATE else CANDIDATE
        return made

    def taken_back_by(self, commit: str) -> str | None:
        """What a revert takes back."""
        return self.hosts.state.takes_back.get(commit)

    def push(self, commit: str, branch: str, *, seen: str | None) -> None:
        """Only if it is where it was seen."""
        self._reach()
        with self.hosts.turn:
            heads = self.hosts.state.heads
            if "push refused" in self.hosts.behaves:
                raise ActionFailed("git: Protected branch")
            if heads.get(branch) != seen:
                raise ActionFailed("git: somebody pushed meanwhile, and nothing of theirs was touched")
            self.hosts.pass_time()
            heads[branch] = commit
            self.hosts.moved(branch)

    def _reach(self) -> None:
        if "git gone" in self.hosts.behaves:
            raise ActionFailed("git: no such repository")


@dataclass
class MemoryFlags:
    """The product's flags: out of reach while it is down."""

    hosts: Hosts

    def read_flags(self) -> Mapping[str, Flag]:
        """As they are."""
        self._reach()
        return dict(self.hosts.state.flags)

    def set_flags(self, changes: Mapping[str, Flag]) -> None:
        """At once."""
        self._reach()
        live = [deploy.commit for deploy in self.hosts.left_behind().deploys if deploy.state == "live"]
        if "admin refuses" in self.hosts.behaves and CANDIDATE in live:
            raise ActionFailed("the product refuses")
        self.hosts.state.flags.update(changes)

    def _reach(self) -> None:
        with self.hosts.turn:
            self.hosts.pass_time()
            if self.hosts.state.down:
                raise ActionFailed("the product is down")
