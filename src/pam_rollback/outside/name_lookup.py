"""Looks up the addresses of a host, and no longer than one is ready to wait."""

import ipaddress
import socket
import threading


def look_up(host: str, port: int, within_s: float) -> list[str]:
    """Give the addresses of a host. In a thread: a look-up has no time-out, and at the end of the process nobody waits for it."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    found: list[list[str] | Exception] = []

    def ask() -> None:
        try:
            told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.append([str(address[0]) for *_, address in told])
        except Exception as error:  # noqa: BLE001 - raised below, by whoever waits
            found.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(within_s)
    if not found:
        raise TimeoutError
    if isinstance(found[0], Exception):
        raise found[0]
    return list(dict.fromkeys(found[0]))
