"""Which proxy asks: the one that is given, or the one that the environment names for an address. Loads no HTTP client."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies_environment, proxy_bypass


@dataclass(frozen=True)
class Proxy:
    """A forward proxy, and the variable of the environment that names it; empty for one that was given."""

    url: str
    variable: str = ""

    @property
    def shown(self) -> str:
        """For messages, without what signs in to it."""
        return f" (through the proxy {place(urlsplit(self.url))} of {self.variable})" if self.variable else ""


def environment_proxy(parts: SplitResult) -> Proxy | None:
    """The one that the environment names for this address; this machine, such as its sandbox, is asked directly."""
    host, proxies = parts.hostname or "", getproxies_environment()
    scheme = next((name for name in (parts.scheme, "all") if proxies.get(name)), None)
    if scheme is None or _is_here(host) or proxy_bypass(host):
        return None
    url = proxies[scheme]
    return Proxy(url if "://" in url else f"http://{url}", f"{scheme}_proxy".upper())


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def place(parts: SplitResult) -> str:
    """Scheme, host and port."""
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{parts.port}' if parts.port else ''}"
