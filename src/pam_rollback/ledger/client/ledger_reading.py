"""The ledger's final reading, as a process.

``python -m pam_rollback.ledger.client.ledger_reading``, started by ``ledger.Ledger``.

It asks the product, as the test account, for everything that the ledger wrote, and records what it found. It tries
until it has a whole answer for each kind or its time is over; what could not be read to the end is recorded as such.
"""

import asyncio
import re
import sys
import time
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import ValidationError
from yarl import URL

from pam_rollback.base.answer import Answer
from pam_rollback.ledger.rules.ledger_config import LedgerConfig, ReadingOrder
from pam_rollback.ledger.rules.ledger_verdict import Found
from pam_rollback.ledger.rules.ledger_writes import WriteKind
from pam_rollback.observation.client.account import Account
from pam_rollback.observation.client.exchange import NotSent, exchange, new_session
from pam_rollback.observation.client.jsonl import LineWriter
from pam_rollback.observation.client.lifeline import Lifeline, read_config_line

_BODY_BYTES_MAX = 256 << 20
_PAUSE_S = 0.3
_OK = 200
_DELETED = (200, 202, 204, 404)
_AT_ONCE = 4


class Reader:
    """Reads the ledger's rows back through the product."""

    def __init__(self, session: aiohttp.ClientSession, config: LedgerConfig) -> None:
        self._session = session
        self._config = config
        self._account = Account(session, config.sign_in, deadline_s=config.timeout_s)
        self._signing_in = asyncio.Lock()

    async def read(self, kind: WriteKind, until_s: float) -> tuple[tuple[Found, ...], str]:
        """Give the rows of this kind, and why they may not be all; empty when they are."""
        while True:
            rows, why = await self._attempt(kind)
            if not why or time.monotonic() + _PAUSE_S >= until_s:
                return rows, why
            await asyncio.sleep(_PAUSE_S)

    async def delete(self, rows: tuple[Found, ...], until_s: float) -> int:
        """Delete these expenses, as far as there is time; gives how many are gone."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def gone(row: Found) -> bool:
            async with limit:
                if time.monotonic() >= until_s:
                    return False
                address = URL(self._account.filled(self._config.expenses_url)) / str(row.row_id)
                return (await self._ask("DELETE", address)).http_status in _DELETED

        return sum(await asyncio.gather(*(gone(row) for row in rows if row.row_id)))

    async def _attempt(self, kind: WriteKind) -> tuple[tuple[Found, ...], str]:
        async with self._signing_in:
            if not self._account.headers and not await self._account.renew():
                return (), f"the test account cannot sign in: {self._account.why}"
        config = self._config
        addresses = {
            WriteKind.EXPENSE: URL(self._account.filled(config.expenses_url)).update_query(limit=config.read_rows_max),
            WriteKind.CHAT: URL(self._account.filled(config.history_url)).update_query(limit=config.read_rows_max),
            WriteKind.SETTING: URL(self._account.filled(config.settings_url)),
        }
        answer = await self._ask("GET", addresses[kind])
        if answer.problem or answer.http_status != _OK or not isinstance(answer.json, dict):
            if self._account.lost(answer.http_status):
                await self._account.renew()
            return (), answer.problem or f"HTTP {answer.http_status} {answer.content_type}"
        return _rows(kind, answer.json, config)

    async def _ask(self, method: str, url: URL) -> Answer:
        try:
            return await exchange(
                self._session,
                method,
                url,
                deadline_s=self._config.reading_deadline_s,
                body_bytes_max=_BODY_BYTES_MAX,
                headers={**self._account.headers, "Cache-Control": "no-cache"},
            )
        except NotSent as error:
            return Answer(method, str(url), None, "", b"", 0.0, problem=str(error))


def _rows(kind: WriteKind, body: dict[str, Any], config: LedgerConfig) -> tuple[tuple[Found, ...], str]:
    if kind is WriteKind.SETTING:
        settings = body.get("settings")
        if not isinstance(settings, dict):
            return (), "an answer without 'settings'"
        value = settings.get(config.setting_name)
        return ((Found(kind, str(value), str(value)),) if value is not None else ()), ""
    name = "expenses" if kind is WriteKind.EXPENSE else "messages"
    found = body.get(name)
    if not isinstance(found, list):
        return (), f"an answer without a list of {name!r}"
    of_kind = _expenses if kind is WriteKind.EXPENSE else _messages
    rows = tuple(of_kind([row for row in found if isinstance(row, dict)], config))
    full = f"{len(found)} rows were asked for and came: there may be more" if len(found) >= config.read_rows_max else ""
    return rows, full


def _expenses(found: list[dict[str, Any]], config: LedgerConfig) -> Iterator[Found]:
    for row in found:
        marker = str(row.get("description"))
        if marker.startswith(config.marker_prefix):
            try:
                amount = f"{Decimal(str(row.get('amount'))):.2f}"
            except InvalidOperation:
                amount = str(row.get("amount"))
            yield Found(WriteKind.EXPENSE, marker, f"{amount} {row.get('category')}", str(row.get("id")))


def _messages(found: list[dict[str, Any]], config: LedgerConfig) -> Iterator[Found]:
    pattern = re.compile(re.escape(config.marker_prefix) + r"\d+")
    for row in found:
        content = str(row.get("content"))
        # The assistant may say the marker back: only what the user wrote is the ledger's.
        if row.get("role") == "user" and (match := pattern.search(content)):
            yield Found(WriteKind.CHAT, match.group(), content, str(row.get("id")))


async def _main(order: ReadingOrder, path: Path) -> None:
    config = order.config
    lifeline = Lifeline(max_run_s=order.longest_s)
    writer = LineWriter(path)
    work = asyncio.create_task(
        _read_all(order, writer, new_session(f"pam-rollback-ledger/1 (final reading; run {config.run})"))
    )
    over = asyncio.create_task(lifeline.over.wait())
    await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
    over.cancel()
    if not work.done():
        work.cancel()
        sys.exit(f"the final reading was cut short: {lifeline.reason}")
    work.result()
    writer.close()


async def _read_all(order: ReadingOrder, writer: LineWriter, session: aiohttp.ClientSession) -> None:
    started_s = time.monotonic()
    kinds = [kind for kind, weight in order.config.weights.items() if weight]
    async with session:
        reader = Reader(session, order.config)
        writer.write({"started_s": started_s, "run": order.config.run})
        # All at once: a kind that hangs must not use up the time of the others.
        read = await asyncio.gather(*(reader.read(kind, started_s + order.within_s) for kind in kinds))
        for kind, (rows, why) in zip(kinds, read, strict=True):
            for row in rows:
                writer.write({"row": {"kind": kind, "marker": row.marker, "value": row.value, "row_id": row.row_id}})
            if why:
                writer.write({"unread": {"kind": kind, "why": why}})
        deleted = 0
        if order.delete:
            expenses = tuple(row for rows, _ in read for row in rows if row.kind is WriteKind.EXPENSE)
            deleted = await reader.delete(expenses, time.monotonic() + order.within_s)
        writer.write({"end": {"deleted": deleted}})


if __name__ == "__main__":
    try:
        _order = ReadingOrder.model_validate_json(read_config_line())
    except ValidationError as _error:
        sys.exit(f"the order to read is not valid: {_error}")
    asyncio.run(_main(_order, Path(sys.argv[1])))
