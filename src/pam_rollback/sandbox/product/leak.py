"""Memory that a process holds for nothing, as a leak does: really taken from the system, and given back when the fault is cleared."""

from __future__ import annotations

import mmap
import time

_MB = 1_000_000
_PIECE_MB = 0.1
_HELD_MB_MAX = 1000
"""Whatever was asked for: the machine that practises must not run out of memory."""


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
