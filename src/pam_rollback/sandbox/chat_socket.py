"""PAM's chat on a WebSocket, as the page of today's product opens it. What is said there is asked of the live release, like any message.

It stands before the releases: the connection of a page outlives an exchange of them, and the next message is the new one's.
"""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus

import aiohttp
import jwt
from aiohttp import web

from pam_rollback.sandbox.releases import Release

PATH = "/api/v1/pam/ws/"
_ASKED_AT = "/api/v1/pam/chat"
_NOBODY = 4001
"""The code with which a connection is closed whose token is not that of its user."""
_GREETING = {"type": "connection", "status": "connected", "message": "PAM is here."}
_OUT_OF_REACH = {"type": "error", "message": "PAM is out of reach."}


def is_asked_for(request: web.BaseRequest) -> bool:
    """Whether a request wants to become one."""
    return request.path.startswith(PATH) and request.headers.get("Upgrade", "").lower() == "websocket"


async def talk(request: web.BaseRequest, live: Callable[[], Release]) -> web.StreamResponse:
    """Accept it, and close it at once when its token is another user's; then answer each message, one after the other."""
    socket, token = web.WebSocketResponse(), request.query.get("token", "")
    await socket.prepare(request)
    if _user_of(token) != request.path.removeprefix(PATH):
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
