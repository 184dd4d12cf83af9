"""The faults that are planted now, and how one is read from what somebody asks for."""

import asyncio
import difflib
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pam_rollback.sandbox.fault_catalogue import CATALOGUE
from pam_rollback.sandbox.fault_kinds import FaultKind, Parameter, Value
from pam_rollback.sandbox.problems import SandboxError

SURPRISE = "surprise"
SURPRISES: tuple[tuple[str, Mapping[str, Value]], ...] = (
    ("errors", {"share": 0.6}),
    ("code-errors", {"share": 0.4}),
    ("release-down", {"how": "killed"}),
    ("release-down", {"how": "hung"}),
    ("site-missing", {}),
    ("error-page-served", {"release": "candidate"}),
)
"""What can go wrong unannounced: a decision answers each with a rollback, on both products, and the earlier release has none of it."""


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


def read_fault(name: str, given: Mapping[str, object]) -> Fault:
    """The fault `name` with `given` parameters and defaults for the others.

    Raises SandboxError that names every problem with the nearest valid spelling.
    """
    kind = CATALOGUE.get(name)
    if kind is None:
        raise SandboxError(
            f"fault {name!r}", expected="a name of the catalogue", found="none such" + _nearest(name, CATALOGUE)
        )
    known = {parameter.name: parameter for parameter in kind.parameters}
    problems = [f"{key!r} is no parameter{_nearest(key, known)}" for key in given if key not in known]
    settings: dict[str, Value] = {}
    for parameter in kind.parameters:
        value = given.get(parameter.name, parameter.default)
        accepted = _accepted(parameter, value)
        if accepted is None:
            problems.append(f"{parameter.name} is {value!r}")
        else:
            settings[parameter.name] = accepted
    if problems:
        raise SandboxError(f"fault {name}", expected=_expectation(kind), found="; ".join(problems))
    return Fault(kind=kind, settings=settings, planted_s=time.monotonic())


def fault_to_begin_with(name: str) -> Fault:
    """The fault with which a sandbox starts, by its name; ``surprise`` is one by chance. Raises SandboxError."""
    if name == SURPRISE:
        return read_fault(*secrets.choice(SURPRISES))
    if name not in CATALOGUE:
        found = "none such" + _nearest(name, [SURPRISE, *CATALOGUE])
        raise SandboxError(f"fault {name!r}", expected=f"{SURPRISE!r} or a name of the catalogue", found=found)
    return read_fault(name, {})


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


def _accepted(parameter: Parameter, value: object) -> Value | None:
    if parameter.is_number:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and parameter.low <= value <= parameter.high else None  # type: ignore[arg-type,operator]
    if not isinstance(value, str) or not value:
        return None
    if parameter.choices and value not in parameter.choices:
        return None
    return None if parameter.name == "path" and not value.startswith("/") else value


def _expectation(kind: FaultKind) -> str:
    if not kind.parameters:
        return "no parameters"
    return ", ".join(
        f"{parameter.name} ({parameter.low:g} to {parameter.high:g})"
        if parameter.is_number
        else f"{parameter.name} ({'|'.join(parameter.choices) or 'text'})"
        for parameter in kind.parameters
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, [*known], n=1)
    return f", did you mean {near[0]!r}?" if near else ""
