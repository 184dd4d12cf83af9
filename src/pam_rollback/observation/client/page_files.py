"""The scripts and styles that a probed page names: looked at now and then, so that a page without its files is no good answer."""

import asyncio
import time
from dataclasses import dataclass

import aiohttp
from yarl import URL

from pam_rollback.base.answer import Answer
from pam_rollback.observation.client.exchange import NotSent, exchange
from pam_rollback.product.rules.front_page import ASSET_BYTES, Asset, read_page, seen_files

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
