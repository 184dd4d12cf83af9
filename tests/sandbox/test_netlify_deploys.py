"""The deploys of the stand-in for Netlify, alone: what needs a clock, or an order that a running stand-in cannot be brought into."""

from __future__ import annotations

import asyncio
import time

import pytest

from pam_rollback.sandbox.builds import from_files
from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.providers.accounts import Refusal
from pam_rollback.sandbox.providers.netlify_deploys import Deployed, Deploys
from tests.sandbox.netlify_host import CANDIDATE, STABLE


class TestDeploysAlone:
    """Rules that need a clock, or an order of things that a running stand-in cannot be brought into."""

    @staticmethod
    def _deploy(age_s: float, release: str = STABLE) -> Deployed:
        moment = time.time() - age_s
        build = from_files({"/version.json": f'{{"release": "{release}"}}'.encode()})
        return Deployed(
            "main", "production", state="ready", created_at=moment, updated_at=moment, published_at=moment, build=build
        )

    def test_deploys_expire_and_the_published_one_does_not(self) -> None:
        """Whatever its age: users get it."""
        ancient, recent, published = self._deploy(3000), self._deploy(10), self._deploy(2000, CANDIDATE)
        deploys = Deploys(PlantedFaults(), [ancient, recent, published], retention_s=1000)

        assert deploys.kept() == [recent, published]
        with pytest.raises(Refusal, match="Not Found"):
            deploys.restore(ancient.id)

    def test_what_is_ready_too_late_is_old(self) -> None:
        """A deploy that began before the published one and ends after it is not published; it can be restored."""

        async def finished() -> Deployed:
            deploys = Deploys(PlantedFaults(), [self._deploy(10)])
            late = deploys.add(Deployed("main", "production", state="building", created_at=time.time() - 20))
            await deploys.finish(late, from_files({"/index.html": b"late"}))
            assert deploys.published is not late
            deploys.restore(late.id)
            await asyncio.sleep(2 * deploys.latencies.publish_s)
            assert deploys.published is late
            return late

        assert asyncio.run(finished()).state == "old"

    def test_a_reset_forgets_what_came_later(self) -> None:
        """Deploys, lock, stopped builds, and what was about to be published."""

        async def after_reset() -> Deploys:
            first = [self._deploy(20), self._deploy(10, CANDIDATE)]
            deploys = Deploys(PlantedFaults(), first)
            deploys.add(self._deploy(0, "9.9.9"))
            deploys.lock(first[-1].id)
            deploys.stop_builds = True
            deploys.restore(first[0].id)
            await deploys.reset()
            await asyncio.sleep(2 * deploys.latencies.publish_s)
            return deploys

        deploys = asyncio.run(after_reset())
        assert (len(deploys.kept()), deploys.build.release) == (2, CANDIDATE)
        assert not deploys.locked
        assert not deploys.stop_builds
