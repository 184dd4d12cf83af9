"""The chat of today's product on a WebSocket: greeted, answered by the release that is live, and closed to others' tokens."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web

from pam_rollback.sandbox import chat_socket
from pam_rollback.sandbox.doorkeeper import PATHS_MAX
from tests.sandbox.test_doorkeeper import door, scanned

USER = "7f2c"
Talk = Callable[[aiohttp.ClientSession, str], Awaitable[Any]]


def token_of(user: str) -> str:
    """One of a secret that nobody asks for."""
    return jwt.encode({"sub": user}, "any secret that is long enough for its kind")


async def served(handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> tuple[web.ServerRunner, str]:
    """Answers on a port of its own."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


def talked(
    story: Talk, *, release: Mapping[str, object] | None, status: int = 200
) -> tuple[Any, list[tuple[str, Any]]]:
    """What came of a story, and what the release was asked; ``release`` None: it does not run."""
    asked: list[tuple[str, Any]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers.get("Content-Type") == "application/json"
        asked.append((request.headers["Authorization"], await request.json()))
        return web.json_response(release, status=status)

    async def run() -> Any:
        behind, address = await served(answer)
        async with aiohttp.ClientSession(skip_auto_headers=("Content-Type",)) as session:
            live: Any = SimpleNamespace(address=None if release is None else address, session=session)
            before, url = await served(lambda request: chat_socket.talk(request, lambda: live))
            try:
                return await asyncio.wait_for(story(session, url), 5)
            finally:
                await before.cleanup()
                await behind.cleanup()

    return asyncio.run(run()), asked


def asks(*messages: object, user: str = USER) -> Talk:
    """Opens it, says these, and gives what is said until an answer to each is there."""

    async def story(session: aiohttp.ClientSession, url: str) -> list[Any]:
        async with session.ws_connect(f"{url}{chat_socket.PATH}{USER}?token={token_of(user)}") as socket:
            said = [await socket.receive_json()]
            for message in messages:
                await (socket.send_json(message) if isinstance(message, dict) else socket.send_str(str(message)))
            said.append(await socket.receive_json())
            return said

    return story


def test_it_greets_and_answers() -> None:
    """Signs of life and what nobody understands get no answer; a message gets that of the live release, as its user."""
    told = {"response": "About 40 $.", "intent": None, "timestamp": "2026-11-28T06:00:00"}
    question = {"type": "chat", "message": "How much?"}
    said, asked = talked(asks({"type": "ping"}, "no JSON", {"type": "chat", "message": 7}, question), release=told)

    assert said[0]["type"] == "connection"
    assert said[1] == {"type": "chat_response", "content": "About 40 $.", "timestamp": told["timestamp"]}
    assert asked == [(f"Bearer {token_of(USER)}", {"message": "How much?"})]


@pytest.mark.parametrize(
    ("release", "status"), [(None, 200), ({"detail": "no"}, 401), ({"other": 1}, 200)], ids=["down", "refused", "odd"]
)
def test_without_an_answer_it_says_so(release: dict[str, object] | None, status: int) -> None:
    """An error, and no apology of PAM's."""
    said, _ = talked(asks({"type": "chat", "message": "?"}), release=release, status=status)

    assert said[1]["type"] == "error"


@pytest.mark.parametrize("token", [token_of("another"), "no token", ""], ids=["another user's", "none", "empty"])
def test_another_users_token_opens_nothing(token: str) -> None:
    """It is accepted first, and closed with a code of its own."""

    async def story(session: aiohttp.ClientSession, url: str) -> int | None:
        async with session.ws_connect(f"{url}{chat_socket.PATH}{USER}?token={token}") as socket:
            await socket.receive()
            return socket.close_code

    assert talked(story, release={})[0] == 4001


def test_the_door_lets_everybody_in() -> None:
    """What counts requests of HTTP sees no WebSocket: not too many of them, and not that their address is banned."""
    _, ask = door()
    scanned(ask, PATHS_MAX + 1)

    assert {ask(f"{chat_socket.PATH}{USER}") for _ in range(60)} == {None}
