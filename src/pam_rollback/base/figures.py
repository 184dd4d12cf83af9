"""What a criterion asked and what was measured, as the table of criteria prints it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True)
class Figures:
    """One row. ``measured`` and ``margin`` (limit less measured, negative when beyond) are in ``unit``; ``n`` counts observations."""

    what: str
    asked: str
    measured: float | str | None
    unit: str = ""
    n: int | None = None
    margin: float | None = None
    definition: str = ""
    proviso: str = ""
    """What has to be read with the figure wherever it stands, a few words, such as that most of it was not watched."""

    def __str__(self) -> str:
        parts = [
            f"asked {self.asked}",
            f"measured {self.measured} {self.unit}".rstrip() + (f" ({self.proviso})" if self.proviso else ""),
        ]
        if self.n is not None:
            parts.append(f"n={self.n}")
        if self.margin is not None:
            parts.append(f"margin {self.margin:+.4g} {self.unit}".rstrip())
        if self.definition:
            parts.append(self.definition)
        return f"{self.what}: " + ", ".join(parts)


class HasFigures(Protocol):
    """Any fact that can be entered into the table."""

    @property
    def figures(self) -> Figures:
        """The fact's row."""


class Sentence:
    """A fact that says itself in a sentence (``__str__``): pytest shows the repr of what an assertion gives, and that is not its fields."""

    def __repr__(self) -> str:
        """The same; a dataclass leaves it with ``repr=False``."""
        return str(self)


Fact = TypeVar("Fact", bound=HasFigures)


class Scored(Protocol):
    """Enters a fact's figures into the table of criteria and gives the fact back, for the test to judge."""

    def __call__(self, fact: Fact, /) -> Fact:
        """``fact`` may have ``details``: facts that belong to it and are reported beside it."""


def listed(sentences: Sequence[str], shown: int = 5) -> str:
    """The first of them, and how many more there are."""
    more = f"; and {len(sentences) - shown} more" if len(sentences) > shown else ""
    return "; ".join(sentences[:shown]) + more
