"""What only one session may change at a time: where its changes go, not what the environment is called.

Two files with the same addresses have the same targets, whatever their names; two products that are both called "production" have none in
common. The repository is a target only of actions that push: staging and production often share it, and must not wait for each other.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pam_rollback.base.addresses import is_loopback, is_named_local
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.hosts import KINDS

_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)(?::(\d*))?(/.*)?", re.IGNORECASE)
_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+)():(?!//)(.+)")
"""``git@host:path``, as git takes it beside addresses."""
_DEFAULT_PORTS = {"", "80", "443", "22"}
_DIGITS = 16


@dataclass(frozen=True, order=True)
class LockTarget:
    """One thing that is changed. ``name`` is its lock's name: the same for everybody who changes it, and it shows no address."""

    name: str
    words: str
    """For people."""


def targets_of(environment: Environment, *, pushes: bool) -> tuple[LockTarget, ...]:
    """Everything that a session may change there, in the order in which locks are taken. ``pushes``: it may move branches."""
    return tuple(sorted(set(_targets(environment, pushes=pushes))))


def _targets(environment: Environment, *, pushes: bool) -> Iterator[LockTarget]:
    # Users are one: whatever is changed, two sessions at once would judge each other's work.
    yield _target("product", environment.urls.api)
    if {"flag_admin", "emergency_endpoint"} & environment.abilities:
        yield _target("flags", environment.url_of("feature_flags"))
    if environment.unleash is not None:
        at = environment.unleash
        yield _target("flags", f"{at.url}/{at.project}/{at.environment}")
    for site, kind in KINDS.items():
        if (host := environment.host_of(site)) is not None:
            yield _target(kind, f"{host.api_url}/{host.id}")
    if pushes and environment.git is not None:
        yield _target("repository", environment.git.remote)


def _target(kind: str, address: str) -> LockTarget:
    place = same_place(address)
    digest = hashlib.sha256(f"{kind} {place}".encode()).hexdigest()[:_DIGITS]
    return LockTarget(f"{kind}-{digest}", f"{kind} {place}")


def same_place(address: str) -> str:
    """Give one spelling for all addresses of one place: without scheme, user, default port and what ends it (``/``, ``.git``).

    Hosts and paths on them are compared without case: two places that differ in nothing else would wait for each other, which does no harm.
    """
    found = _URL.fullmatch(address) or _SCP.fullmatch(address)
    if found is None:
        return address.rstrip("/")  # a folder of this machine
    host, port, path = (part or "" for part in found.groups())
    here = is_loopback(f"http://{host}") or is_named_local(host)
    host = "localhost" if here else host.lower().rstrip(".")
    shown_port = "" if port in _DEFAULT_PORTS else f":{port}"
    return f"{host}{shown_port}/{path.strip('/').removesuffix('.git').lower()}".rstrip("/")
