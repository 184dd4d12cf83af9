"""The sandbox's stand-in for Render's API, alone on a port, with records that a test writes out."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from pam_rollback.target.hosts import Render
from pam_sandbox.faults import PlantedFaults
from pam_sandbox.planting import read_fault
from pam_sandbox.providers.render import BASE, FAULT, RenderApi
from pam_sandbox.providers.render_metrics import Second, ServiceRecords

KEY = "rnd_only-for-these-tests"
SERVICE, OWNER = "srv-tests", "tea-tests"


@dataclass
class StandIn:
    """What a test needs of it."""

    url: str
    records: ServiceRecords
    faults: PlantedFaults

    def settings(self, **changes: object) -> Render:
        """An environment's table for it: steps of a second."""
        told = {"api_url": self.url, "service_id": SERVICE, "owner_id": OWNER, "resolution_s": 1, "gap_max_s": 5.0}
        return Render.model_validate({**told, **changes})

    def plant(self, what: str) -> None:
        """Have it tell something else."""
        self.faults.add(read_fault(FAULT, {"what": what}))

    def second(self, ago_s: int) -> Second:
        """What happened in the second that began so long ago."""
        return self.records._seconds.setdefault(int(time.time()) - ago_s, Second())

    def traffic(self, *, seconds: int = 20, ok: int = 20, errors: int = 0, given_up: int = 0, ms: float = 40) -> None:
        """The same in each of the latest seconds."""
        for ago_s in range(seconds, -1, -1):
            second = self.second(ago_s)
            second.statuses.update({200: ok, 500: errors, 499: given_up})
            second.statuses = +second.statuses
            second.durations_ms += [ms] * (ok + errors + given_up)

    def memory(self, mb: float, *, seconds: int = 20, until_s: int = 0, process: str = "1") -> None:
        """The same in each of these seconds."""
        for ago_s in range(seconds, until_s - 1, -1):
            self.second(ago_s).memory_bytes[process] = round(mb * 1e6)


@contextmanager
def stand_in(
    *, gets_per_min: int = 400, finest_step_s: int = 1, url: str = "", repo: str = "", worker: str = ""
) -> Iterator[StandIn]:
    """Run it in a thread of its own. ``worker``: the id of a second service of the same repository."""
    loop = asyncio.new_event_loop()
    records, faults = ServiceRecords(), PlantedFaults()
    api = RenderApi(
        faults,
        records,
        key=KEY,
        service_id=SERVICE,
        owner_id=OWNER,
        finest_step_s=finest_step_s,
        gets_per_min=gets_per_min,
        url=url,
        repo=repo,
        workers={worker: None} if worker else {},
    )

    async def begin() -> web.ServerRunner:
        server = web.Server(api.handle, access_log=None, handler_cancellation=True)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = loop.run_until_complete(begin())
    port: int = runner.addresses[0][1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield StandIn(f"http://127.0.0.1:{port}{BASE}", records, faults)
    finally:
        for fault in faults:
            loop.call_soon_threadsafe(fault.cleared.set)
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
