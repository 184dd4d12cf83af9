"""One line of the fault matrix."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """A fault of the sandbox, and the checks that it turns from passed to failed."""

    id: str
    fault: str
    red: frozenset[str]
    """The names of the tests, without parameters; every other selected test stays green."""
    words: str
    """What the terminal says of it, on one line."""
    parameters: Mapping[str, str | float] = field(default_factory=dict)
    select: str = "health"
    """The `-m` expression of the session: everything that could depend on the fault."""
