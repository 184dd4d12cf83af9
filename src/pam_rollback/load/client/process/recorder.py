"""What became of each request: rows in memory, given away as one line of JSON every second."""

import json
from typing import NamedTuple

COLUMNS = ("target", "journey", "due_s", "sent_s", "done_s", "status", "why")
_DIGITS = 6


class Row(NamedTuple):
    """One request; moments from the beginning of the run. ``sent_s`` is None when it never left, ``why`` empty when all is right."""

    target: int
    journey: int
    due_s: float
    sent_s: float | None
    done_s: float
    status: int | None
    why: str


class Recorder:
    """Keeps what has not been written yet."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self.requests = 0

    def add(self, row: Row) -> None:
        """Remember it: one append, for it happens a thousand times a second and more."""
        self._rows.append(row)

    def take(self) -> str:
        """Give what came since the last call as JSON, and forget it; empty when nothing did."""
        rows, self._rows = self._rows, []
        if not rows:
            return ""
        self.requests += len(rows)
        shortened = [
            (
                target,
                journey,
                round(due_s, _DIGITS),
                sent_s and round(sent_s, _DIGITS),
                round(done_s, _DIGITS),
                status,
                why,
            )
            for target, journey, due_s, sent_s, done_s, status, why in rows
        ]
        return json.dumps(shortened, separators=(",", ":"))
