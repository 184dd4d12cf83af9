"""The hosts' own word about the site, the service, the repository and the branch; each knows itself how it is asked."""

from dataclasses import replace

from pam_rollback.environment.hosts import KnownHost
from pam_rollback.rollback.rules.hosts_seen import HostSeen
from pam_rollback.rollback.service.provider_access import looking_at


def seen_at(host: KnownHost, token: str, address: str, named: str = "", *, api_url: str) -> HostSeen:
    """The site or service at that address, or the one of the id ``named``. Raises NotFound, or ProviderError."""
    seen = looking_at(host.name).look(token, address, named, api_url=api_url)
    return replace(seen, api_url="" if api_url == host.api_url else api_url)


def workers_at(host: KnownHost, token: str, service: HostSeen, *, api_url: str) -> tuple[str, ...]:
    """The other services that a push deploys with this one. Raises ProviderError."""
    return looking_at(host.name).beside(token, service.id, (service.remote, service.branch), api_url=api_url)
