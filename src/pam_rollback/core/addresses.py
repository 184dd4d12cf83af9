"""Which web addresses an environment may name."""

import re
from ipaddress import IPv6Address, ip_address

from pydantic_core import Url

_PLAIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/-]*)?")
"""Nothing that two readers of addresses could understand differently: no credentials, query, fragment, blanks, backslashes."""
_USUAL_PORTS = {"http": 80, "https": 443, "smtp": 25}
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|\[::1\]")


def web_address(value: str) -> str:
    """Give a base address without the slash at its end. Raises ValueError when it is none.

    The value is shown only when it cannot carry credentials.
    """
    wanted = "expected an address such as https://host, without credentials, query or fragment"
    found = "a value that is not shown: it may carry credentials" if re.search(r"[@?#]", value) else repr(value)
    if not _PLAIN.fullmatch(value):
        raise ValueError(f"{wanted}, found {found}")
    try:
        Url(value)
    except ValueError:
        raise ValueError(f"{wanted}, found {found}") from None
    return value.rstrip("/")


def is_loopback(address: str) -> bool:
    """Tell whether requests to this address stay on this machine for certain.

    A name below ``.localhost`` is none: resolvers only SHOULD keep it here (RFC 6761, section 6.3), and one that does not asks others for
    it. Browsers keep it, programs do not.
    """
    return _LOOPBACK.fullmatch(_parsed_host(address)) is not None


def is_named_local(host: str) -> bool:
    """Tell whether this name is meant for this machine, wherever a resolver leads: enough to keep two from acting on one place."""
    return host.lower().rstrip(".").rpartition(".")[2] == "localhost"


def loopback_hint(host: str) -> str:
    """What to write in place of a name that only browsers keep on this machine; empty for any other host or address."""
    named = is_named_local(_parsed_host(host) or host)
    return "; a name below .localhost leads where the resolver says: write 127.0.0.1" if named else ""


def is_encrypted(address: str) -> bool:
    """Tell whether the address is https."""
    return address.lower().startswith("https://")


def is_web(address: str) -> bool:
    """Tell whether this is an http or https address with a host, whatever else it carries (a webhook's path is its secret)."""
    return address.lower().startswith(("http://", "https://")) and bool(_parsed_host(address))


def server_of(address: str) -> str:
    """Give scheme, host and port in one spelling, whatever path or credentials follow; empty when there is no host.

    Upper case, a trailing dot, a port that goes without saying, international names and the many forms of an IPv4 address are the same.
    """
    try:
        url = Url(address)
    except ValueError:
        return ""
    port = url.port or _USUAL_PORTS.get(url.scheme, 0)
    return f"{url.scheme}://{canonical_host(url.host or '')}:{port}" if url.host else ""


def canonical_host(host: str) -> str:
    """Give the one spelling of a host: lower case, punycode, without a trailing dot, an IPv4 address in its usual form."""
    try:
        # As part of a web address: the reader that requests go by knows every form of a host.
        found = Url(f"http://{host.rstrip('.')}/").host or ""
    except ValueError:
        found = host
    found = found.lower().rstrip(".")
    try:
        number = ip_address(found.strip("[]"))
    except ValueError:
        return found
    mapped = number.ipv4_mapped if isinstance(number, IPv6Address) else None
    plain = mapped or number
    return f"[{plain}]" if isinstance(plain, IPv6Address) else str(plain)


def _parsed_host(address: str) -> str:
    try:
        return Url(address).host or ""
    except ValueError:
        return ""
