"""A look at a product: page, bundle, health now and before, its own description; then whatever there is a key for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urljoin

from pam_rollback.connect.client.asking import Product
from pam_rollback.connect.client.hosts import NotFound, together
from pam_rollback.connect.rules.budget import BudgetSpent
from pam_rollback.connect.rules.bundle import Bundle, origin, reachable, read_bundle, title_words
from pam_rollback.connect.rules.found import Found, Hosted, Site, Where
from pam_rollback.connect.rules.headers import served_by
from pam_rollback.connect.rules.proposals import (
    Kept,
    Proposal,
    Turned,
    documented_operations,
    documented_reads,
    held,
    is_page,
    proposals,
    weighed,
)
from pam_rollback.connect.rules.robots import crawl_delay_s
from pam_rollback.connect.service.keys import Keys
from pam_rollback.connect.service.wish import CannotConnect, Wish, banned
from pam_rollback.core.blocking import REFUSALS
from pam_rollback.core.errors import MeasurementFailed, ProviderError
from pam_rollback.core.front_page import PageContent, imports_of, read_page, shortcoming_of_asset, shortcoming_of_sent
from pam_rollback.core.outside_text import one_line
from pam_rollback.product.rules.conditions import Captured
from pam_rollback.product.rules.contract import Component

T = TypeVar("T")

_ROWS_OF = "profiles"
_IMPORTS_MAX = 6


@dataclass
class Look:
    """One look. ``secrets`` has the values of variables by their secrets' names; none of them leaves it."""

    wish: Wish
    product: Product
    secrets: Mapping[str, str]
    titles: Mapping[str, tuple[str, str]]
    """Item and title of each component."""
    described: Mapping[str, Component]
    """The components of a contract that is there already; empty where a new one is written."""
    sign_in_path: str
    chat: Mapping[str, Any]
    """Method, path and body of a question to PAM."""
    unknown: list[str] = field(default_factory=list)
    _seen: dict[str, Captured] = field(default_factory=dict)

    def found(self) -> Found:
        """All of it. Raises CannotConnect."""
        page = self._front_page()
        self._api_is_there()
        document = self._seen.get(f"{self.wish.api}/openapi.json")
        described = document.answer.json if document is not None and not is_page(document) else None
        delay_s = self._crawl_delay_s()
        bundle, scripts = self._bundle(page)
        where, key = self._where(bundle), self._key(bundle)
        title = title_words(page.statements[0] if page.statements else "")
        site = self._site(title, scripts, bundle, where, delay_s)
        health, turned = self._health(described, where, key)
        with_keys = self._with_keys(where, key)
        return Found(
            where=where,
            site=site,
            health=health,
            turned=turned,
            operations=documented_operations(described),
            served_by=self._served_by(),
            **with_keys,
            unknown=tuple(self.unknown),
        )

    # ---------------------------------------------------------------- the site

    def _front_page(self) -> PageContent:
        url = f"{self.wish.frontend}/"
        captured = self._get(url, accept="text/html")
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

    def _bundle(self, page: PageContent) -> tuple[Bundle, int]:
        bodies: list[bytes] = []
        waiting = [urljoin(f"{self.wish.frontend}/", one.address) for one in page.assets if one.kind == "script"]
        beside = 0
        asked = set[str]()
        while waiting:
            url = waiting.pop(0)
            if url in asked or not url.startswith(("http://", "https://")):
                continue
            asked.add(url)
            captured = self._get(url, accept="*/*")
            asset = next((one for one in page.assets if urljoin(f"{self.wish.frontend}/", one.address) == url), None)
            if asset is not None and (said := shortcoming_of_asset(asset, captured.answer)):
                raise CannotConnect(
                    f"FRONTEND {self.wish.frontend}",
                    expected="a page whose scripts are there",
                    found=said,
                    advice="Connect a product that is well: publish the site anew first.",
                )
            bodies.append(captured.answer.body)
            new = [urljoin(url, name) for name in imports_of(captured.answer.body)]
            new = [one for one in new if origin(one) == origin(url)][: _IMPORTS_MAX - beside]
            beside += len(new)
            waiting += new
        return read_bundle(bodies, [self.wish.frontend]), len(bodies)

    def _site(self, title: str, scripts: int, bundle: Bundle, where: Where, delay_s: float) -> Site:
        words = [title] if title else []
        if where.previous_frontend and words:
            before = self._tried(
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
        return Site(title, tuple(words), names, bundle.addresses, scripts, delay_s)

    def _page_at(self, address: str) -> PageContent:
        captured = self._get(f"{address}/", accept="text/html")
        if not is_page(captured) or captured.answer.http_status != HTTPStatus.OK:
            raise MeasurementFailed(str(captured.answer))
        return read_page(captured.answer.body)

    def _crawl_delay_s(self) -> float:
        robots = self._get(f"{self.wish.frontend}/robots.txt", accept="text/plain")
        if not is_page(robots) and robots.answer.http_status == HTTPStatus.OK:
            self.product.spending.gap_s = crawl_delay_s(robots.answer.body)
        return self.product.spending.gap_s

    # ---------------------------------------------------------------- the API

    def _api_is_there(self) -> None:
        """Its two best known paths: both refused is a ban, both a page is the front end."""
        api, backend = self.wish.api, self.wish.backend or self.wish.api
        first, second = self._get(f"{backend}/health"), self._get(f"{api}/openapi.json")
        refuse = partial(CannotConnect, f"API {api}")
        if {first.answer.http_status, second.answer.http_status} <= REFUSALS:
            raise banned(api, self.product.statuses)
        if first.answer.problem:
            raise refuse(expected="an answer", found=first.answer.problem, advice="Is it up, and is the address right?")
        if is_page(first) and is_page(second):
            title = (read_page(first.answer.body).statements or ("",))[0]
            raise refuse(
                expected="JSON of an API",
                found=f"a page of HTML for every path, titled {one_line(title)!r}",
                advice="Is this the front end? Say API=https://… as the site's scripts name it.",
            )

    def _where(self, bundle: Bundle) -> Where:
        wish = self.wish
        supabase = wish.supabase or reachable(next(iter(bundle.supabase), ""))
        return Where(
            wish.frontend, wish.api, wish.backend or wish.api, supabase, wish.previous_frontend, wish.previous_api
        )

    def _key(self, bundle: Bundle) -> str:
        """Of the pages: a variable's, else the one that stands in the bundle. It is used, and written nowhere."""
        return self.secrets.get("supabase_key") or next(iter(bundle.keys), "")

    def _health(
        self, described: Any, where: Where, key: str
    ) -> tuple[dict[str, Kept | None], dict[str, tuple[Turned, ...]]]:
        documented = documented_reads(described)
        kept: dict[str, Kept | None] = {}
        turned: dict[str, tuple[Turned, ...]] = {}
        for component, (item, title) in self.titles.items():
            if self.described:
                what = self._held(component, self.described[component], where, key)
                kept[component] = what if isinstance(what, Kept) else None
                turned[component] = () if isinstance(what, Kept) else (what,)
                continue
            refused: list[Turned] = []
            rows_of = _ROWS_OF if where.supabase and key else ""
            for proposal in proposals(component, documented, rows_of=rows_of):
                what = self._weighed(proposal, item, title, where, key)
                if isinstance(what, Kept):
                    kept[component] = what
                    break
                refused.append(what)
            kept.setdefault(component, None)
            turned[component] = tuple(refused)
        if kept.get("backend") is None:
            tried = "; ".join(f"{one.proposal.path}: {one.why}" for one in turned["backend"])
            raise CannotConnect(
                f"API {where.backend}",
                expected="a path that says that the back end is healthy, and would not say so if it were not",
                found=tried or "none",
                advice="Connect a product that is well, or write the contract by hand: docs/how-to/describe-a-product.md.",
            )
        return kept, turned

    def _held(self, name: str, component: Component, where: Where, key: str) -> Kept | Turned:
        proposal = Proposal(name, str(component.site or ""), component.path or "", component.query)
        if component.no_endpoint is not None:
            return Turned(proposal, component.no_endpoint)
        if component.site == "supabase" and not (where.supabase and key):
            return Turned(proposal, "not asked: no address of Supabase, or no key of the pages, is known")
        try:
            return held(name, component, *self._both(proposal, where, key))
        except BudgetSpent as spent:
            return Turned(proposal, f"not asked: {spent}")

    def _weighed(self, proposal: Proposal, item: str, title: str, where: Where, key: str) -> Kept | Turned:
        try:
            return weighed(proposal, item, title, *self._both(proposal, where, key))
        except BudgetSpent as spent:
            return Turned(proposal, f"not asked: {spent}")

    def _both(self, proposal: Proposal, where: Where, key: str) -> tuple[Captured, Captured | None]:
        """The answer of now and, where there is one, of the release before."""
        headers = {"apikey": key} if proposal.site == "supabase" else {}
        before = {"api": where.previous_api, "backend": where.previous_api, "frontend": where.previous_frontend}
        address = before.get(proposal.site, "")
        live = self._get(f"{getattr(where, proposal.site)}{proposal.address}", headers)
        return live, self._get(f"{address}{proposal.address}", headers) if address else None

    def _with_keys(self, where: Where, key: str) -> dict[str, Any]:
        """What the test account, the database and the hosts say, as far as there is a key for each."""
        keys, secrets, none = (
            Keys(self.wish, self.product, self.secrets, self.sign_in_path, self.chat),
            self.secrets,
            Hosted(),
        )
        token = ""
        if self.wish.sign_in:
            token = self._tried("whether the test account can sign in", partial(keys.token, where, key)) or ""
        intent = False
        if token and self.wish.ask_pam:
            intent = bool(self._tried("what PAM answers", partial(keys.intent, where, token)))
        catalogue = self._tried("the database", keys.catalogue) if secrets.get("database_dsn") else None
        netlify = (
            self._tried("the site at Netlify", partial(keys.netlify, where))
            if secrets.get("netlify_auth_token")
            else none
        )
        render = (
            self._tried("the service at Render", partial(keys.render, where)) if secrets.get("render_api_key") else none
        )
        hosted = together(netlify or none, render or none)
        return {"signed_in": bool(token), "intent": intent, "catalogue": catalogue, "hosted": hosted}

    def _served_by(self) -> tuple[str, ...]:
        """The hosts that headers speak of, each once."""
        hosts = (served_by(captured.answer.headers) for captured in self._seen.values())
        return tuple(dict.fromkeys(filter(None, hosts)))

    # ---------------------------------------------------------------- inside

    def _get(self, url: str, headers: Mapping[str, str] | None = None, *, accept: str = "") -> Captured:
        """Each address once: what was asked for already is not asked for again."""
        if url not in self._seen:
            self._seen[url] = self.product.get(url, headers, accept=accept)
        return self._seen[url]

    def _tried(self, what: str, ask: Callable[[], T]) -> T | None:
        """What could be known, or nothing and the reason why not."""
        try:
            return ask()
        except (MeasurementFailed, ProviderError, NotFound, BudgetSpent) as problem:
            self.unknown.append(f"{what}: {one_line(str(problem))}")
            return None
