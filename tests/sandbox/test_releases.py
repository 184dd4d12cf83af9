"""Releases start, take over traffic when they are healthy, and drain."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest
from aiohttp import web

from pam_rollback.sandbox.children import Children
from pam_rollback.sandbox.edge import SecondAddress
from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.releases import Release, ReleaseSpec
from tests.sandbox.edge_scene import PRODUCT, STABLE, Scene, play


async def ended(release: Release) -> None:
    """Wait until its process is gone."""
    end_s = time.monotonic() + 5
    while release.pid is not None:
        assert time.monotonic() < end_s
        await asyncio.sleep(0.01)


def test_traffic_moves_with_the_next_request_and_the_old_release_drains(tmp_path: Path) -> None:
    """A request that is on its way ends where it is; the next one goes to the new release, on the same connection, too."""

    async def story(found: Scene) -> None:
        stable, candidate = await found.fleet.start(STABLE), found.fleet.live
        slow = asyncio.create_task(found.told("GET", "/slow"))
        while candidate.in_flight == 0:  # noqa: ASYNC110  (a counter has no event)
            await asyncio.sleep(0.01)
        found.fleet.move_to(stable)
        assert (await found.told("GET", "/"))["release"] == "1.0.0"
        assert (candidate.in_flight, candidate.pid is None) == (1, False)
        found.go_on()
        assert (await slow)["release"] == "2.0.0"
        assert candidate.in_flight == 0
        await ended(candidate)

    play(tmp_path, story)


def test_traffic_stays_when_the_new_release_is_not_healthy(tmp_path: Path) -> None:
    """Nothing moves to a release that is down, and nothing of it stays."""

    async def story(found: Scene) -> None:
        await found.fleet.take_down("stable", "killed")
        with pytest.raises(SandboxError, match="release stable: expected a healthy answer"):
            await found.fleet.start(STABLE)
        with pytest.raises(SandboxError, match="expected stable or candidate, found 'stabel'"):
            await found.fleet.take_down("stabel", "killed")
        assert found.fleet.running("stable") == ()
        assert (await found.told("GET", "/"))["release"] == "2.0.0"

    play(tmp_path, story)


def test_the_second_address_has_its_own_release(tmp_path: Path) -> None:
    """The stable release answers there, started once by the first requests; users still get the candidate, and only theirs are counted."""

    async def story(found: Scene) -> None:
        second = SecondAddress(found.fleet, STABLE)
        runner = web.ServerRunner(web.Server(second.handle, access_log=None), shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            answers = await asyncio.gather(*(found.client.get(f"{url}/which") for _ in range(5)))
            assert [(await answer.json())["release"] for answer in answers] == ["1.0.0"] * 5
            assert len(found.fleet.running("stable")) == 1
            assert (await found.client.get(f"{url}/__range__/faults")).status == 404
            assert (await found.told("GET", "/which"))["release"] == "2.0.0"
            assert found.edge.counts.as_mapping() == {"GET /which": 1}
        finally:
            await runner.cleanup()

    play(tmp_path, story)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_release_that_does_not_start_says_its_last_words(tmp_path: Path, *, is_told: bool) -> None:
    """A product that breaks on start is one message with what it printed, also where it breaks before it is told anything."""

    async def start() -> None:
        children = Children()
        words = f"import sys; {'sys.stdin.readline(); ' * is_told}sys.exit('no module named wheels')"
        release = Release(
            ReleaseSpec("candidate", "2.0.0", "c"),
            children=children,
            logs=tmp_path,
            command=(sys.executable, "-c", words),
        )
        try:
            release.spawn()
            if not is_told and release.pid is not None:
                await asyncio.to_thread(os.waitid, os.P_PID, release.pid, os.WEXITED | os.WNOWAIT)
            await release.configure(PRODUCT)
        finally:
            await release.end()
            children.close()

    with pytest.raises(
        SandboxError, match=r"(?s)release candidate: expected the line .* exit code 1\nno module named wheels"
    ):
        asyncio.run(start())


def test_the_stand_in_is_told_the_contract(tmp_path: Path) -> None:
    """A release gets everything it needs in one JSON line, so that no secret stands in an argument."""
    (tmp_path / "show.py").write_text(
        "import sys; print(sys.stdin.readline(), file=sys.stderr); print('listening 1')", encoding="utf-8"
    )

    async def start() -> None:
        children = Children()
        command = (sys.executable, str(tmp_path / "show.py"))
        release = Release(ReleaseSpec("stable", "1.0.0", "c"), children=children, logs=tmp_path, command=command)
        release.spawn()
        await release.configure(PRODUCT)
        await release.end()
        children.close()

    asyncio.run(start())
    line = json.loads((tmp_path / "stable.err.log").read_text(encoding="utf-8"))

    assert line == {"release": "stable", "version": "1.0.0", "commit": "c", "port": 0, **vars(PRODUCT)}
