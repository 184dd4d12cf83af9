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
