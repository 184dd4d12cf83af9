"""Who gets a feature: a flag, and a stable place of each user between 0 and 99."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

_BUCKETS = 100

Reason = Literal["STATIC", "SPLIT", "DISABLED"]
"""Why a user has a value, in OpenFeature's words."""


def bucket(user_id: str) -> int:
    """Give the user's place: SHA-256 of the id (UTF-8), read as one big-endian number, modulo 100.

    The same on every worker and in every release, and a user who is in at 10 % stays in at 25 %.
    """
    digest = hashlib.sha256(user_id.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest, "big") % _BUCKETS


@dataclass(frozen=True, slots=True)
class Flag:
    """A feature and the share of users who get it, 0 to 100."""

    enabled: bool
    rollout_percentage: int

    def is_on_for(self, user_id: str) -> bool:
        """Whether this user gets the feature."""
        return self.enabled and bucket(user_id) < self.rollout_percentage

    @property
    def reason(self) -> Reason:
        """Why anybody has the value they have."""
        if not self.enabled:
            return "DISABLED"
        return "SPLIT" if 0 < self.rollout_percentage < _BUCKETS else "STATIC"

    def as_json(self) -> dict[str, bool | int]:
        """The flag as the admin API writes it."""
        return {"enabled": self.enabled, "rolloutPercentage": self.rollout_percentage}
