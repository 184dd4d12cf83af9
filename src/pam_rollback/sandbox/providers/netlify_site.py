"""Netlify's account of one sandbox: the site as it was before the sandbox began, and a push that builds it again."""

import asyncio
import secrets
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

from pam_rollback.sandbox import builds, history
from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.providers.accounts import NETLIFY_DEPLOYS_PER_MIN, NetlifyAccount, Refusal
from pam_rollback.sandbox.providers.netlify import NetlifyApi
from pam_rollback.sandbox.providers.netlify_deploys import (
    BRANCH_DEPLOY,
    PRODUCTION,
    Deployed,
    Deploys,
    FrontendLatencies,
)
from pam_rollback.sandbox.repository import Push, Repository

Checkout = Callable[[str, Path], None]
"""Puts the files of a commit into an empty folder; blocks."""


class Builds:
    """One at a time, in the order of the pushes. `base` is the site's folder in the repository, `variables` those of its builds."""

    def __init__(
        self, deploys: Deploys, *, checkout: Checkout, base: str, scratch: Path, variables: Mapping[str, str]
    ) -> None:
        self._variables = variables
        self._deploys = deploys
        self._checkout = checkout
        self._base = base
        self._scratch = scratch
        self._one_at_a_time = asyncio.Lock()

    def push(self, branch: str, commit: str) -> Deployed | None:
        """Build a commit that was pushed; None when builds are stopped or the branch is not built."""
        if self._deploys.stop_builds or branch != self._deploys.branch:
            return None
        return self.start(branch, commit)

    def start(self, branch: str, commit: str, *, title: str = "") -> Deployed:
        """Build a commit because somebody asks for it. Raises Refusal when builds are stopped."""
        if self._deploys.stop_builds:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "Builds are stopped for this site")
        context = PRODUCTION if branch == self._deploys.branch else BRANCH_DEPLOY
        deploy = self._deploys.add(
            Deployed(branch, context, commit=commit, title=title, state="enqueued", build_id=secrets.token_hex(12))
        )
        self._deploys.in_background(self._build(deploy))
        return deploy

    async def _build(self, deploy: Deployed) -> None:
        async with self._one_at_a_time:
            if deploy.is_done:
                return  # cancelled while it waited
            deploy.enter("building")
            scratch = Path(tempfile.mkdtemp(prefix="netlify-build-", dir=self._scratch))
            try:
                built, _ = await asyncio.gather(
                    self._built(deploy.commit, scratch / "repo"), asyncio.sleep(self._deploys.latencies.build_s)
                )
            except (SandboxError, OSError) as error:
                if not deploy.is_done:
                    deploy.enter("error", error_message=f"Build script returned non-zero exit code: {error}")
                return
            finally:
                await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        await self._deploys.finish(deploy, built)

    async def _built(self, commit: str, folder: Path) -> builds.Build:
        await asyncio.to_thread(self._checkout, commit, folder)
        built = await builds.build(folder / self._base, commit=commit, variables=self._variables)
        return await asyncio.to_thread(builds.load, built)


_FIRST = (("stable", 26 * 3600), ("candidate", 3600))
"""What was deployed, and how long ago; the last one is published."""
_HEADS = "refs/heads/"
_NONE: Mapping[str, str] = {}


class NetlifySite:
    """One site, built from the sandbox's repository."""

    def __init__(
        self,
        deploys: Deploys,
        repository: Repository,
        faults: PlantedFaults,
        *,
        url: str,
        scratch: Path,
        deploys_per_min: int = NETLIFY_DEPLOYS_PER_MIN,
        variables: Mapping[str, str] = _NONE,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.token = f"nfp_{secrets.token_urlsafe(24)}"
        self.deploys = deploys
        self._repository = repository
        self._builds = Builds(
            deploys, checkout=repository.checkout, base=history.FRONTEND, scratch=scratch, variables=variables
        )
        self.account = NetlifyAccount(self.token, deploys_per_min=deploys_per_min)
        self.api = NetlifyApi(
            faults,
            self.account,
            deploys,
            self._builds,
            site_id=self.id,
            site_url=url,
            head=repository.head,
        )
        repository.on_push(self._note_push)

    @classmethod
    async def open(
        cls,
        faults: PlantedFaults,
        repository: Repository,
        *,
        url: str,
        scratch: Path,
        latencies: FrontendLatencies,
        deploys_per_min: int = NETLIFY_DEPLOYS_PER_MIN,
        variables: Mapping[str, str] = _NONE,
    ) -> "NetlifySite":
        """The site with its first deploys, really built, with the site's `variables`. Raises SandboxError."""
        first = await asyncio.gather(
            *(_first_deploy(repository, repository.commits[name], age_s, scratch, variables) for name, age_s in _FIRST)
        )
        deploys = Deploys(faults, list(first), branch=history.BRANCH, latencies=latencies)
        return cls(
            deploys,
            repository,
            faults,
            url=url,
            scratch=scratch,
            deploys_per_min=deploys_per_min,
            variables=variables,
        )

    async def reset(self) -> None:
        """Be as at the start, with all that may be asked for in a minute."""
        await self.deploys.reset()
        self.account.renew()

    def _note_push(self, push: Push) -> None:
        if push.ref.startswith(_HEADS) and not push.is_deletion:
            self._builds.push(push.ref.removeprefix(_HEADS), push.new)


async def _first_deploy(
    repository: Repository, commit: str, age_s: float, scratch: Path, variables: Mapping[str, str]
) -> Deployed:
    folder = Path(tempfile.mkdtemp(prefix="netlify-first-", dir=scratch))
    await asyncio.to_thread(repository.checkout, commit, folder / "repo")
    published = await builds.build_directly(folder / "repo" / history.FRONTEND, commit=commit, variables=variables)
    build = await asyncio.to_thread(builds.load, published)
    await asyncio.to_thread(shutil.rmtree, folder)
    moment = time.time() - age_s
    return Deployed(
        history.BRANCH,
        PRODUCTION,
        commit=commit,
        state="ready",
        build_id=secrets.token_hex(12),
        created_at=moment,
        updated_at=moment,
        published_at=moment,
        build=build,
    )
