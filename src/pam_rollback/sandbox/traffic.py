"""What came through the edge: requests by method and path."""

import re
from collections import Counter

_ID = re.compile(r"^(\d+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")
_DISTINCT_MAX = 500
_OTHERS = "(other paths)"


class RequestCounts:
    """Counts per method and path; numbers and UUIDs in a path count as `{id}`, so that the table stays short."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def note(self, method: str, path: str) -> None:
        """Count one request. A scanner's thousandth path is counted with the others of its kind."""
        place = "/".join("{id}" if _ID.match(part) else part for part in path.split("/"))
        name = f"{method} {place}"
        if name not in self._counts and len(self._counts) >= _DISTINCT_MAX:
            name = f"{method} {_OTHERS}"
        self._counts[name] += 1

    def as_mapping(self) -> dict[str, int]:
        """The counts so far."""
        return dict(self._counts)
