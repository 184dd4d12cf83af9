"""Answers that a broken proxy, a half-dead server or a single-page fallback would give; true on the wire, not simulated by headers."""

import asyncio
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from http import HTTPStatus

from aiohttp import web

from pam_rollback.sandbox.faults import Fault, PlantedFaults

_DRIP_S = 0.05
_MISSING_BYTES = 512


async def spoil(
    request: web.Request, faults: PlantedFaults, *, server: str, page: bytes, version: str
) -> web.StreamResponse | None:
    """The answer that a planted fault gives to this request; None when none does. Delays are served here too."""
    if request.method == "OPTIONS":
        return None  # a browser's preflight is not what the fault is about
    for fault in faults:
        if not _concerns(fault, server, request.path):
            continue
        match fault.kind.name:
            case "delay-all" | "answers-slowly":
                await _hold(fault, float(fault.settings["ms"]) / 1000)
            case "answers-html":
                return web.Response(body=page, content_type="text/html", charset="utf-8")
            case "answers-unhealthy":
                return _health("unhealthy", version, HTTPStatus.OK)
            case "answers-503-healthy":
                return _health("healthy", version, HTTPStatus.SERVICE_UNAVAILABLE)
            case "answers-garbage":
                return web.Response(body=b'{"status": "heal', content_type="application/json")
            case "answers-wrong-release":
                return _health("healthy", str(fault.settings["version"]), HTTPStatus.OK)
            case "answers-never-ending":
                return await _drip(request, fault)
            case "answers-silence":
                return await _say_nothing(request, fault)
            case "answers-half-closed":
                return await _break_off(request)
    return None


def _concerns(fault: Fault, server: str, path: str) -> bool:
    if fault.kind.layer != "edge":
        return False
    if fault.kind.name == "delay-all":
        return True
    return fault.settings["server"] in {server, "both"} and fnmatchcase(path, str(fault.settings["path"]))


async def _hold(fault: Fault, seconds: float) -> None:
    """Wait, but no longer than the fault is planted."""
    try:
        await asyncio.wait_for(fault.cleared.wait(), seconds)
    except TimeoutError:
        return


def _health(status: str, version: str, http_status: HTTPStatus) -> web.Response:
    body = {"status": status, "release": version, "version": version, "timestamp": datetime.now(UTC).isoformat()}
    return web.json_response(body, status=http_status)


async def _drip(request: web.Request, fault: Fault) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while not fault.cleared.is_set():
        await response.write(b" ")
        await asyncio.sleep(_DRIP_S)
    await response.write_eof()
    return response


async def _say_nothing(request: web.Request, fault: Fault) -> web.StreamResponse:
    await fault.cleared.wait()
    return _hang_up(request)


async def _break_off(request: web.Request) -> web.StreamResponse:
    start = b'{"status": "healthy", '
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(start) + _MISSING_BYTES
    await response.prepare(request)
    await response.write(start)
    if request.transport is not None:
        request.transport.close()
    return response


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
