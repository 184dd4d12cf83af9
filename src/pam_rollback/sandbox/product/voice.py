"""Talking to PAM instead of typing.  The recogniser is a stand-in: the same audio is always heard as the same sentence."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException, Request

from pam_rollback.sandbox.product.bodies import media_type
from pam_rollback.sandbox.product.conversation import converse
from pam_rollback.sandbox.product.flags import VOICE_FEATURES
from pam_rollback.sandbox.product.services import Parts
from pam_rollback.sandbox.product.visitor import Visiting

router = APIRouter(prefix="/api/v1/pam")

_LARGEST_BYTES = 2 * 1024 * 1024
_HEARD = (
    "How much did I spend this month?",
    "Find a quiet campground for tonight",
    "Plan a weekend by the sea",
    "What will the weather be on Saturday?",
)


@router.post("/voice")
async def voice(request: Request, visitor: Visiting, parts: Parts) -> dict[str, Any]:
    """Hear a recording and answer it; the feature adds an answer to be spoken, without it the answer is text only."""
    declared = media_type(request)
    if not declared.startswith("audio/") and declared != "application/octet-stream":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected audio, found {declared or 'no content type'}")
    if parts.faults.hits("voice", visitor.features):
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "the voice service does not answer")
    transcript = _hear(await _recording(request))
    exchange = await converse(parts, visitor, transcript, conversation_id=None, session_id=None)
    answer: dict[str, Any] = {
        "transcript": transcript,
        "response": exchange.reply.text,
        "session_id": exchange.session_id,
        "timestamp": exchange.answered_at.isoformat(),
        "message_id": str(exchange.message_id),
        "conversation_id": str(exchange.conversation_id),
    }
    if VOICE_FEATURES in visitor.features:
        answer["speech"] = {"voice": "warm", "text": exchange.reply.text}
    return answer


async def _recording(request: Request) -> bytes:
    audio = bytearray()
    async for piece in request.stream():
        audio += piece
        if len(audio) > _LARGEST_BYTES:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a recording may have {_LARGEST_BYTES} bytes at most"
            )
    if not audio:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "the recording is empty")
    return bytes(audio)


def _hear(audio: bytes) -> str:
    return _HEARD[hashlib.sha256(audio).digest()[0] % len(_HEARD)]
