"""The front end: its page, its scripts and what they name, and what robots.txt asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.connect.client.asking import Product
from pam_rollback.connect.rules.bundle import Bundle, origin, read_bundle
from pam_rollback.connect.rules.found import Site, Where
from pam_rollback.connect.rules.proposals import is_page
from pam_rollback.connect.rules.robots import crawl_delay_s
from pam_rollback.connect.service.wish import CannotConnect, Wish, banned
from pam_rollback.observation.rules.blocking import REFUSALS
from pam_rollback.product.rules.conditions import Captured
from pam_rollback.product.rules.front_page import (
    IMPORTS_MAX,
    PageContent,
    later_files,
    read_page,
    shortcoming_of_asset,
    shortcoming_of_sent,
    spellings,
    unnamed,
)

_SCRIPTS_MAX = 6


@dataclass(frozen=True)
class SiteLook:
    """``get`` asks an address once; ``tried`` gives what could be known, or nothing; ``unknown`` takes what is not."""

    wish: Wish
    product: Product
    get: Callable[..., Captured]
    tried: Callable[..., Any]
    unknown: list[str]
    told_apart_by: tuple[str, ...] = ()
    """Whose addresses a build without its variables lacks, by a contract that is known; none: nobody has tried, and it may lack all."""
    bodies: list[bytes] = field(default_factory=list)
    """What the scripts say, once they were read."""

    def front_page(self) -> PageContent:
        """The page as it is sent. Raises CannotConnect for whatever is not the site."""
        url = f"{self.wish.frontend}/"
        captured = self.get(url, accept="text/html")
        answer, refuse = captured.answer, partial(CannotConnect, f"FRONTEND {self.wish.frontend}")
        if answer.problem:
            raise refuse(expected="the site's page", found=answer.problem, advice="Is it up, and is the address right?")
        if answer.http_status in REFUSALS:
            raise banned(self.wish.frontend, self.product.statuses)
        if answer.redirected_to:
            target = urljoin(url, answer.redirected_to)
            raise refuse(
                expected="the site itself",
                found=f"a redirect to {answer.redirected_to}",
                advice=f"If that is the site, say FRONTEND={origin(target)}.",
            )
        if answer.http_status != HTTPStatus.OK or not is_page(captured):
            kind = answer.content_type or "no content type"
            raise refuse(
                expected="a page of HTML with HTTP 200",
                found=f"HTTP {answer.http_status}, {kind}",
                advice="Say the address that users open; is it perhaps the API's?",
            )
        page = read_page(answer.body)
        if said := shortcoming_of_sent(page):
            raise refuse(
                expected="the site",
                found=said,
                advice="Connect a product that is well: what is seen now is what counts as good.",
            )
        return page

    def bundle(self, page: PageContent) -> tuple[Bundle, int]:
        """What its scripts name, with those that they import, and how many there are. Raises CannotConnect."""
        scripts = [one for one in page.assets if one.kind == "script"][:_SCRIPTS_MAX]
        waiting = [urljoin(f"{self.wish.frontend}/", one.address) for one in scripts]
        beside = 0
        asked = set[str]()
        while waiting:
            url = waiting.pop(0)
            if url in asked or not url.startswith(("http://", "https://")):
                continue
            asked.add(url)
            captured = self.get(url, accept="*/*")
            asset = next((one for one in page.assets if urljoin(f"{self.wish.frontend}/", one.address) == url), None)
            if asset is not None and (said := shortcoming_of_asset(asset, captured.answer)):
                raise CannotConnect(
                    f"FRONTEND {self.wish.frontend}",
                    expected="a page whose scripts are there",
                    found=said,
                    advice="Connect a product that is well: publish the site anew first.",
                )
            self.bodies.append(captured.answer.body)
            new = [urljoin(url, path) for path in later_files(urlsplit(url).path, captured.answer.body)]
            new = [one for one in new if origin(one) == origin(url) and one not in asked and one not in waiting]
            new = new[: IMPORTS_MAX - beside]
            beside += len(new)
            waiting += new
        return read_bundle(self.bodies, [self.wish.frontend]), len(self.bodies)

    def site(self, title: str, scripts: int, bundle: Bundle, where: Where, delay_s: float) -> Site:
        """What it is, with what is true of the previous release, too."""
        words = [title] if title else []
        if where.previous_frontend and words:
            before = self.tried(
                f"the front page before, at {where.previous_frontend}", partial(self._page_at, where.previous_frontend)
            )
            if before is not None:
                said = " ".join((*before.statements, before.text))
                words = [one for one in words if one in said]
        # One address is named once, whatever it is called.
        hosts = {"api": where.api, "supabase": where.supabase}
        hosts |= {} if where.backend == where.api else {"backend": where.backend}
        names = tuple(name for name, address in hosts.items() if address and bundle.names(address))
        if not names:
            others = f"it names {', '.join(bundle.addresses[:5])}" if bundle.addresses else "it names no address at all"
            self.unknown.append(
                f"the site's scripts do not name the API {where.api} ({others}): whether a build lacks its variables cannot be told"
            )
        elif not self._tells_a_blank_build({name: urlsplit(hosts[name]).netloc for name in names}):
            self.unknown.append(
                f"[front_page] names = {list(names)} is refused as empty: a build without its variables would meet it as well, since that "
                f"lacks only the address of {' and '.join(self.told_apart_by)}, which the scripts do not name"
            )
            names = ()
        return Site(title, tuple(words), names, bundle.addresses, scripts, delay_s, bundle.unleash)

    def _tells_a_blank_build(self, names: Mapping[str, str]) -> bool:
        """Whether these conditions, tried on the scripts without the addresses that variables give, find that something is missing."""
        blank = self.bodies
        for name in self.told_apart_by or names:
            if host := names.get(name):
                blank = [_without(host, body) for body in blank]
        return any(unnamed(blank, names))

    def _page_at(self, address: str) -> PageContent:
        captured = self.get(f"{address}/", accept="text/html")
        if not is_page(captured) or captured.answer.http_status != HTTPStatus.OK:
            raise MeasurementFailed(str(captured.answer))
        return read_page(captured.answer.body)

    def crawl_delay_s(self) -> float:
        """What robots.txt asks for; from here on it is kept."""
        robots = self.get(f"{self.wish.frontend}/robots.txt", accept="text/plain")
        if not is_page(robots) and robots.answer.http_status == HTTPStatus.OK:
            self.product.spending.gap_s = crawl_delay_s(robots.answer.body)
        return self.product.spending.gap_s


def _without(host: str, body: bytes) -> bytes:
    """What a script says that does not name that host."""
    for spelling in spellings(host):
        body = body.replace(spelling, b"")
    return body
