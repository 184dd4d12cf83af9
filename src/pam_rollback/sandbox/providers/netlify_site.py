"""Netlify's account of one sandbox: the site as it was before the sandbox began, and a push that builds it again."""

import asyncio
import secrets
import shutil
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from pam_rollback.sandbox import builds, history
from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.providers.accounts import NetlifyAccount
from pam_rollback.sandbox.providers.netlify import NetlifyApi
from pam_rollback.sandbox.providers.netlify_deploys import (
    PRODUCTION,
    Builds,
    Deployed,
    Deploys,
    FrontendLatencies,
)
from pam_rollback.sandbox.repository import Push, Repository

_FIRST = (("stable", 26 * 3600), ("candidate", 3600))
"""What was deployed, and how long ago; the last one is published."""
_HEADS = "refs/heads/"


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
        variables: Mapping[str, str],
    ) -> None:
        self.id = str(uuid.uuid4())
        self.token = f"nfp_{secrets.token_urlsafe(24)}"
        self.deploys = deploys
        self._repository = repository
        self._builds = Builds(
            deploys, checkout=repository.checkout, base=history.FRONTEND, scratch=scratch, variables=variables
        )
        self.account = NetlifyAccount(self.token)
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
        variables: Mapping[str, str],
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
