"""The sockets of a sandbox: all on loopback, bound before anything starts, so that addresses are known to every part.

Which addresses are its own it says sealed with its token: a file is easily edited, and a server that answers everything with 200 is
easily found. Only the sandbox that made the token can seal the list for a challenge that was made up a moment ago.
"""

import hashlib
import hmac
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from pam_rollback.sandbox.problems import SandboxError

BACKLOG = 512


@dataclass
class Listeners:
    """One for each part that answers. Raises SandboxError where there is no free port."""

    api: socket.socket
    frontend: socket.socket
    slack: socket.socket
    status_page: socket.socket
    render: socket.socket
    netlify: socket.socket
    channels: socket.socket
    mail: socket.socket
    control: socket.socket
    stable: socket.socket
    elsewhere: socket.socket
    supabase: socket.socket

    @classmethod
    def open(cls) -> "Listeners":
        """Take free ports."""
        return cls(*(_listener() for _ in range(12)))


def url_of(listener: socket.socket) -> str:
    """Where a socket is reached."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _listener() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", 0))
    except OSError as error:
        listener.close()
        raise SandboxError("network", expected="a free port on 127.0.0.1", found=str(error)) from error
    listener.listen(BACKLOG)
    listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return listener


def addresses_of(listeners: Listeners, *, repository: str, databases: Mapping[str, str]) -> dict[str, str]:
    """Every address at which this sandbox answers, by its name; the databases without user and password."""
    sockets: dict[str, socket.socket] = {
        name: found for name, found in vars(listeners).items() if isinstance(found, socket.socket)
    }
    urls = {name: url_of(listener) for name, listener in sockets.items() if name != "mail"}
    mail = {"mail": url_of(listeners.mail).replace("http:", "smtp:", 1)}
    stripped = {name: re.sub(r"//[^@/]*@", "//", dsn, count=1) for name, dsn in databases.items()}
    return {**urls, **mail, "repository": repository, **stripped}


def seal(token: str, challenge: str, addresses: Mapping[str, str]) -> str:
    """The proof that whoever holds the token says this, in answer to this challenge."""
    said = json.dumps(dict(addresses), sort_keys=True)
    return hmac.new(token.encode(), f"{challenge}\n{said}".encode(), hashlib.sha256).hexdigest()


def sealed_addresses(found: Mapping[str, object], *, token: str, challenge: str, place: str) -> dict[str, str]:
    """The addresses of an answer. Raises SandboxError when they are missing, or sealed by somebody else."""
    addresses, proof = found.get("addresses"), found.get("proof")
    if not isinstance(addresses, dict) or not all(isinstance(value, str) for value in addresses.values()):
        raise SandboxError(place, expected="the addresses that the sandbox owns", found="none")
    if not hmac.compare_digest(str(proof).encode(), seal(token, challenge, addresses).encode()):
        raise SandboxError(place, expected="addresses sealed with the sandbox's token", found="another seal")
    return addresses
