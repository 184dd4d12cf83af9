"""The service at an address, and what goes back with it, as Render tells of them; only reading calls."""

from collections.abc import Iterator, Mapping
from typing import Any

from pam_rollback.environment.hosts import Render
from pam_rollback.outside.provider import ProviderApi, is_at
from pam_rollback.rollback.providers.render.render_api import render_api
from pam_rollback.rollback.rules.hosts_seen import HostSeen, NotFound, listed

_PAGE = "100"
_WORKERS = frozenset({"background_worker", "private_service"})
"""Kinds of services that nobody reaches from outside, and whose deploys Render can roll back."""


def look(token: str, address: str, named: str, *, api_url: str) -> HostSeen:
    """The service whose address it is, or the one of the id ``named``. Raises NotFound, or ProviderError."""
    api = render_api(Render(api_url=api_url), token, patience_s=0)
    if named:
        operation = "read the service"
        path = f"/services/{api.part_of_path(operation, named)}"
        return _seen(api.ask_told(operation, path, "the service").document)
    services = list(_services(api))
    found = next((one for one in services if is_at(_details(one), address, ("url",))), None)
    if found is None:
        known = listed(services, "service")
        raise NotFound(f"no service of this key answers at {address}; it has {known}. Say --render-service ID")
    return _seen(found)


def beside(token: str, service: str, source: tuple[str, str], *, api_url: str) -> tuple[str, ...]:
    """The other services that a push deploys with this one: without an address, of the same repository and branch. Raises ProviderError."""
    found = (
        str(one.get("id") or "")
        for one in _services(render_api(Render(api_url=api_url), token, patience_s=0))
        if one.get("type") in _WORKERS and one.get("suspended") != "suspended" and _source(one) == source
    )
    return tuple(sorted({one for one in found if one and one != service}))


def _services(api: ProviderApi) -> Iterator[Mapping[str, Any]]:
    operation = "list the services"
    answer = api.ask(operation, "/services", query=(("limit", _PAGE),))
    for one in api.told_list(operation, answer, "a service"):
        service = one.document.get("service")
        if not isinstance(service, dict):
            raise one.complaint("expected a service in each entry", service)
        yield service


def _seen(service: Mapping[str, Any]) -> HostSeen:
    remote, branch = _source(service)
    return HostSeen(str(service.get("id") or ""), str(service.get("ownerId") or ""), remote, branch)


def _source(service: Mapping[str, Any]) -> tuple[str, str]:
    return str(service.get("repo") or ""), str(service.get("branch") or "")


def _details(service: Mapping[str, Any]) -> Mapping[str, Any]:
    details = service.get("serviceDetails")
    return details if isinstance(details, dict) else {}
