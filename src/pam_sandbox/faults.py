"""What a fault is: its name, the layer that it breaks, and its settings; and those that are planted now."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class FaultKind:
    """A fault that exists. `flag` names the feature flag behind which it hides; rolling that flag back makes it harmless."""

    name: str
    summary: str
    layer: Layer
    parameters: tuple[Parameter, ...] = ()
    flag: str | None = None


@dataclass(frozen=True)
class Fault:
    """A planted fault. `cleared` is set when it is taken away, so that what it holds back can go on."""

    kind: FaultKind
    settings: Mapping[str, Value]
    planted_s: float
    cleared: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    @property
    def place(self) -> tuple[str, Value, Value]:
        """What a second planting of the same fault replaces: that on one release, one path of one server, one `what` of one operation."""
        if self.kind.name == "page":
            return (self.kind.name, self.settings["what"], self.settings["release"])
        return (
            self.kind.name,
            self.settings.get("release", self.settings.get("path", self.settings.get("what", ""))),
            self.settings.get("server", self.settings.get("operation", "")),
        )

    @property
    def inside(self) -> dict[str, Value]:
        """What the process of a release is told: the settings, and the flag behind which it hides."""
        told = {key: value for key, value in self.settings.items() if key != "release"}
        return told | ({"flag": self.kind.flag} if self.kind.flag else {})

    def described(self) -> dict[str, Any]:
        """For the control API."""
        return {"name": self.kind.name, "planted_s": self.planted_s, **self.settings}


class PlantedFaults:
    """The faults that are active now, the oldest first."""

    def __init__(self) -> None:
        self._active: dict[tuple[str, Value, Value], Fault] = {}

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._active.values()))

    def add(self, fault: Fault) -> None:
        """Note a fault as planted; one at the same place is replaced."""
        replaced = self._active.pop(fault.place, None)
        if replaced is not None:
            replaced.cleared.set()
        self._active[fault.place] = fault

    def remove(self, fault: Fault) -> None:
        """Note a fault as gone."""
        self._active.pop(fault.place, None)
        fault.cleared.set()

    def named(self, name: str) -> tuple[Fault, ...]:
        """Every planted fault called `name`."""
        return tuple(fault for fault in self._active.values() if fault.kind.name == name)

    def newest(self, name: str, what: str = "") -> Fault | None:
        """The one called `name` that was planted last, with this setting `what` where it is given."""
        planted = (fault for fault in reversed(self.named(name)) if not what or fault.settings["what"] == what)
        return next(planted, None)
