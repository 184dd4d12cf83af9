"""Netlify's site: its deploys, which of them users get, what may take its place, and where their files come from.

They are built from the repository, one at a time, or uploaded. Undocumented and decided here: only the published deploy can be locked;
cancelling what is done changes nothing.
"""

import asyncio
import hashlib
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from pam_sandbox import builds
from pam_sandbox.backend_deploys import Latencies, Profile
from pam_sandbox.builds import Build, from_files
from pam_sandbox.faults import PlantedFaults
from pam_sandbox.problems import SandboxError
from pam_sandbox.providers.host import Refusal
from pam_sandbox.repository import BRANCH, Push, Repository
from pam_sandbox.repository import FRONTEND as SOURCE

BEHAVIOUR = "netlify-behaviour"
_RESTORABLE = frozenset({"ready", "old"})
_DONE = _RESTORABLE | {"error"}
_REPUBLISHED_AFTER_S = 0.5
PRODUCTION, PREVIEW, BRANCH_DEPLOY = "production", "deploy-preview", "branch-deploy"
FRONTEND: Mapping[Profile, Latencies] = {
    "fast": Latencies(process_s=0.05, build_s=0, publish_s=0.15),
    # A build of a site of this size takes about a minute, with a container and its packages; a restore some seconds.
    "realistic": Latencies(process_s=5, build_s=75, publish_s=3),
}
"""``process_s`` goes from the last file until the deploy is ready, ``publish_s`` from a restore, or the end of a deploy."""
_FIRST = (("stable", 26 * 3600), ("candidate", 3600))
"""What was deployed before the sandbox began, and how long ago; the last one is published."""
_SHA1 = re.compile(r"[0-9a-f]{40}")
_FORBIDDEN = frozenset("#?")


@dataclass
class Deployed:
    """One deploy, as the host keeps it."""

    branch: str
    context: str
    commit: str = ""
    title: str = ""
    state: str = "new"
    draft: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    build_id: str = ""
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    published_at: float | None = None
    error_message: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    """The SHA-1 of each file, by its address; for what is uploaded."""
    required: list[str] = field(default_factory=list)
    """What is still to be uploaded."""
    build: Build | None = None

    @property
    def is_done(self) -> bool:
        """Whether its state is its last one."""
        return self.state in _DONE

    def enter(self, state: str, *, error_message: str = "") -> None:
        """Go on to the next state."""
        self.state, self.error_message, self.updated_at = state, error_message, time.time()


class Builder(NamedTuple):
    """Builds commits of the repository in a folder below `scratch`, with the site's `variables`."""

    repository: Repository
    scratch: Path
    variables: Mapping[str, str]

    async def build(self, commit: str, *, with_npm: bool = True) -> Build:
        """Do what the host does with a commit. Raises SandboxError, OSError."""
        folder = Path(tempfile.mkdtemp(prefix="netlify-build-", dir=self.scratch))
        try:
            await asyncio.to_thread(self.repository.checkout, commit, folder / "repo")
            source = folder / "repo" / SOURCE
            published = await builds.build(source, commit=commit, variables=self.variables, with_npm=with_npm)
            return await asyncio.to_thread(builds.load, published)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class Deploys:
    """The deploys of one site. `first` is what was deployed before the sandbox began, the oldest first; its last one is published."""

    def __init__(self, faults: PlantedFaults, first: list[Deployed], builder: Builder, *, latencies: Latencies) -> None:
        self._faults = faults
        self._deploys = {deploy.id: deploy for deploy in first}
        self._first = tuple(first)
        self._published = first[-1]
        self._under_way: set[asyncio.Task[None]] = set()
        self._builder = builder
        self._one_at_a_time = asyncio.Lock()
        self._uploaded: dict[str, bytes] = {}
        self._latencies = latencies
        self.branch = BRANCH
        self.locked = False
        self.stop_builds = False
        builder.repository.on_push(self._heard)

    @classmethod
    async def open(cls, faults: PlantedFaults, builder: Builder, *, latencies: Latencies) -> "Deploys":
        """Build what was deployed before the sandbox began. Raises SandboxError."""
        commits = builder.repository.commits
        # npm takes most of the time.
        built = await asyncio.gather(*(builder.build(commits[name], with_npm=False) for name, _ in _FIRST))
        first, now = [], time.time()
        for (name, age_s), build in zip(_FIRST, built, strict=True):
            deploy = Deployed(BRANCH, PRODUCTION, commits[name], state="ready", build_id=secrets.token_hex(12))
            deploy.created_at = deploy.updated_at = deploy.published_at = now - age_s
            deploy.build = build
            first.append(deploy)
        return cls(faults, first, builder, latencies=latencies)

    @property
    def published(self) -> Deployed:
        """What users get."""
        return self._published

    @property
    def at_start(self) -> Deployed:
        """What users got when the sandbox started."""
        return self._first[-1]

    @property
    def build(self) -> Build:
        """The files that users get."""
        return self._published.build or Build({}, "")

    def builds(self) -> Iterator[Build]:
        """What was ever built, the newest first, whether or not its deploy is still kept."""
        return (deploy.build for deploy in reversed(self._deploys.values()) if deploy.build is not None)

    def kept(self) -> list[Deployed]:
        """The deploys that are not expired, the newest first; the published one never is."""
        expired = self._behaves("deploy-expired")
        return [
            deploy
            for deploy in sorted(self._deploys.values(), key=lambda deploy: deploy.created_at, reverse=True)
            if deploy is self._published or deploy.published_at is None or not expired
        ]

    def find(self, deploy_id: str) -> Deployed:
        """One deploy. Raises Refusal when there is none, or no longer."""
        found = next((deploy for deploy in self.kept() if deploy.id == deploy_id), None)
        if found is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "Not Found")
        return found

    def build_of(self, deploy_id: str) -> Build | None:
        """The files of one deploy, published or not; None when there is no such deploy, or no files of it."""
        return next((deploy.build for deploy in self.kept() if deploy.id == deploy_id), None)

    def add(self, deploy: Deployed) -> Deployed:
        """Take a deploy in."""
        self._deploys[deploy.id] = deploy
        return deploy

    def restore(self, deploy_id: str) -> Deployed:
        """Accept to publish a deploy again, which happens later. Raises Refusal."""
        deploy = self.find(deploy_id)
        if deploy.state not in _RESTORABLE or deploy.build is None:
            raise _refused(f"Deploy cannot be published: it is {deploy.state}")
        if deploy is not self._published and not self._behaves("restore-never-published"):
            self._in_background(self._publish_restored(deploy))
        return deploy

    def lock(self, deploy_id: str) -> Deployed:
        """Stop auto-publishing. Raises Refusal."""
        deploy = self.find(deploy_id)
        if deploy is not self._published:
            raise _refused("Only the published deploy can be locked")
        self.locked = True
        return deploy

    def unlock(self, deploy_id: str) -> Deployed:
        """Let what is built from now on be published; what was built meanwhile is not. Raises Refusal."""
        deploy = self.find(deploy_id)
        self.locked = False
        return deploy

    def cancel(self, deploy_id: str) -> Deployed:
        """End a deploy that is not done. Raises Refusal."""
        deploy = self.find(deploy_id)
        if not deploy.is_done:
            deploy.enter("error", error_message="Canceled build")
        return deploy

    def start(self, branch: str, commit: str, *, title: str = "") -> Deployed:
        """Build a commit because somebody asks for it. Raises Refusal when builds are stopped."""
        if self.stop_builds:
            raise _refused("Builds are stopped for this site")
        context = PRODUCTION if branch == self.branch else BRANCH_DEPLOY
        deploy = Deployed(branch, context, commit, title, "enqueued", build_id=secrets.token_hex(12))
        self._in_background(self._build(self.add(deploy)))
        return deploy

    def declare(self, deploy: Deployed, files: object) -> None:
        """Say which files the deploy has; it is ready by itself when all are known. Raises Refusal."""
        if not isinstance(files, Mapping) or not files:
            raise _refused("files: expected an object of paths and SHA1 digests")
        bad = [path for path, sha1 in files.items() if _SHA1.fullmatch(str(sha1)) is None or _FORBIDDEN & set(path)]
        if bad:
            raise _refused(f"files: no SHA1 digest, or # or ? in the path: {bad[0]}")
        if deploy.is_done or deploy.build is not None:
            raise _refused(f"Deploy cannot be changed: it is {deploy.state}")
        for build in self.builds():
            self._uploaded.update((file.sha1, file.body) for file in build.files.values())
        deploy.digests = {_address(path): str(sha1) for path, sha1 in files.items()}
        deploy.required = sorted(set(deploy.digests.values()) - self._uploaded.keys())
        deploy.enter("uploading")
        self._finish_if_complete(deploy)

    def receive(self, deploy: Deployed, path: str, body: bytes) -> dict[str, object]:
        """Take one file in. Raises Refusal."""
        address, found = _address(path), hashlib.sha1(body, usedforsecurity=False).hexdigest()
        if address not in deploy.digests:
            raise Refusal(HTTPStatus.NOT_FOUND, "Not Found")
        if deploy.digests[address] != found:
            raise _refused(f"{address}: expected {deploy.digests[address]}, got {found}")
        self._uploaded[found] = body
        if found in deploy.required:
            deploy.required.remove(found)
            self._finish_if_complete(deploy)
        return {"id": address, "path": address, "sha": found, "size": len(body)}

    def publish_release(self, release: str) -> None:
        """Publish the newest deploy of a release at once, past every rule: the sandbox's own control, which no provider has."""
        newest = reversed(self._deploys.values())
        self._publish(next(deploy for deploy in newest if deploy.build and deploy.build.release == release))

    async def reset(self) -> None:
        """Be as at the start: what came later is forgotten, and what is under way ends."""
        await self.close()
        self._deploys = {deploy.id: deploy for deploy in self._first}
        self._published = self._first[-1]
        self.locked = self.stop_builds = False

    async def close(self) -> None:
        """End what is under way."""
        tasks = tuple(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _heard(self, push: Push) -> None:
        """Build what was pushed to the site's branch, unless builds are stopped."""
        if push.ref == f"refs/heads/{self.branch}" and not push.is_deletion and not self.stop_builds:
            self.start(self.branch, push.new)

    async def _build(self, deploy: Deployed) -> None:
        async with self._one_at_a_time:
            if deploy.is_done:
                return  # cancelled while it waited
            deploy.enter("building")
            work = self._builder.build(deploy.commit)
            try:
                build, _ = await asyncio.gather(work, asyncio.sleep(self._latencies.build_s))
            except (SandboxError, OSError) as error:
                if not deploy.is_done:
                    deploy.enter("error", error_message=f"Build script returned non-zero exit code: {error}")
                return
        await self._finish(deploy, build)

    def _finish_if_complete(self, deploy: Deployed) -> None:
        if not deploy.required and deploy.state == "uploading":
            deploy.enter("uploaded")
            build = from_files({address: self._uploaded[sha1] for address, sha1 in deploy.digests.items()})
            self._in_background(self._finish(deploy, build))

    async def _finish(self, deploy: Deployed, build: Build) -> None:
        """All files are there: the deploy becomes ready, and is published if nothing speaks against it."""
        if deploy.is_done:
            return  # cancelled before it was complete
        deploy.build = build
        deploy.enter("processing")
        await asyncio.sleep(self._latencies.process_s)
        if deploy.is_done:
            return  # cancelled meanwhile
        is_newer_published = any(
            other.created_at > deploy.created_at and other.published_at is not None for other in self._deploys.values()
        )
        deploy.enter("old" if is_newer_published else "ready")
        if deploy.context != PRODUCTION or deploy.draft or self.locked or is_newer_published:
            return
        await asyncio.sleep(self._latencies.publish_s)
        if not self.locked:
            self._publish(deploy)

    def _publish(self, deploy: Deployed) -> None:
        """Users get it from now on."""
        self._published = deploy
        deploy.published_at = deploy.updated_at = time.time()

    async def _publish_restored(self, deploy: Deployed) -> None:
        replaced = self._published
        await asyncio.sleep(self._latencies.publish_s)
        self._publish(deploy)
        if self._behaves("restore-superseded"):
            # As if somebody had pushed meanwhile: the same content again, as a deploy of its own.
            again = self.add(Deployed(self.branch, PRODUCTION, replaced.commit, replaced.title, "building"))
            await asyncio.sleep(_REPUBLISHED_AFTER_S)
            await self._finish(again, replaced.build or Build({}, ""))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _behaves(self, what: str) -> bool:
        return self._faults.newest(BEHAVIOUR, what) is not None


def _refused(words: str) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, words)


def _address(path: str) -> str:
    return "/" + path.lstrip("/")
