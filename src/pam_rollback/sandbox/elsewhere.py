"""Another network address: a forward proxy whose requests come, for the sandbox, from somewhere else than this machine.

The sandbox is on loopback only, so the other address is told as proxies tell it: in ``X-Forwarded-For``.
"""

from http import HTTPStatus

import aiohttp
from aiohttp import web

ADDRESS = "198.51.100.7"
"""Of the block that is kept for documentation: RFC 5737."""
_HEADER = "X-Forwarded-For"
_WITHIN_S = 10.0
_NOT_PASSED_ON = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-encoding"})


class Elsewhere:
    """Asks what it is asked for, as a client of another address. Of this machine only."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer that somebody else gets."""
        if request.url.host != "127.0.0.1" or request.method != "GET":
            return web.Response(status=HTTPStatus.FORBIDDEN, text="only GET of the sandbox's own addresses")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
        headers[_HEADER] = ADDRESS
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_WITHIN_S)) as session,
                session.get(request.url, headers=headers, allow_redirects=False) as answer,
            ):
                passed = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON}
                passed.pop("Content-Length", None)
                return web.Response(status=answer.status, body=await answer.read(), headers=passed)
        except (aiohttp.ClientError, TimeoutError) as error:
            return web.Response(status=HTTPStatus.BAD_GATEWAY, text=f"cannot be reached: {type(error).__name__}")


def is_from_elsewhere(request: web.BaseRequest) -> bool:
    """Whether a request came through the proxy."""
    return request.headers.get(_HEADER) == ADDRESS
