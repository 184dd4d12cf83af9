"""Is what was asked one release's?  What an address said of the release behind it when the load began, and when it was over."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_COMMIT = "commit"
_SHOWN = 12
"""Characters of a commit or a fingerprint."""
_CLOCKS_APART_S = 5.0
"""What our clock and the servers' may differ by."""


@dataclass(frozen=True)
class Served:
    """What an address says of the release that it serves."""

    told: Mapping[str, str] = field(default_factory=dict)
    """Its release and commit, or fingerprints of its answers, by what they are of; empty: it tells nothing."""
    started_s: float | None = None
    """When the process began that answers, in seconds since 1970; None where nothing tells."""
    problem: str = ""
    """Why it tells nothing, where it should."""


def why_not_one(by: str, before: Served, after: Served, *, began_s: float) -> str:
    """Why the load was not all put on what ``by`` served before; empty where nothing says so. ``began_s``: when it began.

    A process that is older than the load may be another worker's; one that began in the middle took over from one that went away.
    """
    if before.told and not after.told:
        return f"which release {by} served at the end of the load is not known: {after.problem}"
    changed = [
        f"{what} {value[:_SHOWN]} when the load began and {after.told[what][:_SHOWN]} when it was over"
        for what, value in sorted(before.told.items())
        if after.told.get(what, value) != value
    ]
    if changed:
        return f"{by} served {', '.join(changed)}: what was asked is not one release's; deploy nothing meanwhile, and test again"
    if (commit := before.told.get(_COMMIT)) and not after.told.get(_COMMIT):
        return f"which commit {by} served at the end of the load is not known: it named {commit[:_SHOWN]} before, and none then"
    if before.started_s is not None and after.started_s is not None and after.started_s > began_s + _CLOCKS_APART_S:
        since_s = after.started_s - began_s
        return f"{by} is answered by a process that began {since_s:.0f} s after the load did: it may have been another release"
    return ""
