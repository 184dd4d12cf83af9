"""What a planted fault does to a channel that is spoken to over HTTP, and how often it may be spoken to."""

import time
from collections import deque

from aiohttp import web

from pam_rollback.sandbox.faults import PlantedFaults

NAME = "channel-fails"
RETRY_AFTER = {"Retry-After": "30"}
_MINUTE_S = 60.0


def may_pass(latest_s: deque[float]) -> bool:
    """Whether one more may come within a minute; it is noted then. The deque is as long as many may."""
    now_s = time.monotonic()
    if len(latest_s) == latest_s.maxlen and now_s - latest_s[0] < _MINUTE_S:
        return False
    latest_s.append(now_s)
    return True


def how_it_fails(faults: PlantedFaults, channel: str) -> str:
    """Give the word of the fault that is planted on the channel; empty when none is."""
    planted = [fault for fault in faults.named(NAME) if fault.settings["what"] == channel]
    return str(planted[-1].settings["how"]) if planted else ""


async def cut_off(faults: PlantedFaults, channel: str, request: web.BaseRequest) -> web.StreamResponse | None:
    """Close the connection without an answer, at once or when a fault that holds it back is cleared; None when none does."""
    how = how_it_fails(faults, channel)
    if how not in {"down", "hangs"}:
        return None
    if how == "hangs":
        planted = [fault for fault in faults.named(NAME) if fault.settings["what"] == channel]
        await planted[-1].cleared.wait()
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
