"""A look at a product: page, bundle, health now and before, its own description; then whatever there is a key for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from pam_rollback.base.errors import MeasurementFailed, ProviderError
from pam_rollback.base.outside_text import one_line
from pam_rollback.connect.client.asking import Product
from pam_rollback.connect.rules.budget import BudgetSpent
from pam_rollback.connect.rules.bundle import Bundle, reachable, title_words
from pam_rollback.connect.rules.found import Found, Where
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
from pam_rollback.connect.service.keys import Keys
from pam_rollback.connect.service.site_look import SiteLook
from pam_rollback.connect.service.wish import CannotConnect, Wish, banned
from pam_rollback.environment.hosts import HOSTS, KnownHost
from pam_rollback.observation.rules.blocking import REFUSALS
from pam_rollback.product.rules.conditions import Captured
from pam_rollback.product.rules.contract import Component
from pam_rollback.product.rules.front_page import read_page
from pam_rollback.rollback.rules.hosts_seen import HostSeen, NotFound

T = TypeVar("T")

_ROWS_OF = "profiles"


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
    told_apart_by: tuple[str, ...] = ()
    """Whose addresses a build without its variables lacks."""
    unknown: list[str] = field(default_factory=list)
    _seen: dict[str, Captured] = field(default_factory=dict)

    def found(self) -> Found:
        """All of it. Raises CannotConnect."""
        site_look = SiteLook(self.wish, self.product, self._get, self._tried, self.unknown, self.told_apart_by)
        page = site_look.front_page()
        self._api_is_there()
        described_at, described = self._description()
        delay_s = site_look.crawl_delay_s()
        bundle, scripts = site_look.bundle(page)
        where, key = self._where(bundle), self._key(bundle)
        title = title_words(page.statements[0] if page.statements else "")
        site = site_look.site(title, scripts, bundle, where, delay_s)
        health, turned = self._health(described, where, key)
        with_keys = self._with_keys(where, key)
        return Found(
            where=where,
            site=site,
            health=health,
            turned=turned,
            operations=documented_operations(described),
            described_at=described_at,
            served_by=self._served_by(),
            **with_keys,
            unknown=tuple(self.unknown),
        )

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

    def _description(self) -> tuple[str, Any]:
        """What the product says of itself, and at which of the two usual places; an empty one and None where it says nothing."""
        for path in ("/openapi.json", "/api/openapi.json"):
            found = self._get(f"{self.wish.api}{path}")
            if found.answer.http_status == HTTPStatus.OK and documented_reads(found.answer.json) is not None:
                return path, found.answer.json
        return "", None

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
        keys, secrets = Keys(self.wish, self.product, self.secrets, self.sign_in_path, self.chat), self.secrets
        token = ""
        if self.wish.sign_in:
            token = self._tried("whether the test account can sign in", partial(keys.token, where, key)) or ""
        intent = None
        if token and self.wish.ask_pam:
            intent = self._tried("what PAM answers", partial(keys.intent, where, token))
        catalogue = self._tried("the database", keys.catalogue) if secrets.get("database_dsn") else None
        seen = {host.name: self._hosted(host, keys, where) for host in HOSTS if secrets.get(host.secret)}
        hosted = {name: one for name, one in seen.items() if one is not None and one.id}
        return {"signed_in": bool(token), "intent": intent, "catalogue": catalogue, "hosted": hosted}

    def _hosted(self, host: KnownHost, keys: Keys, where: Where) -> HostSeen | None:
        seen = self._tried(f"the {host.kind} at {host.title}", partial(keys.hosted, host, where))
        if seen is None or host.site == "frontend":
            return seen
        workers = self._tried(f"workers beside it at {host.title}", partial(keys.workers, host, seen))
        return replace(seen, workers=workers or ())

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
