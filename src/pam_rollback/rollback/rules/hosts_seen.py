"""What a host says of a site or service that is found there by its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class NotFound(Exception):  # noqa: N818 - named by what happened
    """The host knows nothing at that address. The message names what it knows."""


@dataclass(frozen=True)
class HostSeen:
    """One site or service. What a host does not tell is empty."""

    id: str
    owner: str = ""
    remote: str = ""
    branch: str = ""
    build_command: str = ""
    frontend_folder: str = ""
    publish_folder: str = ""
    workers: tuple[str, ...] = ()
    """Of a back end: services that a push deploys with it."""
    api_url: str = ""
    """Where the host was asked, if not at its own address."""


class Looking(Protocol):
    """The module ``looking`` of a provider's folder."""

    def look(self, token: str, address: str, named: str, *, api_url: str) -> HostSeen:
        """The site or service at the address, or the one of the id ``named``. Raises NotFound, or ProviderError."""

    def beside(self, token: str, service: str, source: tuple[str, str], *, api_url: str) -> tuple[str, ...]:
        """Of a back end's host: other services that a push to this repository and branch deploys. Raises ProviderError."""


def listed(those: list[Mapping[str, Any]], kind: str) -> str:
    """What there is, by name and id."""
    return ", ".join(sorted(f"{one.get('name')} ({one.get('id')})" for one in those)) or f"no {kind}"
