"""The ledger's writer, in an observer's process of its own (``observing.py``).

Every write is announced in the record before it is sent and confirmed, durably, after the product acknowledged it. So
whatever happens to this process, a confirmed write was acknowledged, and a write that is not confirmed is merely
indeterminate.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from pam_rollback.core.answer import Answer
from pam_rollback.core.open_loop import Ticks, rotation
from pam_rollback.probe.child import Lifeline, LineWriter
from pam_rollback.probe.exchange import NotSent, Observing, exchange
from pam_rollback.probe.ledger_config import LedgerConfig, Place, WriteKind
from pam_rollback.probe.ledger_reading import Reader
from pam_rollback.target.contract import Written, filled
from pam_rollback.target.expense_requests import RETURNED, all_of, body_of, written

_BODY_BYTES_MAX = 1 << 20
_ACKNOWLEDGING = (200, 201)
_DONE = (*_ACKNOWLEDGING, 202, 204)
_SECOND_TRY_AFTER_S = 1.0
_LOOKED_AGAIN_S = (0.5, 8.0)
"""How soon it is looked for a second time, and how seldom at last."""
_CATEGORY = "fuel"


class LedgerRun(Observing):
    """Writes in turn, each kind as often as its weight, or each once."""

    who, what = "ledger", "writes"

    def __init__(self, config: LedgerConfig, writer: LineWriter) -> None:
        super().__init__(config, writer)
        self._config = config
        self._turns = rotation(config.weights)
        self._register_out = False
        self._reader = Reader(self._session, config, self._account)
        self._seq = 0

    async def _send_all(self, lifeline: Lifeline, ticks: Ticks) -> int:
        if not self._config.once:
            return await super()._send_all(lifeline, ticks)
        for kind in self._turns:
            if not lifeline.over.is_set():
                self._announce(kind)
                await self._settled()
        return self._seq

    def _fire(self, tick: int, due_s: float, why_not: str) -> None:
        del due_s  # a write that is late is as good as another
        kind = self._turns[tick % len(self._turns)]
        # A register has one writer at a time, or nobody could say which value came last.
        if not why_not and not (kind.is_register and self._register_out):
            self._announce(kind)

    def _announce(self, kind: WriteKind, *, again: bool = False) -> None:
        self._register_out = self._register_out or kind.is_register
        seq, self._seq = self._seq, self._seq + 1
        self._spawn(self._write(seq, kind, again=again))

    async def _write(self, seq: int, kind: WriteKind, *, again: bool) -> None:
        marker = f"{self._config.marker_prefix}{seq:06d}"
        method, place, body, value = self._request(kind, marker, seq)
        self._writer.write(
            {"sent": {"seq": seq, "kind": kind, "marker": marker, "value": value, "at_s": time.monotonic()}}
        )
        try:
            acknowledged = await self._acknowledged(seq, kind, method, place, body)
            if acknowledged and self._config.seen_within_s and self._reader.place(kind).url:
                await self._look_for(seq, kind, marker, value)
        finally:
            if kind.is_register:
                self._register_out = False
        if not acknowledged and self._config.seen_within_s and not again:
            await asyncio.sleep(_SECOND_TRY_AFTER_S)
            self._announce(kind, again=True)

    async def _acknowledged(self, seq: int, kind: WriteKind, method: str, place: Place, body: dict[str, Any]) -> bool:
        try:
            same = place.written.same if place.written else ()
            if same and (found := await self._send("GET", kind, place)).http_status in _DONE:
                body |= {name: found.json.get(name) for name in same} if isinstance(found.json, dict) else {}
            answer = await self._send(method, kind, place, body)
        except NotSent as error:
            self._writer.write({"unacked": {"seq": seq, "at_s": time.monotonic(), "why": str(error)}})
            return False
        acknowledged_s = time.monotonic()
        row = written(answer.json, are_rows=place.are_rows)
        why = _not_acknowledged(answer, row, place)
        if why:
            self._writer.write({"unacked": {"seq": seq, "at_s": acknowledged_s, "why": why}})
        else:
            row_id = _row_id(row) if isinstance(row, dict) else None
            self._writer.write({"acked": {"seq": seq, "at_s": acknowledged_s, "row_id": row_id}}, durable=True)
        if self._account.lost(answer.http_status):
            await self._sign_in()
        return not why

    async def _send(self, method: str, kind: WriteKind, place: Place, body: dict[str, Any] | None = None) -> Answer:
        return await exchange(
            self._session,
            method,
            self._account.filled(all_of(place.url) if kind is WriteKind.EXPENSE else place.url),
            deadline_s=self._config.timeout_of(place),
            body_bytes_max=_BODY_BYTES_MAX,
            headers={**self._account.headers, **place.headers, **(RETURNED if place.are_rows else {})},
            body=body or None,
        )

    async def _look_for(self, seq: int, kind: WriteKind, marker: str, value: str) -> None:
        until_s, pause_s = time.monotonic() + self._config.seen_within_s, _LOOKED_AGAIN_S[0]
        while True:
            rows, why = await self._reader.newest(kind)
            # In a register a later one may stand already.
            if any(
                row.value >= value if kind.is_register else (row.marker, row.value) == (marker, value) for row in rows
            ):
                self._writer.write({"seen": {"seq": seq, "at_s": time.monotonic()}})
                return
            if time.monotonic() + pause_s > until_s:
                break
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LOOKED_AGAIN_S[1])
        shown = next((f"shown as {row.value}" for row in rows if row.marker == marker), "not among what is shown")
        self._writer.write({"unseen": {"seq": seq, "why": why or shown}})

    async def _sign_in(self) -> None:
        worked = await self._account.renew()
        self._writer.write({"sign_in": {"at_s": time.monotonic(), "worked": worked, "why": self._account.why}})

    def _request(self, kind: WriteKind, marker: str, seq: int) -> tuple[str, Place, dict[str, Any], str]:
        """Give method, place and body of a write, and the value that has to be found again under its marker."""
        config = self._config
        amount = 1 + (seq * 37 % 9900) / 100
        match kind:
            case WriteKind.EXPENSE:
                expense = {"amount": round(amount, 2), "category": _CATEGORY, "description": marker}
                today, are_rows = datetime.now(UTC).date(), config.expenses.are_rows
                body = body_of(expense, self._account.user_id, today, are_rows=are_rows)
                return "POST", config.expenses, body, f"{amount:.2f} {_CATEGORY}"
            case WriteKind.CHAT:
                # Of a question PAM does nothing: "remember 5 dollars" might become an expense.
                message = f"{marker}: where can I stop for the night?"
                return "POST", config.chat, {"message": message}, message
            case WriteKind.SETTING:
                return "PUT", config.settings, {"settings": {config.setting_name: marker}}, marker
        place = config.others[kind]
        how = place.written or Written(method="POST")
        return how.method, place, filled(how.body, marker), marker


def _not_acknowledged(answer: Answer, row: object, place: Place) -> str:
    """Why this is no acknowledgement; empty when it is one. A page of the front end with status 200 is none."""
    if answer.problem:
        return answer.problem
    if place.expect is not None:
        return place.expect.shortcomings(answer)
    if place.written is not None and answer.http_status in _DONE and not answer.body:
        return ""
    if answer.http_status not in _ACKNOWLEDGING:
        return f"HTTP {answer.http_status}"
    if not isinstance(row, dict):
        return f"HTTP {answer.http_status}, but not {'the row that was written' if place.are_rows else 'a JSON object'}"
    denied = row.get("success") is False or bool(row.get("error"))
    return f"HTTP {answer.http_status}, but its body says that it failed" if denied else ""


def _row_id(body: dict[str, Any]) -> str | None:
    nested = body.get("expense")
    for part in (nested if isinstance(nested, dict) else {}, body):
        for key in ("id", "message_id"):
            if isinstance(part.get(key), str | int):
                return str(part[key])
    return None
