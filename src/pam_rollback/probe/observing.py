"""An observer's process, ``python -m pam_rollback.probe.observing probes|writes FILE``, started by ``observer.Observer``.

The latency of a probe is counted from when it was due. The ledger's writer (``ledger_process.py``) is the other kind of observer, in a
process of its own: each acknowledgement waits for the disk, and a kill of one leaves the other one's record whole.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import ValidationError
from yarl import URL

from pam_rollback.core.answer import Answer, limited
from pam_rollback.core.outside_text import cut
from pam_rollback.probe.child import Lifeline, LineWriter, read_config_line
from pam_rollback.probe.exchange import NotSent, Observing, exchange, unique_address
from pam_rollback.probe.journeys import FOREIGN, Journey, ProbeConfig
from pam_rollback.probe.ledger_config import LedgerConfig
from pam_rollback.target.front_page import ASSET_BYTES, Asset, read_page, seen_files

_LOOK_EVERY_S = 1.0
"""Probes of the same page share a look: files are asked for this often, whatever the rate of the prober."""


@dataclass(frozen=True)
class _Look:
    began_s: float
    page: bytes
    found: asyncio.Task[str]


class PageFiles:
    """What is wrong with the files of the pages that a prober gets. Each journey has looks of its own: a cache may be in one's way only."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._looks: dict[str, _Look] = {}

    async def shortcoming(self, journey: str, answer: Answer, *, cached: bool, within_s: float) -> str:
        """Say what is wrong with the files of this page; empty when nothing is. Raises NotSent when this machine could not ask."""
        look = self._looks.get(journey)
        if look is None or look.page != answer.body or time.monotonic() - look.began_s >= _LOOK_EVERY_S:
            work = self._look(answer, cached=cached, within_s=max(within_s, 0.1))
            look = _Look(time.monotonic(), answer.body, asyncio.create_task(work))
            self._looks[journey] = look
        return await asyncio.shield(look.found)

    async def _look(self, answer: Answer, *, cached: bool, within_s: float) -> str:
        assets = read_page(answer.body).assets
        found = await asyncio.gather(
            *(self._asked(answer.url, asset, cached=cached, within_s=within_s) for asset in assets)
        )
        return "; ".join(seen_files(answer.url, dict(zip(assets, found, strict=True))).wrong)

    async def _asked(self, page: str, asset: Asset, *, cached: bool, within_s: float) -> Answer | str | None:
        try:
            address = URL(page).join(URL(asset.address))
        except ValueError:
            return f"its {asset.kind} has no address: {asset.address!r}"
        if address.scheme not in {"http", "https"}:
            return None  # a data: address brings its content along
        headers = {"Range": f"bytes=0-{ASSET_BYTES - 1}"} | ({} if cached else {"Cache-Control": "no-cache"})
        try:
            return await exchange(
                self._session,
                "GET",
                address,
                deadline_s=within_s,
                body_bytes_max=ASSET_BYTES,
                headers=headers,
                start_is_enough=True,
            )
        except NotSent:
            return None  # says something of this machine; the page itself could be asked for


_WHY_CHARACTERS_MAX = 200
_RELEASE_CHARACTERS_MAX = 64
_LIMITED = f"not signed in: {limited()}, which is no error of the service; sign in more rarely"


_Probe = tuple[int, float, Journey]
"""Its tick, when it is due, and what it asks."""


class ProbeRun(Observing):
    """Sends probes, and records every tick."""

    who, what = "prober", "probes"

    def __init__(self, config: ProbeConfig, writer: LineWriter) -> None:
        super().__init__(config, writer)
        self._config = config
        self._rotation = config.rotation
        self._files = PageFiles(self._session)
        self._secrets = _secrets(config)

    async def _sign_in(self) -> None:
        if any(journey.signed_in for journey in self._config.journeys):
            await self._account.renew()

    def _header(self) -> dict[str, Any]:
        return {"journeys": {journey.name: journey.weight for journey in self._config.journeys}}

    def _fire(self, tick: int, due_s: float, why_not: str) -> None:
        journey = self._rotation[tick % len(self._rotation)]
        if why_not:
            self._record((tick, due_s, journey), why=why_not)
        else:
            self._spawn(self._probe(tick, due_s, journey))

    async def _probe(self, tick: int, due_s: float, journey: Journey) -> None:
        if why := self._why_no_session(journey):
            # Without a session the answer would be 401, which says nothing of this part of the service.
            self._record((tick, due_s, journey), why=why, void=why)
            if self._account.may_try:
                await self._account.renew()
            return
        sent_s = time.monotonic()
        probe_id = f"{self._config.run}-{tick}"
        url = self._account.filled(journey.url)
        headers = dict(journey.headers)
        headers |= journey.browser_headers if journey.as_browser_of else {"X-Probe-Id": probe_id}
        if not journey.cached:
            headers |= {"Cache-Control": "no-cache", "Pragma": "no-cache"}
        if journey.signed_in:
            headers |= self._account.headers
        try:
            answer = await exchange(
                self._session,
                journey.method,
                url if journey.cached else unique_address(url, probe_id),
                deadline_s=self._config.timeout_s,
                body_bytes_max=self._config.body_bytes_max,
                headers=headers,
                body=_with_probe_id(journey.body, probe_id),
            )
        except NotSent as error:
            self._record((tick, due_s, journey), why=str(error))
            return
        end_s = time.monotonic()
        why = journey.expect.shortcomings(answer)
        if journey.expect.site and not why:
            left_s = self._config.timeout_s - (end_s - sent_s)
            why = await self._files.shortcoming(journey.name, answer, cached=journey.cached, within_s=left_s)
        foreign = journey.is_of_another(answer, self._account.user_id)
        if foreign:
            why = "; ".join(filter(None, [FOREIGN, why]))
        self._record(
            (tick, due_s, journey),
            sent_s=sent_s,
            end_s=end_s,
            status=answer.http_status,
            ok=not why,
            why=self._shown(why),
            latency_ms=(end_s - due_s) * 1000,
            release=_release(answer, journey),
            **({"commit": commit} if (commit := journey.expect.commit_of(answer)) else {}),
            **({"foreign": True} if foreign else {}),
        )
        if journey.signed_in and self._account.lost(answer.http_status):
            await self._account.renew()

    def _why_no_session(self, journey: Journey) -> str:
        """Return why there is no session for this journey by no fault of the part that it asks; empty when there is one."""
        sign_in = self._config.sign_in
        if sign_in is None or not journey.signed_in:
            return ""
        if self._account.is_limited:
            return _LIMITED
        if not self._account.headers and journey.part != sign_in.part:
            return self._shown(f"not asked: the test account cannot sign in: {self._account.why}")
        return ""

    def _record(self, probe: _Probe, *, why: str, ok: bool = False, **found: object) -> None:
        """Write what became of a probe; without more that it was not sent."""
        tick, due_s, journey = probe
        nothing: dict[str, object] = dict.fromkeys(("sent_s", "end_s", "status", "latency_ms", "release"))
        own = {"tick": tick, "due_s": due_s, "journey": journey.name, "ok": ok, "why": why}
        self._writer.write({**own, **nothing, **found})

    def _shown(self, why: str) -> str:
        """Give the reason as it may be written.

        On one line, short, and without anything that was sent in confidence.
        """
        for secret in self._secrets:
            why = why.replace(secret, "[redacted]")
        return cut(" ".join(why.split()), _WHY_CHARACTERS_MAX, sign="")


def _secrets(config: ProbeConfig) -> tuple[str, ...]:
    """Say what must not be written even if the target says it back."""
    values = [value.removeprefix("Bearer ") for journey in config.journeys for value in journey.headers.values()]
    if config.sign_in is not None:
        values += [config.sign_in.password, *config.sign_in.headers.values()]
    return tuple(sorted((value for value in values if value), key=len, reverse=True))


def _with_probe_id(body: dict[str, Any] | None, probe_id: str) -> object:
    return None if body is None else json.loads(json.dumps(body).replace("{probe_id}", probe_id))


def _release(answer: Answer, journey: Journey) -> str | None:
    return cut(journey.expect.release_of(answer), _RELEASE_CHARACTERS_MAX, sign="") or None


async def _main(config: ProbeConfig | LedgerConfig, path: Path) -> None:
    lifeline = Lifeline(max_run_s=config.max_run_s)
    writer = LineWriter(path)
    try:
        if isinstance(config, ProbeConfig):
            await ProbeRun(config, writer).run(lifeline)
        else:
            from pam_rollback.probe.ledger_process import LedgerRun  # noqa: PLC0415 - a prober needs none of it

            await LedgerRun(config, writer).run(lifeline)
    finally:
        writer.close()


if __name__ == "__main__":
    _sends, _path = sys.argv[1:]
    _kind: type[ProbeConfig | LedgerConfig] = ProbeConfig if _sends == "probes" else LedgerConfig
    try:
        _config = _kind.model_validate_json(read_config_line())
    except ValidationError as _error:
        sys.exit(f"the configuration of what sends {_sends} is not valid: {_error}")
    asyncio.run(_main(_config, Path(_path)))
