"""What the real product asks and the sandbox's own does not: a model, and the parts of Supabase that only real pages use."""

import asyncio
import json
from collections import deque
from contextlib import suppress
from http import HTTPStatus
from typing import Any, cast

import psycopg
from aiohttp import web
from psycopg_pool import AsyncConnectionPool

from pam_sandbox.faults import PlantedFaults
from pam_sandbox.supabase import Asked, Rows, Supabase, problem
from tests.real_product.faults import Past, Trouble

ANSWER = "Here is an idea for your trip: take the coast road, and stay two nights at the lake."
_REALTIME, _CALLS = "/realtime/v1/websocket", "/rest/v1/rpc/"
_UNKNOWN = frozenset({"PGRST205", "PGRST100", "42703"})
"""No such table or column, or words that the stand-in cannot read: the real database has more than the sandbox's."""
_ONE = "application/vnd.pgrst.object+json"


_ASKED_MAX = 300
_OF_A_STRANGER = "Where did I park the caravan before the wedding in Ravenna? My booking is XK-2291."


class Model:
    """The provider of the model, which says what it was asked and one thing more; or nobody."""

    def __init__(self) -> None:
        self.is_reachable = True
        self.faults = PlantedFaults()
        self._asked: deque[str] = deque([_OF_A_STRANGER], maxlen=20)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request, as the Messages API gives it."""
        if not self.is_reachable:
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError
        body = json.loads(await request.read() or b"{}")
        asked = _question(body)
        others = [one for one in self._asked if one != asked]
        if asked not in self._asked:
            self._asked.append(asked)
        if self.faults.named("chat-mixes-users"):
            asked = others[-1]
        return web.json_response(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": body.get("model", "model"),
                "content": [{"type": "text", "text": f'{ANSWER} You asked: "{asked}"'}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 9, "output_tokens": 20},
            }
        )


def _question(body: Any) -> str:
    """What was said last, without what was said before."""
    said = (body.get("messages") or [{}])[-1].get("content", "")
    if isinstance(said, list):
        said = " ".join(str(part.get("text", "")) for part in said)
    return str(said)[-_ASKED_MAX:].strip()


class _RowsOfThen(Rows):
    """Reads get what was there some seconds ago, where that is planted."""

    def __init__(self, now: Rows, past: Past) -> None:
        super().__init__(cast("AsyncConnectionPool[psycopg.AsyncConnection[Any]]", past))
        self._now = now
        self._past = past

    async def answer(self, asked: Asked, body: object) -> web.Response:
        """Do it, in one transaction."""
        if asked.method in {"GET", "HEAD"} and self._past.is_shown:
            return await super().answer(asked, body)
        return await self._now.answer(asked, body)


class RealSupabase(Supabase):
    """The sandbox's, which is empty where the real database has what the sandbox's has not, and has faults in front of it."""

    def __init__(self, faults: PlantedFaults, *, dsn: str, jwt_secret: str) -> None:
        super().__init__(faults, dsn=dsn, jwt_secret=jwt_secret)
        self._trouble = Trouble(faults, "supabase")
        self._past = Past(faults, dsn)
        self._rows = _RowsOfThen(self._rows, self._past)
        self._keeping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to connect, without waiting."""
        await super().open()
        self._keeping = asyncio.create_task(self._past.keep())

    async def close(self) -> None:
        """Close every connection."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        await super().close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request, or a channel on which nothing ever happens."""
        if request.path == _REALTIME:
            return await _listen(request)
        return await self._trouble.answer(request, super().handle)

    async def _table(self, request: web.BaseRequest) -> web.Response:
        if request.path.startswith(_CALLS):
            return web.json_response([])
        answer = await super()._table(request)
        if answer.status < HTTPStatus.BAD_REQUEST or _code(answer) not in _UNKNOWN:
            return answer
        if request.method not in {"GET", "HEAD"}:
            return answer if _code(answer) != "PGRST205" else web.json_response([], status=HTTPStatus.CREATED)
        if request.headers.get("Accept", "") == _ONE:
            return problem(HTTPStatus.NOT_ACCEPTABLE, "PGRST116", "Cannot coerce the result to a single JSON object")
        return web.json_response([], headers={"Content-Range": "*/0"})


def _code(answer: web.Response) -> str:
    return str(json.loads(answer.text or "{}").get("code", ""))


async def _listen(request: web.BaseRequest) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for frame in socket:
        said = json.loads(frame.data)
        whole = {"topic": said["topic"], "event": "phx_reply", "ref": said.get("ref"), "join_ref": said.get("join_ref")}
        await socket.send_json({**whole, "payload": {"status": "ok", "response": {"postgres_changes": []}}})
    return socket
