"""The deploys of the back end's services: what was asked for, what became of it, and what a push sets off.

In one module: the states of one service: each request finds what an earlier one has left under way.
"""

import asyncio
import json
import secrets
import string
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from pam_sandbox.faults import Fault, PlantedFaults
from pam_sandbox.problems import SandboxError
from pam_sandbox.releases import RELEASES, Fleet, ReleaseSpec, release_of
from pam_sandbox.repository import BRANCH, RELEASE_FILE, Push, Repository

FAULT = "render-deploys"
Profile = Literal["fast", "realistic"]
"""How long the hosts take, beside the real work that is done here: for practice, or as they typically do."""
Status = Literal[
    "created",
    "build_in_progress",
    "update_in_progress",
    "live",
    "deactivated",
    "build_failed",
    "update_failed",
    "canceled",
]
Trigger = Literal["api", "manual", "new_commit", "rollback"]
AutoDeploy = Literal["commit", "checksPass", "off"]
RUNNING = frozenset({"created", "build_in_progress", "update_in_progress"})
_ARTIFACTS_KEPT = 10
_LETTERS = string.ascii_lowercase + string.digits
_AGES = {"stable": timedelta(days=3), "candidate": timedelta(hours=2)}
_TOOK = timedelta(minutes=3)
_TOLD_WITHIN_S = 0.2
"""After a push; a deploy that it sets off has begun by then."""


@dataclass(frozen=True)
class Latencies:
    """How long a host takes on top of the work that is really done here."""

    process_s: float
    """Until it begins with what it was given."""
    build_s: float
    publish_s: float
    """Until users get what was built."""


BACKEND: Mapping[Profile, Latencies] = {
    "fast": Latencies(process_s=0.02, build_s=0.06, publish_s=0.02),
    # A Python service with cached packages builds in two to three minutes; fetching a kept build and starting it takes about one.
    "realistic": Latencies(process_s=5, build_s=150, publish_s=50),
}
_NO_LATENCY = Latencies(0, 0, 0)


@dataclass(eq=False)
class BackendDeploy:
    """One deploy. `artifact` is what was built, once it was; without one it can never be run again."""

    id: str
    commit: str
    message: str
    committed_at: datetime | None
    trigger: Trigger
    created_at: datetime
    status: Status = "created"
    artifact: ReleaseSpec | None = None
    started_at: datetime | None = None
    updated_at: datetime | None = None
    finished_at: datetime | None = None
    problem: Exception | None = None
    task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is not decided yet."""
        return self.status in RUNNING


@dataclass
class Settings:
    """What the service's page of settings says."""

    branch: str = BRANCH
    auto_deploy: AutoDeploy = "commit"
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class ServiceDeploys:
    """One service. A later deploy overrides one that is still running, as is the default of a workspace.

    What is live of the API gets the users' requests, which its `fleet` answers. A worker has none: no address, and nothing that needs to be
    done here. Which release it runs, only the host can say, and what goes wrong with the API's deploys does not go wrong with its own.
    """

    def __init__(
        self, repository: Repository, faults: PlantedFaults, *, latencies: Latencies, fleet: Fleet | None = None
    ) -> None:
        self._fleet = fleet
        self._repository = repository
        self._faults = faults
        self._latencies = latencies
        self.settings = Settings()
        self.variables: dict[str, str] = {}
        """What the next deploy's process starts with."""
        self.deploys: list[BackendDeploy] = []
        """The oldest first."""
        self._pushed: set[asyncio.Task[None]] = set()
        self._now = datetime.min.replace(tzinfo=UTC)
        self._first = [self._of_the_past(spec) for spec in RELEASES]
        self._running = self.at_start
        self._forget()
        repository.on_push(self._heard)

    @property
    def running(self) -> ReleaseSpec:
        """The release that runs now."""
        return self._running if self._fleet is None else self._fleet.live.spec

    async def _started(self, spec: ReleaseSpec) -> Callable[[], None]:
        """Start a release beside the one that runs; gives what puts it into that one's place. Raises SandboxError."""
        fleet = self._fleet
        if fleet is None:
            return lambda: setattr(self, "_running", spec)
        fleet.variables = dict(self.variables)
        release = await fleet.start(spec)
        return lambda: fleet.move_to(release)

    @property
    def at_start(self) -> ReleaseSpec:
        """What was live when the sandbox started."""
        built = self._first[-1].artifact
        if built is None:
            raise SandboxError("back end", expected="a first deploy that was built", found="none")
        return built

    def find(self, deploy_id: str) -> BackendDeploy | None:
        """The deploy with this id."""
        return next((deploy for deploy in self.deploys if deploy.id == deploy_id), None)

    def is_restorable(self, deploy: BackendDeploy) -> bool:
        """Whether its build is still there: it once was live, and it is one of the latest."""
        kept = [
            found for found in self.deploys if found.artifact is not None and found.status in {"live", "deactivated"}
        ]
        return deploy in kept[-_ARTIFACTS_KEPT:] and self.planted("expired") is None

    async def deploy(self, commit: str, trigger: Trigger) -> BackendDeploy:
        """Build a commit and run it. What the repository does not have becomes a deploy whose build fails."""
        full, about = await asyncio.to_thread(self._look_up, commit)
        return self._begin(BackendDeploy(_new_id("dep"), full, *about, trigger, self._moment()), self._latencies)

    def roll_back(self, target: BackendDeploy) -> BackendDeploy:
        """Run an earlier deploy's build again, as a new deploy."""
        return self._again(target, "rollback", self._latencies)

    def deploy_only(self) -> BackendDeploy:
        """Run the last build again, whether it is the one that runs or not."""
        return self._again(self._built, "api", self._latencies)

    def cancel(self, deploy: BackendDeploy) -> None:
        """Stop a deploy that is running; nothing is done to another one."""
        if deploy.is_running:
            self._set(deploy, "canceled")
            if deploy.task is not None:
                deploy.task.cancel()

    def change(self, *, branch: str, auto_deploy: AutoDeploy) -> None:
        """Say where the next deploys come from, and whether and when a push deploys."""
        self.settings = Settings(branch, auto_deploy, self._moment())

    async def go_live(self, name: str) -> None:
        """Give users a release that the sandbox knows by name, at once. Raises SandboxError, and nothing moves, when it is not healthy."""
        if self._fleet is None and self.planted("update-fails") is not None:
            return  # a worker that is left behind
        target = next((deploy for deploy in self._first if deploy.artifact and deploy.artifact.name == name), None)
        if target is None:
            raise SandboxError("release", expected=" or ".join(spec.name for spec in RELEASES), found=repr(name))
        called_live = [deploy.artifact for deploy in self.deploys if deploy.status == "live" or deploy.is_running]
        if self.running == target.artifact and called_live == [target.artifact]:
            return
        deploy = self._again(target, "manual", _NO_LATENCY)
        if deploy.task is not None:
            await asyncio.wait({deploy.task})
        if deploy.status != "live":
            raise deploy.problem or SandboxError(
                f"deploy of release {name}", expected="a live one", found=deploy.status
            )

    async def reset(self) -> None:
        """Be as at the start: the candidate live, autodeploy on, the branch main, nothing running. Raises SandboxError."""
        await asyncio.to_thread(self._repository.reset)
        for task in self._pushed:
            task.cancel()
        for deploy in self.deploys:
            self.cancel(deploy)
        live, told = self._first[-1].artifact, bool(self.variables)
        self.variables = {}
        if live is not None and (self.running != live or told):
            take_over = await self._started(live)
            take_over()
        self.settings = Settings()
        self._forget()

    def head(self) -> str | None:
        """The newest commit of the service's branch."""
        return self._repository.head(self.settings.branch)

    def planted(self, what: str) -> Fault | None:
        """The fault that says so, if it is planted; of a worker that its deploys fail, if it is to be left behind."""
        if self._fleet is None:
            return self._faults.newest("worker-left-behind") if what == "update-fails" else None
        return self._faults.newest(FAULT, what)

    def _forget(self) -> None:
        self.deploys = list(self._first)
        self._built = self._first[-1]
        for deploy in self.deploys:
            deploy.status = "live" if deploy is self._first[-1] else "deactivated"
            deploy.updated_at = deploy.finished_at

    def _again(self, target: BackendDeploy, trigger: Trigger, latencies: Latencies) -> BackendDeploy:
        deploy = BackendDeploy(
            _new_id("dep"),
            target.commit,
            target.message,
            target.committed_at,
            trigger,
            self._moment(),
            artifact=target.artifact,
        )
        return self._begin(deploy, latencies)

    def _begin(self, deploy: BackendDeploy, latencies: Latencies) -> BackendDeploy:
        for other in self.deploys:
            self.cancel(other)
        self.deploys.append(deploy)
        deploy.task = asyncio.create_task(self._run(deploy, latencies))
        return deploy

    async def _run(self, deploy: BackendDeploy, latencies: Latencies) -> None:
        try:
            await asyncio.sleep(latencies.process_s)
            deploy.started_at = self._moment()
            if deploy.artifact is None:
                self._set(deploy, "build_in_progress")
                await asyncio.sleep(latencies.build_s)
                deploy.artifact = await self._build(deploy)
                self._built = deploy
            self._set(deploy, "update_in_progress")
            await asyncio.sleep(latencies.publish_s)
            await self._meet_faults(deploy)
            take_over = await self._started(deploy.artifact) if self.planted("live-in-name-only") is None else _nothing
        except (SandboxError, OSError) as problem:
            deploy.problem = problem
            self._set(deploy, "build_failed" if deploy.artifact is None else "update_failed")
            return
        # Nothing is waited for from here on: traffic and word change together.
        take_over()
        for other in self.deploys:
            if other.status == "live":
                self._set(other, "deactivated")
        self._set(deploy, "live")

    async def _build(self, deploy: BackendDeploy) -> ReleaseSpec:
        if self.planted("build-fails") is not None:
            raise SandboxError("build", expected="exit code 0", found="exit code 1")
        content = await asyncio.to_thread(self._repository.read, deploy.commit, RELEASE_FILE)
        try:
            return release_of(str(json.loads(content)["version"]), deploy.commit)
        except (ValueError, KeyError, TypeError) as error:
            raise SandboxError(RELEASE_FILE, expected="a version", found=repr(error)) from error

    async def _meet_faults(self, deploy: BackendDeploy) -> None:
        if deploy.trigger == "manual":
            return
        if self.planted("superseded") is not None and deploy.trigger != "new_commit":
            note = {f"docs/notes/{deploy.id}.md": "Opening hours of the office.\n"}
            with suppress(SandboxError):  # it may be refused, too
                await asyncio.to_thread(self._repository.push_as_a_colleague, note, "Add a note")
            await asyncio.sleep(_TOLD_WITHIN_S)
        held = self.planted("never-live")
        if held is not None:
            await held.cleared.wait()
        if self.planted("update-fails") is not None:
            raise SandboxError("deploy", expected="an open port", found="none: the new process ended with exit code 1")

    def _look_up(self, commit: str) -> tuple[str, tuple[str, datetime | None]]:
        full = self._repository.resolve(commit)
        return (commit, ("", None)) if full is None else (full, self._repository.about(full))

    def _heard(self, push: Push) -> None:
        if push.ref != f"refs/heads/{self.settings.branch}" or push.is_deletion or self.settings.auto_deploy == "off":
            return
        task = asyncio.create_task(self._deploy_pushed(push.new))
        self._pushed.add(task)
        task.add_done_callback(self._pushed.discard)

    async def _deploy_pushed(self, commit: str) -> None:
        with suppress(SandboxError):  # the repository went away right after the push
            await self.deploy(commit, "new_commit")

    def _set(self, deploy: BackendDeploy, status: Status) -> None:
        if deploy.status == "canceled":
            return
        was_running = deploy.is_running
        deploy.status = status
        deploy.updated_at = self._moment()
        if was_running and not deploy.is_running:
            deploy.finished_at = deploy.updated_at

    def _moment(self) -> datetime:
        """Now, and later than every moment before, so that what happened has an order."""
        self._now = max(datetime.now(UTC), self._now + timedelta(microseconds=1))
        return self._now

    def _of_the_past(self, spec: ReleaseSpec) -> BackendDeploy:
        commit = self._repository.commits[spec.name]
        created = datetime.now(UTC) - _AGES[spec.name]
        return BackendDeploy(
            _new_id("dep"),
            commit,
            *self._repository.about(commit),
            "new_commit",
            created,
            artifact=ReleaseSpec(spec.name, spec.version, commit),
            started_at=created,
            updated_at=created + _TOOK,
            finished_at=created + _TOOK,
        )


def _nothing() -> None:
    """Traffic stays where it is."""


def _new_id(kind: str) -> str:
    return f"{kind}-{''.join(secrets.choice(_LETTERS) for _ in range(20))}"
