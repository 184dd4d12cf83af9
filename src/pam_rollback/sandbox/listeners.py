"""The sockets of a sandbox: all on loopback, bound before anything starts, so that addresses are known to every part."""

import socket
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
