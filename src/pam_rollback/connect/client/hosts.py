"""The hosts' own word about the site, the service, the repository and the branch; only reading calls."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pam_rollback.connect.rules.found import Hosted
from pam_rollback.environment.provider_settings import NETLIFY_API, Netlify
from pam_rollback.environment.render_settings import RENDER_API, Render
from pam_rollback.outside.json_object import JsonObject
from pam_rollback.rollback.providers.netlify.netlify import netlify_api
from pam_rollback.rollback.providers.render.render_api import render_api

_PAGE = "100"
_WORKERS = frozenset({"background_worker", "private_service"})
"""Kinds of services that nobody reaches from outside, and whose deploys Render can roll back."""


class NotFound(Exception):  # noqa: N818 - named by what happened
    """The host knows nothing at that address. The message names what it knows."""


def at_netlify(token: str, frontend: str, *, site_id: str = "", api_url: str = NETLIFY_API) -> Hosted:
    """The site whose address is the front end's. Raises NotFound, or ProviderError."""
    api = netlify_api(Netlify(api_url=api_url), token, patience_s=0)
    operation = "list the sites (listSites)"
    answer = api.ask(operation, "/sites", query=(("per_page", _PAGE),))
    sites = [site.document for site in api.told_list(operation, answer, "a site")]
    site = next((one for one in sites if _is_it(one, frontend, site_id, ("ssl_url", "url", "custom_domain"))), None)
    if site is None:
        names = ", ".join(sorted(f"{one.get('name')} ({one.get('id')})" for one in sites)) or "no site"
        raise NotFound(f"no site of this token answers at {frontend}; it has {names}. Say --netlify-site ID")
    built = site.get("build_settings")
    settings: Mapping[str, Any] = built if isinstance(built, dict) else {}
    command = str(settings.get("cmd") or "")
    return Hosted(
        netlify_site=str(site.get("id") or ""),
        netlify_api="" if api_url == NETLIFY_API else api_url,
        remote=str(settings.get("repo_url") or ""),
        branch=str(settings.get("repo_branch") or ""),
        build_command=command.removeprefix("npm run ") if command.startswith("npm run ") else "",
        frontend_folder=str(settings.get("base") or ""),
        publish_folder=str(settings.get("dir") or ""),
    )


def at_render(key: str, backend: str, *, service_id: str = "", api_url: str = RENDER_API) -> Hosted:
    """The service whose address is the back end's, or the one of that id. Raises NotFound, or ProviderError."""
    api = render_api(Render(api_url=api_url), key, patience_s=0)
    if service_id:
        operation = "read the service"
        path = f"/services/{api.part_of_path(operation, service_id)}"
        service: Mapping[str, Any] = api.ask_told(operation, path, "the service").document
    else:
        operation = "list the services"
        answer = api.ask(operation, "/services", query=(("limit", _PAGE),))
        services = list(_listed(api.told_list(operation, answer, "a service")))
        found = next((one for one in services if _is_it(_address_of(one), backend, "", ("url",))), None)
        if found is None:
            names = ", ".join(sorted(f"{one.get('name')} ({one.get('id')})" for one in services)) or "no service"
            raise NotFound(f"no service of this key answers at {backend}; it has {names}. Say --render-service ID")
        service = found
    return Hosted(
        render_service=str(service.get("id") or ""),
        render_owner=str(service.get("ownerId") or ""),
        render_api="" if api_url == RENDER_API else api_url,
        remote=_source(service)[0],
        branch=_source(service)[1],
    )


def workers_at_render(key: str, service: Hosted, *, api_url: str = RENDER_API) -> tuple[str, ...]:
    """The other services that a push deploys with this one: without an address, of the same repository and branch. Raises ProviderError."""
    api = render_api(Render(api_url=api_url), key, patience_s=0)
    operation = "list the services"
    answer = api.ask(operation, "/services", query=(("limit", _PAGE),))
    beside = (
        str(one.get("id") or "")
        for one in _listed(api.told_list(operation, answer, "a service"))
        if one.get("type") in _WORKERS and one.get("suspended") != "suspended" and _source(one) == service.source
    )
    return tuple(sorted({one for one in beside if one and one != service.render_service}))


def together(netlify: Hosted, render: Hosted) -> Hosted:
    """What both say; of the repository the front end's host knows more."""
    return replace(
        netlify,
        render_service=render.render_service,
        render_owner=render.render_owner,
        render_api=render.render_api,
        render_workers=render.render_workers,
        remote=netlify.remote or render.remote,
        branch=netlify.branch or render.branch,
    )


def _listed(told: Iterable[JsonObject]) -> Iterator[Mapping[str, Any]]:
    for one in told:
        service = one.document.get("service")
        if not isinstance(service, dict):
            raise one.complaint("expected a service in each entry", service)
        yield service


def _source(service: Mapping[str, Any]) -> tuple[str, str]:
    return str(service.get("repo") or ""), str(service.get("branch") or "")


def _address_of(service: Mapping[str, Any]) -> Mapping[str, Any]:
    details = service.get("serviceDetails")
    return details if isinstance(details, dict) else {}


def _is_it(one: Mapping[str, Any], address: str, wanted_id: str, keys: tuple[str, ...]) -> bool:
    if wanted_id:
        return str(one.get("id")) == wanted_id
    return any(_place(str(one.get(key) or "")) == _place(address) for key in keys)


def _place(address: str) -> str:
    """Host and port, whatever else: a host names its own domain without a scheme."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    return parts.netloc.lower().removeprefix("www.") or address
