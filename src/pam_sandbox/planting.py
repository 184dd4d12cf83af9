"""Reads what somebody asks to be broken, and puts it where it works: into a release, a process, the database, the repository."""

import asyncio
import difflib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pam_sandbox import data_damage
from pam_sandbox.fault_catalogue import CATALOGUE
from pam_sandbox.faults import Fault, FaultKind, Parameter, PlantedFaults, Value
from pam_sandbox.practice_database import Access, PracticeDatabase
from pam_sandbox.problems import SandboxError
from pam_sandbox.releases import Fleet
from pam_sandbox.repository import Repository

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


@dataclass(frozen=True)
class Planter:
    """Plants and clears faults, one at a time."""

    faults: PlantedFaults
    fleet: Fleet
    database: PracticeDatabase
    access: Access
    repository: Repository
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def plant(self, name: str, parameters: Mapping[str, object]) -> Fault:
        """Plant a fault; one at the same place is replaced. Raises SandboxError, and nothing is planted, when it cannot be."""
        fault = read_fault(name, parameters)
        async with self._one_at_a_time:
            for planted in self.faults:
                if planted.place != fault.place:
                    continue
                if fault.kind.layer == "data":
                    return planted  # it stays: damages that were planted on top of it are healed before it
                if fault.kind.layer in {"process", "database"}:
                    await self._take_away(planted)
            await self._put(fault)
            self.faults.add(fault)
        return fault

    async def clear(self, name: str) -> int:
        """Take every fault of that name away; gives how many there were. Raises SandboxError for a name that is none."""
        if name not in CATALOGUE:
            raise SandboxError(f"fault {name!r}", expected=f"one of {', '.join(CATALOGUE)}", found="none such")
        return await self._clear(lambda fault: fault.kind.name == name)

    async def clear_all(self) -> int:
        """Take all faults away."""
        return await self._clear(lambda _: True)

    async def _clear(self, is_meant: Callable[[Fault], bool]) -> int:
        async with self._one_at_a_time:
            planted = [fault for fault in self.faults if is_meant(fault)]
            for fault in reversed(planted):
                await self._take_away(fault)
        return len(planted)

    async def _put(self, fault: Fault) -> None:
        what, release = (str(fault.settings.get(name)) for name in ("what", "release"))
        match fault.kind.layer:
            case "release":
                await self.fleet.plant(release, fault.kind.name, fault.inside)
            case "process":
                await self.fleet.take_down(release, str(fault.settings["how"]))
            case "database":
                await self.database.server.stop()
            case "data":
                await asyncio.to_thread(data_damage.plant, self.access, what)
            case "repository":
                self.repository.break_down(what)
            case _:
                pass  # whoever answers looks at the list

    async def _take_away(self, fault: Fault) -> None:
        what, release = (str(fault.settings.get(name)) for name in ("what", "release"))
        match fault.kind.layer:
            case "release":
                await self.fleet.clear(release, fault.kind.name)
            case "process":
                await self.fleet.bring_up(release)
            case "database":
                await self.database.server.start()
            case "data":
                await asyncio.to_thread(data_damage.heal, self.access, what)
            case "repository":
                self.repository.mend(what)
            case _:
                pass
        self.faults.remove(fault)


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
