"""Wrong answers that are true on the wire: what a probe meets when a proxy, a page or a body is not what it seems."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web

from pam_rollback.sandbox.faults import Fault

RELEASE_HEADER = "X-Release"
_JSON = "application/json"
_DRIP_S = 0.2
_PROMISED_BYTES = 4096
_PARTIAL = b'{"status": "healthy", "rele'
_GARBAGE = b'{"status": "healthy", "release": <<<'


class Service(Protocol):
    """A server whose answers can be made wrong."""

    @property
    def version(self) -> str:
        """The version that it says it is."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The true answer."""

    async def true_body(self, request: web.BaseRequest) -> Mapping[str, Any] | None:
        """The JSON object of the true answer; None when there is none."""


async def answer_under_faults(
    service: Service, request: web.BaseRequest, faults: Iterable[Fault], *, page: Callable[[], bytes]
) -> web.StreamResponse:
    """The answer of `service` to `request` as `faults` make it: delays add up, of the other faults the newest counts.

    `page` gives the front end's page, for the fault that answers it everywhere.
    """
    shape: Fault | None = None
    for fault in faults:
        if "ms" in fault.settings:
            await asyncio.sleep(float(fault.settings["ms"]) / 1000)
        else:
            shape = fault
    if shape is None:
        return await service.answer(request)
    name = shape.kind.name
    if name in _ON_THE_WIRE:
        return await _ON_THE_WIRE[name](request, shape)
    if name == "answers-html":
        return web.Response(body=page(), content_type="text/html", charset="utf-8")
    if name == "answers-garbage":
        return web.Response(body=_GARBAGE, content_type=_JSON)
    return await _changed(service, request, shape)


async def _changed(service: Service, request: web.BaseRequest, fault: Fault) -> web.Response:
    body = dict(await service.true_body(request) or {"timestamp": datetime.now(UTC).isoformat()})
    version = str(fault.settings.get("version", service.version))
    body["release"] = version
    if "version" in body:
        body["version"] = version
    status = HTTPStatus.OK
    if fault.kind.name == "answers-unhealthy":
        body["status"] = "unhealthy"
    else:
        body["status"] = "healthy"
        if fault.kind.name == "answers-503-healthy":
            status = HTTPStatus.SERVICE_UNAVAILABLE
    return web.Response(
        body=json.dumps(body).encode(), status=status, content_type=_JSON, headers={RELEASE_HEADER: version}
    )


async def _never_ending(request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": _JSON})
    await response.prepare(request)
    await response.write(b"{")
    while not fault.cleared.is_set():
        await response.write(b" ")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(fault.cleared.wait(), _DRIP_S)
    _cut(request)
    return response


async def _silence(request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
    await fault.cleared.wait()
    _cut(request)
    return web.Response()


async def _half_closed(request: web.BaseRequest, _: Fault) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": _JSON, "Content-Length": str(_PROMISED_BYTES)})
    await response.prepare(request)
    await response.write(_PARTIAL)
    if request.transport is not None:
        request.transport.close()  # what was written goes out first
    return response


_ON_THE_WIRE: Mapping[str, Callable[[web.BaseRequest, Fault], Awaitable[web.StreamResponse]]] = {
    "answers-never-ending": _never_ending,
    "answers-silence": _silence,
    "answers-half-closed": _half_closed,
}


def _cut(request: web.BaseRequest) -> None:
    # An answer that was held back by a fault does not turn into a good one when the fault goes.
    if request.transport is not None:
        request.transport.abort()
