"""Netlify's builds from git: a push to the production branch is checked out, built with the product's own tools, and published."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

from pam_rollback.sandbox import builds, site_builder
from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.providers.accounts import Refusal
from pam_rollback.sandbox.providers.netlify_deploys import BRANCH_DEPLOY, PRODUCTION, Deployed, Deploys

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
        built = await site_builder.build(folder / self._base, commit=commit, variables=self._variables)
        return await asyncio.to_thread(builds.load, built)
