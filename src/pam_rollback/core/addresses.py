"""Which web addresses an environment may name."""

import re

from pydantic_core import Url

_PLAIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/-]*)?")
"""Nothing that two readers of addresses could understand differently: no credentials, query, fragment, blanks, backslashes."""
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
    """Tell whether requests to this address stay on this machine."""
    return _LOOPBACK.fullmatch(_parsed_host(address)) is not None


def is_encrypted(address: str) -> bool:
    """Tell whether the address is https."""
    return address.lower().startswith("https://")


def is_web(address: str) -> bool:
    """Tell whether this is an http or https address with a host, whatever else it carries (a webhook's path is its secret)."""
    return address.lower().startswith(("http://", "https://")) and bool(_parsed_host(address))


def _parsed_host(address: str) -> str:
    try:
        return Url(address).host or ""
    except ValueError:
        return ""
