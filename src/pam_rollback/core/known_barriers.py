"""The barriers that the baseline has: each by its rule, the page state in which it was met and the element."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

Key = tuple[str, str, str]
"""Rule, page state, element."""

_ID = re.compile(r"#(?:\\.|[^\s>.:\[])+")
_NUMBER = re.compile(r"\d+")
_POSITION = re.compile(r"(:nth-(?:child|of-type)\()\d+\)")


def stable(selector: str) -> str:
    """The selector without what differs between two visits: counters in ids (``#field-3``) and positions among siblings."""
    without_counters = _ID.sub(lambda found: _NUMBER.sub("N", found.group()), selector)
    return _POSITION.sub(r"\1N)", without_counters)


@dataclass(frozen=True)
class Known:
    """The barriers of a baseline: how often each was there, and the rules that found them."""

    counts: Mapping[Key, int]
    rules: str

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"rules": self.rules, "barriers": [[*key, count] for key, count in sorted(self.counts.items())]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read back what ``as_data`` gave."""
        return cls(
            {(str(rule), str(state), str(target)): int(count) for rule, state, target, count in data["barriers"]},
            str(data["rules"]),
        )
