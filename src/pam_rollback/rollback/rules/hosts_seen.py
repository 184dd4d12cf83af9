"""What a host says of a site or service that is found there by its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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


def listed(those: list[Mapping[str, Any]], kind: str) -> str:
    """What there is, by name and id."""
    return ", ".join(sorted(f"{one.get('name')} ({one.get('id')})" for one in those)) or f"no {kind}"
