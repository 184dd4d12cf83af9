"""What the real product asks and the sandbox's own does not: a model, and the parts of Supabase that only real pages use."""

import asyncio
import json
from http import HTTPStatus

from aiohttp import web

from pam_rollback.sandbox.supabase import Supabase
from pam_rollback.sandbox.supabase_rows import problem

ANSWER = "Here is an idea for your trip: take the coast road, and stay two nights at the lake."
_REALTIME, _CALLS = "/realtime/v1/websocket", "/rest/v1/rpc/"
_UNKNOWN = frozenset({"PGRST205", "PGRST100", "42703"})
"""No such table or column, or words that the stand-in cannot read: the real database has more than the sandbox's."""
_ONE = "application/vnd.pgrst.object+json"


class Model:
    """The provider of the model, with one answer to everything; or nobody."""

    def __init__(self) -> None:
        self.is_reachable = True

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request, as the Messages API gives it."""
        if not self.is_reachable:
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError
        body = json.loads(await request.read() or b"{}")
        return web.json_response(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": body.get("model", "model"),
                "content": [{"type": "text", "text": ANSWER}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 9, "output_tokens": 20},
            }
        )


class RealSupabase(Supabase):
    """The sandbox's, which is empty where the real database has what the sandbox's has not."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request, or a channel on which nothing ever happens."""
        return await _listen(request) if request.path == _REALTIME else await super().handle(request)

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
