"""One line of a journal that outlives sessions: what happened, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """``at_s`` is in seconds since 1970: several sessions write, on several machines."""

    at_s: float
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
