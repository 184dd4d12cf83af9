"""The ledger's writing process.

``python -m pam_rollback.ledger.client.ledger_process``, started by ``ledger.start_ledger``.

Every write is announced in the record before it is sent and confirmed, durably, after the product acknowledged it. So
whatever happens to this process, a confirmed write was acknowledged, and a write that is not confirmed is merely
indeterminate.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pam_rollback.base.answer import Answer
from pam_rollback.base.open_loop import Ticks, why_not_sent
from pam_rollback.base.rotation import rotation
from pam_rollback.ledger.rules.ledger_config import LedgerConfig, Place
from pam_rollback.ledger.rules.ledger_writes import WriteKind
from pam_rollback.observation.client.account import Account
from pam_rollback.observation.client.exchange import NotSent, exchange, new_session
from pam_rollback.observation.client.jsonl import LineWriter
from pam_rollback.observation.client.lifeline import Lifeline, read_config_line
from pam_rollback.product.rules.expense_requests import RETURNED, all_of, body_of, written

_BODY_BYTES_MAX = 1 << 20
_ACKNOWLEDGING = (200, 201)
_CATEGORY = "fuel"


class LedgerRun:
    """Writes until it is told to end."""

    def __init__(self, config: LedgerConfig, writer: LineWriter) -> None:
        self._config = config
        self._writer = writer
        self._turns = rotation(config.weights)
        self._outstanding: set[asyncio.Task[None]] = set()
        self._register_out = False
        self._session = new_session(f"pam-rollback-ledger/1 (rollback verification; run {config.run})")
        self._account = Account(self._session, config.sign_in, deadline_s=config.timeout_s)

    async def run(self, lifeline: Lifeline) -> None:
        """Write until the lifeline is over, then wait for the writes in flight."""
        config = self._config
        async with self._session:
            self._writer.write(
                {
                    "anchor": {"monotonic_s": time.monotonic(), "wall_s": time.time()},
                    "rate_hz": config.rate_hz,
                    "run": config.run,
                }
            )
            await self._sign_in()
            ticks = Ticks(time.monotonic(), config.rate_hz)
            turn = skipped = seq = 0
            while not await lifeline.over_before(ticks.due_s(turn)):
                kind = self._turns[turn % len(self._turns)]
                behind_s, out = time.monotonic() - ticks.due_s(turn), len(self._outstanding)
                turn += 1
                # A register has one writer at a time, or nobody could say which value came last.
                blocked = kind.is_register and self._register_out
                if blocked or why_not_sent(
                    "ledger", "writes", behind_s=behind_s, out=out, out_max=config.outstanding_max
                ):
                    skipped += 1
                    continue
                self._begin(seq, kind)
                seq += 1
            if self._outstanding:
                await asyncio.wait(self._outstanding, timeout=config.timeout_s + 0.5)
        self._writer.write(
            {"end": {"reason": lifeline.reason, "at_s": time.monotonic(), "writes": seq, "skipped": skipped}}
        )

    def _begin(self, seq: int, kind: WriteKind) -> None:
        self._register_out = self._register_out or kind.is_register
        task = asyncio.create_task(self._write(seq, kind))
        self._outstanding.add(task)
        task.add_done_callback(self._outstanding.discard)

    async def _write(self, seq: int, kind: WriteKind) -> None:
        marker = f"{self._config.marker_prefix}{seq:06d}"
        method, place, body, value = self._request(kind, marker, seq)
        self._writer.write(
            {"sent": {"seq": seq, "kind": kind, "marker": marker, "value": value, "at_s": time.monotonic()}}
        )
        try:
            answer = await exchange(
                self._session,
                method,
                self._account.filled(all_of(place.url) if kind is WriteKind.EXPENSE else place.url),
                deadline_s=self._config.timeout_s,
                body_bytes_max=_BODY_BYTES_MAX,
                headers={**self._account.headers, **place.headers, **(RETURNED if place.are_rows else {})},
                body=body,
            )
        except NotSent as error:
            self._writer.write({"unacked": {"seq": seq, "at_s": time.monotonic(), "why": str(error)}})
            return
        finally:
            if kind.is_register:
                self._register_out = False
        acknowledged_s = time.monotonic()
        row = written(answer.json, are_rows=place.are_rows)
        why = _not_acknowledged(answer, row, "the row that was written" if place.are_rows else "a JSON object")
        if why:
            self._writer.write({"unacked": {"seq": seq, "at_s": acknowledged_s, "why": why}})
        else:
            self._writer.write({"acked": {"seq": seq, "at_s": acknowledged_s, "row_id": _row_id(row)}}, durable=True)
        if self._account.lost(answer.http_status):
            await self._sign_in()

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
                message = f"{marker}: remember {amount:.2f} dollars for this stop"
                return "POST", config.chat, {"message": message}, message
            case WriteKind.SETTING:
                return "PUT", config.settings, {"settings": {config.setting_name: marker}}, marker


def _not_acknowledged(answer: Answer, row: object, wanted: str) -> str:
    """Why this is no acknowledgement; empty when it is one. A page of the front end with status 200 is none."""
    if answer.problem:
        return answer.problem
    if answer.http_status not in _ACKNOWLEDGING:
        return f"HTTP {answer.http_status}"
    return "" if isinstance(row, dict) else f"HTTP {answer.http_status}, but not {wanted}"


def _row_id(body: dict[str, Any]) -> str | None:
    """Give the id that the product gave the row, where it tells."""
    nested = body.get("expense")
    for part in (nested if isinstance(nested, dict) else {}, body):
        for key in ("id", "message_id"):
            if isinstance(part.get(key), str | int):
                return str(part[key])
    return None


async def _main(config: LedgerConfig, path: Path) -> None:
    lifeline = Lifeline(max_run_s=config.max_run_s)
    writer = LineWriter(path)
    try:
        await LedgerRun(config, writer).run(lifeline)
    finally:
        writer.close()


if __name__ == "__main__":
    try:
        _config = LedgerConfig.model_validate_json(read_config_line())
    except ValidationError as _error:
        sys.exit(f"the ledger's configuration is not valid: {_error}")
    asyncio.run(_main(_config, Path(sys.argv[1])))
