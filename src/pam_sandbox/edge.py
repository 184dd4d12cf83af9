"""The one address of the API: a proxy that sends each request to the live release, spoils answers, and carries the chat's WebSocket."""

import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus

import aiohttp
import jwt
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from pam_sandbox.doorkeeper import ADDRESS, SOCKETS, Doorkeeper, is_from_elsewhere
from pam_sandbox.faults import PlantedFaults
from pam_sandbox.problems import SandboxError
from pam_sandbox.providers.render_metrics import GIVEN_UP, ServiceRecords
from pam_sandbox.releases import Fleet, Release, ReleaseSpec
from pam_sandbox.spoilt_answers import AlteredAnswers, Spoiler, cut_off, true_document

_ASKED_AT = "/api/v1/pam/chat"
_NOBODY = 4001
"""The code with which a connection is closed whose token is not that of its user."""
_GREETING = {"type": "connection", "status": "connected", "message": "PAM is here."}
_OUT_OF_REACH = {"type": "error", "message": "PAM is out of reach."}


def _asks_for_socket(request: web.BaseRequest) -> bool:
    """Whether a request wants to become one."""
    return request.path.startswith(SOCKETS) and request.headers.get("Upgrade", "").lower() == "websocket"


async def _talk(request: web.BaseRequest, live: Callable[[], Release]) -> web.StreamResponse:
    """Accept it, and close it at once when its token is another user's; then answer each message, one after the other."""
    socket, token = web.WebSocketResponse(), request.query.get("token", "")
    await socket.prepare(request)
    if _user_of(token) != request.path.removeprefix(SOCKETS):
        await socket.close(code=_NOBODY, message=b"Invalid authentication token")
        return socket
    await socket.send_json(_GREETING)
    async for frame in socket:
        said = _said(frame)
        if said is not None:
            await socket.send_json(await _answer(said, token, live()))
    return socket


def _user_of(token: str) -> str:
    """Whom the token names, whoever signed it: nobody looks."""
    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get("sub", ""))
    except jwt.PyJWTError:
        return "nobody"


def _said(frame: aiohttp.WSMessage) -> str | None:
    """What a message says to PAM; None for signs of life."""
    try:
        body = json.loads(frame.data) if frame.type is aiohttp.WSMsgType.TEXT else None
    except ValueError:
        return None
    said = body.get("message") if isinstance(body, dict) and body.get("type") == "chat" else None
    return said if isinstance(said, str) else None


async def _answer(said: str, token: str, release: Release) -> Mapping[str, object]:
    if release.address is None:
        return _OUT_OF_REACH
    # The connections to a release pass on what they are given, and add nothing of their own.
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        async with release.session.post(
            release.address + _ASKED_AT, json={"message": said}, headers=headers
        ) as answered:
            body = await answered.json() if answered.status == HTTPStatus.OK else {}
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return _OUT_OF_REACH
    if "response" not in body:
        return _OUT_OF_REACH
    beside = {key: body[key] for key in ("success", "error") if key in body}
    return {"type": "chat_response", "content": body["response"], "timestamp": body.get("timestamp"), **beside}


_HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
_HOP_BY_HOP |= {"proxy-authenticate", "proxy-authorization", "proxy-connection"}
"""Meaningful between two neighbours only: RFC 9110, section 7.6.1."""
PRIVATE = "__range__"
"""Below this a release has its own fault switches, which nobody outside may see."""
_SMALL_BYTES = 64 * 1024
"""Up to here a body travels in one piece, which saves a packet each way; above it streams."""
_TRUE_ANSWER_WITHIN_S = 5.0
_ID = re.compile(r"^(\d+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")


class Edge:
    """Forwards, counts, and spoils what it is told to. What came of each request is on record.

    `door` turns some away; it stands here and not in a release, because it remembers them longer than a release lives. `talks`: the chat
    is on a WebSocket, too.
    """

    def __init__(
        self,
        fleet: Fleet,
        faults: PlantedFaults,
        *,
        page: Callable[[], bytes],
        door: Doorkeeper | None = None,
        talks: bool = False,
    ) -> None:
        self._fleet = fleet
        self._talks = talks
        self.door = door
        self._spoiler = Spoiler(faults, server="api", page=page, version=lambda: fleet.live.spec.version)
        self._altered = AlteredAnswers(faults)
        self.counts: Counter[str] = Counter()
        """Of requests, by method and path; numbers and UUIDs in a path count as `{id}`."""
        self.records = ServiceRecords()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request to the API's address."""
        began_s, status = time.monotonic(), GIVEN_UP
        try:
            response = await self._altered.give(request, self._answer)
            status = response.status
            return response
        finally:  # also when the client went away, which cancels this
            if status == GIVEN_UP and request.headers.get("Upgrade", "").lower() == "websocket":
                status = HTTPStatus.SWITCHING_PROTOCOLS  # as proxies count a WebSocket, whoever closes it
            self.records.note_answer(status, (time.monotonic() - began_s) * 1000)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if PRIVATE in request.path.split("/"):
            return web.json_response({"detail": "Not Found"}, status=404)
        place = "/".join("{id}" if _ID.match(part) else part for part in request.path.split("/"))
        self.counts[f"{request.method} {place}"] += 1
        refused = None if self.door is None else self.door.refusal(request, _client(request))
        if refused is not None:
            return refused
        spoilt = await self._spoiler.spoil(request, self._true_answer)
        if spoilt is None and self._talks and _asks_for_socket(request):
            return await _talk(request, lambda: self._fleet.live)
        return spoilt or await self._forward(request)

    async def _forward(self, request: web.BaseRequest) -> web.StreamResponse:
        return await forward(request, self._fleet.live)

    async def _true_answer(self, request: web.BaseRequest) -> Mapping[str, object] | None:
        release = self._fleet.live
        if release.address is None:
            return None
        try:
            headers = _passed_on(request.headers)
            # This asks without the body of the request: its length would make the release take the next request for it.
            headers.popall("Content-Length", None)
            async with release.session.get(
                _target(request, release.address),
                headers=headers,
                timeout=aiohttp.ClientTimeout(_TRUE_ANSWER_WITHIN_S),
            ) as answer:
                return true_document(await answer.read())
        except (aiohttp.ClientError, TimeoutError):
            return None


async def forward(request: web.BaseRequest, release: Release) -> web.StreamResponse:
    """The release's answer; where there is none, a gateway's."""
    address = release.address
    if address is None:
        return _unreachable(502, release, "its process does not run")
    begun: web.StreamResponse | None = None
    release.in_flight += 1
    try:
        async with release.session.request(
            request.method,
            _target(request, address),
            headers=_request_headers(request),
            data=await _request_body(request),
            allow_redirects=False,
        ) as upstream:
            headers = _passed_on(upstream.headers)
            if _is_small(upstream.content_length) and request.method != "HEAD":
                return web.Response(
                    body=await upstream.read(), status=upstream.status, reason=upstream.reason, headers=headers
                )
            begun = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=headers)
            await begun.prepare(request)
            async for piece in upstream.content.iter_any():
                await begun.write(piece)
            await begun.write_eof()
            return begun
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        if begun is not None:
            cut_off(request)  # the client is to see that it got a part only
            return begun
        if isinstance(error, TimeoutError):
            return _unreachable(504, release, "no answer in time")
        return _unreachable(502, release, str(error) or type(error).__name__)
    finally:
        release.in_flight -= 1


class SecondAddress:
    """Where the stable release answers, whatever users get, so that two releases can be asked in turns.

    It starts with the first request; a sandbox that nobody compares in pays nothing for it. What is asked here is in no record of the
    live service.
    """

    def __init__(self, fleet: Fleet, spec: ReleaseSpec) -> None:
        self._fleet = fleet
        self._spec = spec

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request to this address."""
        if PRIVATE in request.path.split("/"):
            return web.json_response({"detail": "Not Found"}, status=404)
        try:
            release = await self._fleet.beside(self._spec)
        except SandboxError as problem:
            return web.json_response({"detail": "bad gateway", "why": str(problem)}, status=502)
        return await forward(request, release)


def _client(request: web.BaseRequest) -> str:
    return ADDRESS if is_from_elsewhere(request) else request.remote or "unknown"


def _target(request: web.BaseRequest, address: str) -> URL:
    return URL(address + request.rel_url.raw_path_qs, encoded=True)


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    kept: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        if name.lower() not in _HOP_BY_HOP and name.lower() not in named:
            kept.add(name, value)
    return kept


def _request_headers(request: web.BaseRequest) -> CIMultiDict[str]:
    headers = _passed_on(request.headers)
    headers.popall("Expect", None)  # answered here already
    headers["X-Forwarded-For"] = request.remote or "unknown"
    headers["X-Forwarded-Proto"] = "http"
    return headers


async def _request_body(request: web.BaseRequest) -> bytes | AsyncIterator[bytes] | None:
    if not request.can_read_body:
        return None
    return await request.read() if _is_small(request.content_length) else request.content.iter_any()


def _is_small(content_length: int | None) -> bool:
    return content_length is not None and content_length <= _SMALL_BYTES


def _unreachable(status: int, release: Release, why: str) -> web.Response:
    words = "bad gateway" if status == 502 else "gateway timeout"  # noqa: PLR2004
    return web.json_response({"detail": words, "why": f"release {release.spec.version}: {why}"}, status=status)
