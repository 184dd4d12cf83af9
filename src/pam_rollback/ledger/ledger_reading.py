"""The ledger's final reading, as a process.

``python -m pam_rollback.ledger.ledger_reading``, started by ``ledger.Ledger``.

It asks the product, as the test account, for everything that the ledger wrote, and records what it found. It tries
until it has a whole answer for each kind or its time is over; what could not be read to the end is recorded as such.
"""

import asyncio
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import ValidationError
from yarl import URL

from pam_rollback.base.answer import Answer
from pam_rollback.ledger.ledger_config import NOWHERE, LedgerConfig, Place, ReadingOrder
from pam_rollback.ledger.ledger_verdict import Found
from pam_rollback.ledger.ledger_writes import WriteKind
from pam_rollback.observation.account import Account
from pam_rollback.observation.exchange import NotSent, exchange, new_session
from pam_rollback.observation.jsonl import LineWriter
from pam_rollback.observation.lifeline import Lifeline, read_config_line
from pam_rollback.product.conditions import Nowhere, value_at
from pam_rollback.product.expense_requests import several_of

_BODY_BYTES_MAX = 256 << 20
_PAUSE_S = 0.3
_OK = 200
_DELETED = (200, 202, 204, 404)
_AT_ONCE = 4
_PAGE_ROWS = 1000
_ROWS_DELETED_TOGETHER = 100
_SHOWN_TO_USERS = 20
_PAST_CACHES: Mapping[str, str] = {"Cache-Control": "no-cache"}


class Reader:
    """Reads the ledger's rows back through the product."""

    def __init__(self, session: aiohttp.ClientSession, config: LedgerConfig, account: Account | None = None) -> None:
        self._session = session
        self._config = config
        self._account = account or Account(session, config.sign_in, deadline_s=config.timeout_s)
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
        place, ids = self._config.expenses, [row.row_id for row in rows if row.row_id]

        async def gone(some: Sequence[str]) -> int:
            async with limit:
                if time.monotonic() >= until_s:
                    return 0
                address = self._account.filled(several_of(place.url, some, are_rows=place.are_rows))
                done = (await self._ask("DELETE", URL(address), place, _PAST_CACHES)).http_status in _DELETED
                return len(some) if done else 0

        size = _ROWS_DELETED_TOGETHER if place.are_rows else 1
        return sum(await asyncio.gather(*(gone(ids[at : at + size]) for at in range(0, len(ids), size))))

    async def _attempt(self, kind: WriteKind) -> tuple[tuple[Found, ...], str]:
        async with self._signing_in:
            if not self._account.headers and not await self._account.renew():
                return (), f"the test account cannot sign in: {self._account.why}"
        place = self.place(kind)
        if place.are_rows:
            return await self._page_by_page(kind, place, URL(self._account.filled(place.url)))
        return await self._found(kind, self._config.read_rows_max, _PAST_CACHES)

    async def newest(self, kind: WriteKind) -> tuple[tuple[Found, ...], str]:
        """Give what a user is shown now, by the caches that users read through; and why that is nothing."""
        return await self._found(kind, _SHOWN_TO_USERS, {})

    async def _found(self, kind: WriteKind, most: int, headers: Mapping[str, str]) -> tuple[tuple[Found, ...], str]:
        config, place = self._config, self.place(kind)
        url = URL(self._account.filled(place.url))
        body, why = await self._given(url if kind.is_register else url.update_query(limit=most), place, headers)
        if why:
            return (), why
        return _setting(body, config) if kind.is_register else _rows(kind, body, config, place.items)

    def place(self, kind: WriteKind) -> Place:
        """Where users read it; nowhere, of what is in no list that they read."""
        config = self._config
        return {
            WriteKind.EXPENSE: config.expenses,
            WriteKind.CHAT: config.history,
            WriteKind.SETTING: config.settings,
        }.get(kind, NOWHERE)

    async def _page_by_page(self, kind: WriteKind, place: Place, url: URL) -> tuple[tuple[Found, ...], str]:
        """Rows of Supabase's REST, of this ledger alone: however few it gives in one answer, behind the last there is an empty one."""
        own = {_TEXT[kind]: f"like.{self._config.marker_prefix}*", "order": "id.asc", "limit": str(_PAGE_ROWS)}
        rows: list[dict[str, Any]] = []
        while True:
            after = {"id": f"gt.{rows[-1].get('id')}"} if rows else {}
            page, why = await self._given(url.update_query({**own, **after}), place, _PAST_CACHES)
            if not why and not (isinstance(page, list) and all(isinstance(row, dict) for row in page)):
                why = "an answer without a list of rows"
            elif not why and page and rows and page[-1].get("id") == rows[-1].get("id"):
                why = "the same rows were answered again"
            if why:
                return (), why
            if not page:
                return tuple(_OF_KIND[kind](rows, self._config)), ""
            rows += page

    async def _given(self, url: URL, place: Place, headers: Mapping[str, str]) -> tuple[Any, str]:
        """The JSON that is answered, or why there is none."""
        answer = await self._ask("GET", url, place, headers)
        if answer.problem or answer.http_status != _OK or not isinstance(answer.json, dict | list):
            if self._account.lost(answer.http_status):
                await self._account.renew()
            return None, answer.problem or f"HTTP {answer.http_status} {answer.content_type}"
        return answer.json, ""

    async def _ask(self, method: str, url: URL, place: Place, headers: Mapping[str, str]) -> Answer:
        try:
            return await exchange(
                self._session,
                method,
                url,
                deadline_s=self._config.reading_deadline_s,
                body_bytes_max=_BODY_BYTES_MAX,
                headers={**self._account.headers, **place.headers, **headers},
            )
        except NotSent as error:
            return Answer(method, str(url), None, "", b"", 0.0, problem=str(error))


def _setting(body: Any, config: LedgerConfig) -> tuple[tuple[Found, ...], str]:
    settings = body.get("settings") if isinstance(body, dict) else None
    if not isinstance(settings, dict):
        return (), "an answer without 'settings'"
    value = settings.get(config.setting_name)
    return ((Found(WriteKind.SETTING, str(value), str(value)),) if value is not None else ()), ""


def _rows(kind: WriteKind, body: Any, config: LedgerConfig, items: str) -> tuple[tuple[Found, ...], str]:
    try:
        found = value_at(body, items)
    except Nowhere:
        found = None
    if not isinstance(found, list):
        return (), f"an answer without a list{f' at {items}' if items else ''}"
    rows = tuple(_OF_KIND[kind]([row for row in found if isinstance(row, dict)], config))
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


_OF_KIND = {WriteKind.EXPENSE: _expenses, WriteKind.CHAT: _messages}
_TEXT = {WriteKind.EXPENSE: "description", WriteKind.CHAT: "content"}
"""The column that begins with the marker."""


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
    kept = [kind for kind, weight in order.config.weights.items() if weight]
    kinds = [WriteKind.EXPENSE] if order.delete and WriteKind.EXPENSE in kept else kept
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
