"""What a criterion asked and what was measured, as the table of criteria prints it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

from pam_rollback.core.errors import MeasurementFailed


@dataclass(frozen=True, repr=False)
class Measured:
    """What was measured, beside what the plan asks. Whether that is good is for the test to say, which compares.

    A function gives it where the figure is all that a check needs, or gives a subclass with what the assertion compares (``kw_only=True``).
    A class with fields of its own is a ``Fact``. ``value`` and ``margin`` (limit less value, negative when beyond) are in ``unit``.
    """

    what: str
    asked: str
    """The plan's limit with its unit and its time, such as ``< 2 % for 900 s``."""
    value: float | str | None
    """None where nothing was measured."""
    unit: str = ""
    n: int | None = None
    """How many observations it rests on."""
    margin: float | None = None
    definition: str = ""
    proviso: str = ""
    """What has to be read with the figure wherever it stands, a few words, such as that most of it was not watched."""
    sentence: str = ""
    """All of it in words, for whoever reads why a test failed."""
    unproven: str = ""
    """What it would not notice: a condition of the verdict."""
    cause: str = ""
    """What stood in its way, and in that of others."""

    @property
    def number(self) -> float:
        """The value, to compare. Raises MeasurementFailed where there is none: unknown is neither good nor bad."""
        if isinstance(self.value, int | float):
            return self.value
        raise MeasurementFailed(str(self), cause=self.cause)

    @property
    def row(self) -> dict[str, float | str | None]:
        """The row of the table, as the record of the run has it."""
        return {
            "what": self.what,
            "asked": self.asked,
            "measured": self.value,
            "unit": self.unit,
            "n": self.n,
            "margin": self.margin,
            "definition": self.definition,
            "proviso": self.proviso,
        }

    @property
    def in_figures(self) -> str:
        """The row as a line."""
        parts = [
            f"asked {self.asked}",
            f"measured {self.value} {self.unit}".rstrip() + (f" ({self.proviso})" if self.proviso else ""),
        ]
        if self.n is not None:
            parts.append(f"n={self.n}")
        if self.margin is not None:
            parts.append(f"margin {self.margin:+.4g} {self.unit}".rstrip())
        if self.definition:
            parts.append(self.definition)
        return f"{self.what}: " + ", ".join(parts)

    @property
    def measured(self) -> Self:
        """Itself: whoever takes a fact takes this as well."""
        return self

    def __str__(self) -> str:
        return self.sentence or self.in_figures

    def __repr__(self) -> str:
        """The sentence: pytest shows the repr of what an assertion compares."""
        return str(self)


class Sentence:
    """A fact that says itself in a sentence (``__str__``): pytest shows the repr of what an assertion gives, and that is not its fields."""

    def __repr__(self) -> str:
        """The same; a dataclass leaves it with ``repr=False``."""
        return str(self)


class Fact(Sentence):
    """A fact with fields of its own. It says itself by what it ``measured``, in the table and in words."""

    @property
    def measured(self) -> Measured:
        """Its row and its sentence."""
        raise NotImplementedError

    def __str__(self) -> str:
        return str(self.measured)


Entered = TypeVar("Entered", bound=Measured | Fact)


class Scored(Protocol):
    """Enters a fact's figures into the table of criteria and gives the fact back, for the test to judge."""

    def __call__(self, fact: Entered, /) -> Entered:
        """``fact`` may have ``details``: facts that belong to it and are reported beside it."""


def listed(sentences: Sequence[str], shown: int = 5) -> str:
    """The first of them, and how many more there are."""
    more = f"; and {len(sentences) - shown} more" if len(sentences) > shown else ""
    return "; ".join(sentences[:shown]) + more


def duration(seconds: float) -> str:
    """A length of time as people say it: ``0.21 s``, ``38 s``, ``1 min 12 s``, ``2 h 5 min``."""
    if seconds < 9.95:  # noqa: PLR2004 - below ten seconds the tenths matter
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
