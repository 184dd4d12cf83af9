"""What a release does while a fault is planted in it. The catalogue of the sandbox says which there are and checks what they are given.

A fault that names a flag sits in the code that this flag switches: it shows only in a release that has the new features, and only for
users who get the flag; taking the flag away takes the fault's effect away, which is what a feature-flag rollback relies on.
"""

from __future__ import annotations

import hashlib
import math
import mmap
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

_MB = 1_000_000
_PIECE_MB = 0.1
_HELD_MB_MAX = 1000
"""Whatever was asked for: the machine that practises must not run out of memory."""


def bucket(user_id: str) -> int:
    """Give the user's place: SHA-256 of the id (UTF-8), read as one big-endian number, modulo 100.

    The same on every worker and in every release, and a user who is in at 10 % stays in at 25 %.
    """
    digest = hashlib.sha256(user_id.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest, "big") % 100


class Leak:
    """Holds so many MB at once, and so many more with each second; it grows with the requests that come, as leaks do."""

    def __init__(self) -> None:
        self._pieces: list[mmap.mmap] = []
        self._held_mb = 0.0
        self._began_s = 0.0
        self._mb = 0.0
        self._mb_per_s = 0.0

    def begin(self, mb: float, mb_per_s: float) -> None:
        """Start anew, with this much."""
        self.end()
        self._began_s, self._mb, self._mb_per_s = time.monotonic(), mb, mb_per_s
        self.grow()

    def grow(self) -> None:
        """Take what is due by now."""
        due_mb = min(_HELD_MB_MAX, self._mb + self._mb_per_s * (time.monotonic() - self._began_s))
        if due_mb - self._held_mb >= _PIECE_MB:
            self._take(due_mb - self._held_mb)

    def end(self) -> None:
        """Give everything back."""
        self._mb = self._mb_per_s = self._held_mb = 0.0
        for piece in self._pieces:
            piece.close()
        self._pieces.clear()

    def _take(self, mb: float) -> None:
        size = int(mb * _MB)
        # A mapping of its own: what the allocator gets it need not give back. It counts only once each page was written to.
        piece = mmap.mmap(-1, size)
        for page in range(0, size, mmap.PAGESIZE):
            piece[page] = 1
        self._pieces.append(piece)
        self._held_mb += mb


# Multiples of the golden ratio's fraction spread evenly over 0 to 1 and never repeat: any run of requests holds the wanted share.
# Every 8th or 13th of them does not, so each kind of request is counted by itself: else all writes of some seconds could fail, and
# all reads succeed.
_GOLDEN = (math.sqrt(5) - 1) / 2
_FAILING = ("errors", "code-errors", "router-fails")

Reply = TypeVar("Reply")


@dataclass(slots=True)
class Faults:
    """The faults of this process; they end with it."""

    _active: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _requests: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Requests counted by user and kind."""
    _answered: dict[str | None, tuple[object, Any]] = field(default_factory=dict)
    """Whom PAM answered last about each topic, and what."""
    _leak: Leak = field(default_factory=Leak)
    _flags_kept: frozenset[str] | None = None
    """The flags that the latest change named, since older configuration is to be lost; None: nothing is lost."""

    def plant(self, name: str, settings: Mapping[str, Any]) -> None:
        """Switch a fault on, or give it other settings; `flag` among them is the feature that it hides behind."""
        self._active[name] = settings
        if name == "memory-leak":
            self._leak.begin(settings["mb"], settings["mb_per_s"])

    def clear(self, name: str) -> None:
        """Switch a fault off; one that is off stays off."""
        self._active.pop(name, None)
        if name == "memory-leak":
            self._leak.end()
        if name == "configuration-lost":
            self._flags_kept = None

    def flags_changed(self, names: Iterable[str]) -> None:
        """Note a change of flags: with the fault, whatever it does not name is lost from now on."""
        if self.has("configuration-lost"):
            self._flags_kept = frozenset(names)

    def has_lost(self, what: str) -> bool:
        """Whether older configuration of this kind is gone."""
        return self.has("configuration-lost", what=what) and self._flags_kept is not None

    def has_lost_flag(self, name: str) -> bool:
        """Whether this flag is back at its default, which is off."""
        return self.has_lost("flags") and name not in (self._flags_kept or ())

    def leak(self) -> None:
        """Lose the memory that is due by now, if any is to be lost."""
        if self.has("memory-leak"):
            self._leak.grow()

    def has(self, name: str, **settings: str) -> bool:
        """Whether a fault is planted, with these settings, whoever it hits."""
        planted = self._active.get(name)
        return planted is not None and all(planted.get(key) == value for key, value in settings.items())

    def hits(self, name: str, features: frozenset[str]) -> bool:
        """Whether a fault is planted and the user has the feature that it hides behind."""
        settings = self._active.get(name)
        return settings is not None and settings.get("flag") in {None, *features}

    def delay_s(self, features: frozenset[str]) -> float:
        """How long this user's request is held back."""
        return float(self._active["latency"]["ms"]) / 1000 if self.hits("latency", features) else 0.0

    def answer_says(self) -> str:
        """What is said in place of every answer; empty when answers are given."""
        return str(self._active.get("chat-apologises", {}).get("says", ""))

    def mistaken(self, whose: object, about: str | None, reply: Reply) -> Reply:
        """The answer that is given: with the fault, what somebody else was answered about the same just before."""
        if not self.has("chat-answers-anothers-words"):
            return reply
        before, given = self._answered.get(about, (whose, reply))
        self._answered[about] = whose, reply
        return reply if before == whose else given

    def beside(self) -> dict[str, Any]:
        """What stands beside what is asked for."""
        return {"success": False, "error": "model unreachable"} if self.has("failure-beside") else {}

    def opens_admin_api(self, *, has_token: bool, is_user: bool) -> bool:
        """Whether the admin API serves a request without its token."""
        if not has_token:
            return self.has("auth-bypass", accepts="missing")
        opens = self.has("auth-bypass", accepts="users-as-admins")
        return self.has("auth-bypass", accepts="wrong") or (is_user and opens)

    def fails_for(self, user_id: str, what: str, features: frozenset[str]) -> bool:
        """Whether the feature never works for this user."""
        name = "feature-fails-for-some"
        if not (self.hits(name, features) and self.has(name, what=what)):
            return False
        return bucket(f"fails-for:{user_id}") < float(self._active[name]["percent"])

    def fails(self, user_id: str, what: str, features: frozenset[str]) -> bool:
        """Whether this request of the user is one of those of its kind that fail; counts it."""
        shares = [float(self._active[name]["share"]) for name in _FAILING if self.hits(name, features)]
        if not shares:
            return False
        kinds = self._requests[user_id]
        # Each kind begins elsewhere: who asks for each thing once meets the wanted share, too.
        kinds[what] = kinds.get(what, len(kinds)) + 1
        return (kinds[what] * _GOLDEN) % 1 < max(shares)

    def keeps_features(self, user_id: str) -> bool:
        """Whether the user has every feature whatever the flags say."""
        settings = self._active.get("flags-partial")
        return settings is not None and bucket(f"keeps:{user_id}") < float(settings["percent"])
