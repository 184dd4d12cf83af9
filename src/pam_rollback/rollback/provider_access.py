"""The clients of an environment's providers, for fixtures and for undoing, which has none; each is seen to be the environment's own."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, Protocol, cast

from pam_rollback.core.errors import ActionFailed, Refused
from pam_rollback.core.wait import Waiter
from pam_rollback.http.provider import Asking
from pam_rollback.plan.stories import STORIES
from pam_rollback.rollback.deploys import Deploy, ServiceHost, SiteHost
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.lock_targets import same_place
from pam_rollback.rollback.repository import PullRequests
from pam_rollback.target.environment import Environment
from pam_rollback.target.hosts import HostedSite
from pam_rollback.target.served_release import Served, Wanted
from pam_rollback.target.served_release_reader import ServedApi, ServedSite, page_of_deploy


class Provider(Protocol):
    """Somebody who publishes front ends or runs back ends: a module, or an object, with this."""

    def host(self, environment: Environment, asking: Asking) -> Any:
        """The environment's own: a ``SiteHost`` where it publishes the front end, a ``ServiceHost`` where it runs the back end."""


PROVIDERS: dict[str, Provider] = {}
"""By the names that environments give them. A conftest.py adds its own when it is read."""


def refuse_places(told: Iterable[str], meant: Mapping[str, str], named: str) -> None:
    """Raise Refused for a site or service that answers at none of the addresses that an environment has, by their keys.

    Consent is for what users reach there; a wrong id with a token that may do more would change another product.
    """
    places, found = {_place(address) for address in meant.values() if address}, []
    for address in told:
        if _place(address) in places:
            return
        found.append(address)
    where = ", ".join(f"{address} ({key})" for key, address in meant.items() if address)
    raise Refused(
        f"{named} is what users reach at {', '.join(dict.fromkeys(found)) or 'no address'}; expected {where}. Nothing was changed there: "
        "name the right one, or correct the address"
    )


def _place(address: str) -> str:
    """Host and port: a host names its own domain without a scheme."""
    whole = address if "//" in address else f"//{address}"
    return same_place(f"https:{whole}" if whole.startswith("//") else whole).partition("/")[0].removeprefix("www.")


_FOLDERS = "pam_rollback.rollback.providers"
_SEEN_WITHIN_S = 3.0
"""Users wait meanwhile."""


def provider_of(environment: Environment, site: HostedSite) -> Provider:
    """Who answers for a site: added by its name, else a folder of ``providers``. Raises ActionFailed where nobody does."""
    named = environment.host_of(site)
    if named is None:
        raise ActionFailed(f"{environment.name} names no {site}_host: its {site} cannot be rolled back from here")
    if getattr(environment, f"{site}_host") is None:
        return cast("Provider", import_module(f"{_FOLDERS}.{named.provider}"))
    if named.provider not in PROVIDERS:
        raise ActionFailed(
            f"[{site}_host] provider: only a session that loads your conftest.py knows {named.provider!r}"
        )
    return PROVIDERS[named.provider]


def site_host(environment: Environment, waiter: Waiter, *, once_s: float | None = None) -> SiteHost:
    """Who publishes the front end. ``once_s``: asked once, within this time. Raises ActionFailed where the environment names nobody."""
    found: SiteHost = _bound(environment, "frontend", _asking(waiter, once_s))
    return found


def api_host(environment: Environment, waiter: Waiter, *, once_s: float | None = None) -> ServiceHost:
    """Who runs the back end; as ``site_host``."""
    found: ServiceHost = _bound(environment, "backend", _asking(waiter, once_s))
    return found


def refuse_another(environment: Environment, stories: Iterable[str]) -> None:
    """Raise Refused when a host that these stories change has another product there; one that is out of reach is asked before it acts."""
    for site in sorted({site for story in stories if story in STORIES for site in STORIES[story].sites}):
        with suppress(ActionFailed):
            see_own(_bound(environment, cast("HostedSite", site), Asking(deadline_s=_SEEN_WITHIN_S, patience_s=0)))


def see_own(host: object) -> str:
    """See that it is the environment's; gives no words. Raises Refused, or ActionFailed when that cannot be told.

    A host of yours sees to that itself.
    """
    seen = getattr(getattr(host, "api", None), "before_first_change", None)
    if seen is not None:
        seen()
    return ""


def _bound(environment: Environment, site: HostedSite, asking: Asking) -> Any:
    """The host, which changes nothing before it was seen that it has the environment's site or service."""
    found, urls = provider_of(environment, site).host(environment, asking), environment.urls
    table = environment.host_of(site)
    known = environment.known_host(site)
    if table is not None and known is not None:
        front, back = {"[urls] frontend": urls.frontend}, {"[urls] api": urls.api, "[urls] backend": urls.backend}
        meant, named = front if site == "frontend" else back, f"{known.title}: the {known.kind} {table.id}"
        found.api.before_first_change = lambda: refuse_places(
            found.addresses(), meant, f"{named} ([{known.name}] {known.id_key})"
        )
    return found


def _asking(waiter: Waiter, once_s: float | None) -> Asking:
    return Asking(waiter) if once_s is None else Asking(waiter, once_s, patience_s=0)


def git_command(environment: Environment, deadline_s: float = 60.0) -> GitCommand:
    """Git for the product's repository. Raises ActionFailed where the environment has none."""
    if environment.git is None:
        raise ActionFailed(f"{environment.name} has no table [git]: its history cannot be changed from here")
    token = environment.secret("git_token") if environment.has_secret("git_token") else ""
    return GitCommand(environment.git.remote, token, deadline_s)


def pull_requests(environment: Environment, waiter: Waiter) -> PullRequests | None:
    """Who takes changes to a branch that takes no pushes; None where nobody says. Raises ActionFailed without a token."""
    if environment.github is None:
        return None
    if not environment.has_secret("git_token"):
        raise ActionFailed("[github] needs the token of [secrets] git_token_env: name its variable, and export it")
    return cast("PullRequests", import_module(f"{_FOLDERS}.github").pulls(environment, environment.github, waiter))


def site_look(site: ServedSite) -> Callable[[Deploy], Served]:
    """Says what visitors get, held against a deploy: its commit, and the page at its own address."""
    pages: dict[str, str] = {}

    def look(deploy: Deploy) -> Served:
        page = pages.get(deploy.id) or page_of_deploy(deploy.url)
        if page:
            pages[deploy.id] = page  # asked once; where it did not answer, the next look asks again
        return site.look(Wanted(commit=deploy.commit, page_sha256=page))

    return look


def served_site(environment: Environment) -> ServedSite:
    """What visitors get. Only a deploy that publishes a version document names its release; the page tells in any case."""
    version = environment.url_of("frontend_version") if "asset_manifest" in environment.abilities else ""
    return ServedSite(environment.urls.frontend + "/", version, environment.probing.request_deadline_s)


def worker_hosts(environment: Environment, waiter: Waiter) -> tuple[ServiceHost, ...]:
    """The other services that a deploy of the back end covers, in the order of the environment's file."""
    return tuple(service_host(environment, service, waiter) for service in environment.workers)


def service_host(environment: Environment, service_id: str, waiter: Waiter) -> ServiceHost:
    """Another service of the same account. Raises ActionFailed where the environment has none."""
    return api_host(environment, waiter).beside(service_id)


def served_api(environment: Environment) -> ServedApi:
    """What clients get."""
    return ServedApi(environment.url_of("version"), environment.probing.request_deadline_s)
