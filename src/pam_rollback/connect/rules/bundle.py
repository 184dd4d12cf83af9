"""What a site's page and scripts name: the API, Supabase and its public key. A bundle built without its variables names nobody."""

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pam_rollback.base.addresses import is_loopback

_ADDRESS = re.compile(rb"""https?://(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]{1,253})(?::\d{1,5})?(?=[/"'`?#\s\\]|$)""")
_JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,200}")
_PUBLISHABLE = re.compile(rb"sb_publishable_[A-Za-z0-9_-]{10,100}")
_UNLEASH = re.compile(rb"""(https?://[A-Za-z0-9.:-]{1,253}(?:/[A-Za-z0-9._~-]+)*?)/api/(?:frontend|proxy)\b""")
"""Where pages of a product with Unleash ask for their flags."""
_ANON = "anon"
_SUPABASE = re.compile(r"supabase\.(?:co|in|com|net|red)(?:\.|$)|(?:^|\.)supabase\.")
_NEAR = 4096
"""Address and key of one client stand close to each other in a bundle."""


@dataclass(frozen=True)
class Bundle:
    """What the scripts name, the most often named first."""

    addresses: tuple[str, ...] = ()
    """Origins: scheme, host and port."""
    keys: tuple[str, ...] = ()
    """Public keys of Supabase (role ``anon``, or publishable): in every page, and yet in no file that is written here."""
    supabase: tuple[str, ...] = ()
    """Origins that may be the project of such a key."""
    unleash: tuple[str, ...] = ()
    """Addresses whose frontend API of Unleash is asked for flags."""

    def names(self, address: str) -> bool:
        """Whether a script names that origin, by whatever name it has on this machine."""
        return origin(address) in {*self.addresses, *map(reachable, self.addresses)}


def origin(address: str) -> str:
    """Scheme, host and port of an address."""
    return "/".join(address.split("/", 3)[:3])


def reachable(address: str) -> str:
    """The same place as an environment may name it: whatever ends in ``.localhost`` is this machine (RFC 6761, section 6.3)."""
    scheme, _, place = origin(address).partition("://")
    host, colon, port = place.partition(":")
    return f"{scheme}://127.0.0.1{colon}{port}" if host.endswith(".localhost") else address


def read_bundle(scripts: Iterable[bytes], own: Iterable[str] = ()) -> Bundle:
    """``own``: origins that are no news, such as the site's."""
    bodies, known = tuple(scripts), {origin(one) for one in own}
    counted = Counter(one for body in bodies for one in _addresses(body))
    addresses = tuple(one for one, _ in counted.most_common() if one not in known)
    keys = tuple(dict.fromkeys(key for body in bodies for key in _keys(body)))
    unleash = dict.fromkeys(found.decode("ascii") for body in bodies for found in _UNLEASH.findall(body))
    return Bundle(addresses, keys, tuple(_projects(bodies, addresses, keys)), tuple(unleash))


def role_of(key: str) -> str:
    """The role that a key claims; empty where it claims none."""
    return str(_claims(key).get("role", ""))


def title_words(title: str) -> str:
    """The first part of a page's title, which stays when the rest changes: ``Wheels & Wins - Trips`` begins with the name."""
    return re.split(r"\s+[-\u2013\u2014|:\u00b7]\s+", title.strip())[0].strip()


def _addresses(body: bytes) -> Iterable[str]:
    return (found.decode("ascii").rstrip("/") for found in _ADDRESS.findall(body))


def _keys(body: bytes) -> Iterable[str]:
    for found in _JWT.findall(body):
        key = found.decode("ascii")
        if role_of(key) == _ANON:
            yield key
    for found in _PUBLISHABLE.findall(body):
        yield found.decode("ascii")


def _projects(bodies: Iterable[bytes], addresses: Iterable[str], keys: Iterable[str]) -> Iterable[str]:
    """First the project that a key itself names, then what is called so, then what stands beside a key."""
    refs = {str(_claims(key).get("ref", "")) for key in keys} - {""}
    named = [one for one in addresses if _host(one).partition(".")[0] in refs]
    called = [one for one in addresses if _SUPABASE.search(_host(one))]
    beside = [one for body in bodies for key in keys for one in _beside(body, key.encode())]
    # What runs on this machine was put in by whoever built it; what else a bundle names may be left from long ago.
    called.sort(key=lambda one: not is_loopback(one))
    return dict.fromkeys([*named, *(one for one in called if one in beside), *called, *beside])


def _beside(body: bytes, key: bytes) -> Iterable[str]:
    at = body.find(key)
    if at < 0:
        return []
    return reversed([*_addresses(body[max(0, at - _NEAR) : at])][-1:])


def _claims(key: str) -> dict[str, object]:
    parts = key.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _host(address: str) -> str:
    return origin(address).partition("//")[2].partition(":")[0].lower()
