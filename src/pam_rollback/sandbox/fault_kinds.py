"""What a fault is: its name, the layer that it breaks, and its settings."""

from dataclasses import dataclass
from typing import Any, Literal

Layer = Literal[
    "release", "process", "database", "data", "edge", "answers", "page", "notifications", "provider", "repository"
]
Value = str | float


@dataclass(frozen=True)
class Parameter:
    """One setting of a fault. Numbers lie between `low` and `high`; texts are one of `choices`, if there are any."""

    name: str
    default: Value | None
    summary: str
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether the value is a number."""
        return self.high > self.low

    def described(self) -> dict[str, Any]:
        """For the catalogue that the control API shows."""
        return {
            "name": self.name,
            "summary": self.summary,
            "default": self.default,
            **({"from": self.low, "to": self.high} if self.is_number else {}),
            **({"choices": self.choices} if self.choices else {}),
        }


@dataclass(frozen=True)
class FaultKind:
    """A fault that exists. `flag` names the feature flag behind which it hides; rolling that flag back makes it harmless."""

    name: str
    summary: str
    layer: Layer
    parameters: tuple[Parameter, ...] = ()
    flag: str | None = None
