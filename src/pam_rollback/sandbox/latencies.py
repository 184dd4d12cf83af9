"""How long the hosts take, beside the real work that is done here: `fast` for practice, `realistic` as they typically are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Profile = Literal["fast", "realistic"]


@dataclass(frozen=True)
class BackendLatencies:
    """What comes on top of the real start of the release's process."""

    queue_s: float
    build_s: float
    update_s: float


BACKEND: Mapping[Profile, BackendLatencies] = {
    "fast": BackendLatencies(queue_s=0.02, build_s=0.06, update_s=0.02),
    # A Python service with cached packages builds in two to three minutes; fetching a kept build and starting it takes about one.
    "realistic": BackendLatencies(queue_s=5, build_s=150, update_s=50),
}


@dataclass(frozen=True)
class FrontendLatencies:
    """What comes on top of the real build."""

    publish_s: float
    """From the answer to a restore, or the end of a deploy, until users get it."""
    process_s: float
    """From the last file until the deploy is ready."""
    build_s: float
    """A build takes this long at least."""


FRONTEND: Mapping[Profile, FrontendLatencies] = {
    "fast": FrontendLatencies(publish_s=0.15, process_s=0.05, build_s=0),
    # A build of a site of this size takes about a minute, with a container and its packages; a restore some seconds.
    "realistic": FrontendLatencies(publish_s=3, process_s=5, build_s=75),
}
