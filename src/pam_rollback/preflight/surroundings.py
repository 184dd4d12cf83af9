"""Names that are resolved on this machine."""

import socket
import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

from pam_rollback.base.errors import ActionFailed


def host_in(address: str) -> str:
    """The host of ``https://…``, ``ssh://…`` or ``git@host:path``; empty for a folder."""
    if "://" in address:
        return urlsplit(address).hostname or ""
    before, colon, _ = address.partition(":")
    return before.rpartition("@")[2] if colon and "/" not in before else ""


def names_resolved(hosts: Iterable[str], *, deadline_s: float) -> str:
    """Every one of these hosts that is a name is resolved. Raises ActionFailed with those that are not, and why."""
    names = sorted({host for host in hosts if host and not _is_address(host)})
    if not names:
        return "no name is needed"
    problems: dict[str, str] = {}
    # Daemons: a resolver that hangs cannot be interrupted, and must not keep the session from ending.
    threads = {
        name: threading.Thread(target=_resolve, args=(name, problems), daemon=True, name=f"resolve {name}")
        for name in names
    }
    for thread in threads.values():
        thread.start()
    for name, thread in threads.items():
        thread.join(deadline_s)
        if thread.is_alive():
            problems.setdefault(name, f"no answer within {deadline_s:g} s")
    if problems:
        told = "; ".join(f"{name}: {problem}" for name, problem in sorted(problems.items()))
        raise ActionFailed(f"names are not resolved here ({told}); mend the resolver, or go on from another machine")
    return f"{len(names)} names are resolved"


def is_by_name(host: str) -> bool:
    """Whether somebody at this host is reached by a name that has to be resolved."""
    return bool(host) and not _is_address(host)


def _resolve(name: str, problems: dict[str, str]) -> None:
    try:
        socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        problems[name] = error.strerror or str(error)


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    # In the hosts file of every machine; what is below it is up to the resolver (RFC 6761).
    return host == "localhost"
