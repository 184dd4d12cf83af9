"""The ledger's rows, read back through the product as the test account.

The final reading tries until it has a whole answer for each kind or its time is over; what could not be read to the end is named.
"""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, InvalidOperation
from typing import Any

import aiohttp
from yarl import URL

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.exchange import Account, NotSent, exchange, new_session
from pam_rollback.probe.ledger_config import NOWHERE, LedgerConfig, Place, WriteKind
from pam_rollback.probe.ledger_verdict import FinalReading, Found
from pam_rollback.target.conditions import Nowhere, value_at
from pam_rollback.target.expense_requests import several_of

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


def read_back(config: LedgerConfig, *, within_s: float, delete: bool = False) -> tuple[FinalReading, int]:
    """Read everything back, trying for ``within_s`` seconds, for a product that has only just recovered.

    ``delete``: delete the ledger's expenses afterwards, for as long again; gives how many are gone. Raises MeasurementFailed when that does
    not come to an end.
    """
    # How long it can take at worst: the tries, the last answers (sign-in and reading), the deletions.
    longest_s = 2 * within_s + 3 * (config.timeout_s + config.reading_deadline_s)

    async def limited() -> tuple[FinalReading, int]:
        async with asyncio.timeout(longest_s):
            return await _read_all(config, within_s, delete=delete)

    with ThreadPoolExecutor(max_workers=1) as thread:  # where it is asked, an event loop may run already
        try:
            return thread.submit(asyncio.run, limited()).result()
        except TimeoutError:
            raise MeasurementFailed(f"the final reading of the ledger did not end within {longest_s:g} s") from None


async def _read_all(config: LedgerConfig, within_s: float, *, delete: bool) -> tuple[FinalReading, int]:
    started_s = time.monotonic()
    kept = [kind for kind, weight in config.weights.items() if weight]
    kinds = [WriteKind.EXPENSE] if delete and WriteKind.EXPENSE in kept else kept
    async with new_session(f"pam-rollback-ledger/1 (final reading; run {config.run})") as session:
        reader = Reader(session, config)
        # All at once: a kind that hangs must not use up the time of the others.
        read = await asyncio.gather(*(reader.read(kind, started_s + within_s) for kind in kinds))
        rows = tuple(row for some, _ in read for row in some)
        unread = {kind: why for kind, (_, why) in zip(kinds, read, strict=True) if why}
        expenses = tuple(row for row in rows if row.kind is WriteKind.EXPENSE) if delete else ()
        deleted = await reader.delete(expenses, time.monotonic() + within_s)
    return FinalReading(started_s, rows, unread), deleted
