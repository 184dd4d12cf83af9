"""What a session locks: where its changes go, not what the environment is called. Two files with the same addresses have the same locks."""

import hashlib
import re
from collections.abc import Iterable, Iterator

from pam_rollback.core.addresses import is_loopback, is_named_local
from pam_rollback.plan.stories import STORIES
from pam_rollback.target.environment import Environment
from pam_rollback.target.hosts import KINDS

_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)(?::(\d*))?(/.*)?", re.IGNORECASE)
_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+)():(?!//)(.+)")
"""``git@host:path``, as git takes it beside addresses."""
_DEFAULT_PORTS = {"", "80", "443", "22"}
_DIGITS = 16


def targets_of(environment: Environment, *, pushes: bool) -> dict[str, str]:
    """Everything that a session may change there: the names of its locks, in the order in which they are taken, and in words.

    A name is the same for everybody who changes the target, and shows no address. ``pushes``: the session may move branches. Only then is
    the repository a target: staging and production often share it, and must not wait for each other.
    """
    found = {}
    for kind, address in _places(environment, pushes=pushes):
        words = f"{kind} {same_place(address)}"
        found[f"{kind}-{hashlib.sha256(words.encode()).hexdigest()[:_DIGITS]}"] = words
    return dict(sorted(found.items()))


def _places(environment: Environment, *, pushes: bool) -> Iterator[tuple[str, str]]:
    # Users are one: whatever is changed, two sessions at once would judge each other's work.
    yield "product", environment.urls.api
    if {"flag_admin", "emergency_endpoint"} & environment.abilities:
        yield "flags", environment.url_of("feature_flags")
    if environment.unleash is not None:
        at = environment.unleash
        yield "flags", f"{at.url}/{at.project}/{at.environment}"
    for site, kind in KINDS.items():
        if (host := environment.host_of(site)) is not None:
            yield kind, f"{host.api_url}/{host.id}"
    if pushes and environment.git is not None:
        yield "repository", environment.git.remote


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


def may_push(stories: Iterable[str]) -> bool:
    """Whether one of these actions moves branches; one that this version does not know may."""
    return any(story not in STORIES or "git" in STORIES[story].abilities for story in stories)
