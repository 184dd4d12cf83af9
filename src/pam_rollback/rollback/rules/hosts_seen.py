"""What a host says of a site or service that is found there by its address."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pam_rollback.base.errors import Refused
from pam_rollback.rollback.rules.lock_targets import same_place


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


def refuse_another(told: Iterable[str], meant: Mapping[str, str], named: str) -> None:
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
