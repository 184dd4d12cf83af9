"""Who serves an address, by the headers of its answers: a hint for people, never a proof."""

from collections.abc import Mapping

from pam_rollback.environment.hosts import HOSTS

_SIGNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    **{host.title: host.signs for host in HOSTS},
    "Supabase": (("sb-gateway-version", ""), ("sb-project-ref", "")),
}
"""By host: headers that it sends, and how their values begin; empty: whatever they say."""


def served_by(headers: Mapping[str, str]) -> str:
    """The host's name; empty where nothing tells. ``headers``: names in small letters."""
    return next(
        (
            host
            for host, signs in _SIGNS.items()
            if any(name in headers and headers[name].lower().startswith(begin) for name, begin in signs)
        ),
        "",
    )
