"""The ledger's requests: its writer, in an observer's process of its own (``observing.py``), and the reading back.

The final reading tries until it has a whole answer for each kind or its time is over; what could not be read to the end is named. Every
write is announced in the record before it is sent and confirmed, durably, after the product acknowledged it. So
whatever happens to this process, a confirmed write was acknowledged, and a write that is not confirmed is merely
indeterminate.
"""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import aiohttp
from yarl import URL

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.open_loop import Ticks, rotation
from pam_rollback.probe.child import Lifeline, LineWriter
from pam_rollback.probe.exchange import Account, NotSent, Observing, exchange, new_session
from pam_rollback.probe.ledger_config import NOWHERE, LedgerConfig, Place, WriteKind
from pam_rollback.probe.ledger_verdict import FinalReading, Found
from pam_rollback.target.conditions import Nowhere, value_at
from pam_rollback.target.contract import Written, filled
from pam_rollback.target.expense_requests import RETURNED, all_of, body_of, several_of, written

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


_READ_BYTES_MAX = 256 << 20
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
                body_bytes_max=_READ_BYTES_MAX,
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
