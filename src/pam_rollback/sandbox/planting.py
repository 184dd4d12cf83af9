"""Puts a fault where it works: into a release, a process, the database, the repository, or just into the list that the edge looks at."""

import asyncio
from collections.abc import Mapping

from pam_rollback.sandbox import data_damage
from pam_rollback.sandbox.fault_catalogue import CATALOGUE
from pam_rollback.sandbox.faults import Fault, PlantedFaults, read_fault
from pam_rollback.sandbox.fleet import Fleet
from pam_rollback.sandbox.practice_database import Access, PracticeDatabase
from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.repository import Repository


class Planter:
    """Plants and clears faults, one at a time."""

    def __init__(
        self,
        faults: PlantedFaults,
        fleet: Fleet,
        database: PracticeDatabase,
        access: Access,
        repository: Repository,
    ) -> None:
        self._faults = faults
        self._fleet = fleet
        self._database = database
        self._access = access
        self._repository = repository
        self._one_at_a_time = asyncio.Lock()

    async def plant(self, name: str, parameters: Mapping[str, object]) -> Fault:
        """Plant a fault; one at the same place is replaced. Raises SandboxError, and nothing is planted, when it cannot be."""
        fault = read_fault(name, parameters)
        async with self._one_at_a_time:
            for planted in self._faults:
                if planted.place != fault.place:
                    continue
                if fault.kind.layer == "data":
                    return planted  # it stays: damages that were planted on top of it are healed before it
                if fault.kind.layer in {"process", "database"}:
                    await self._take_away(planted)
            await self._put(fault)
            self._faults.add(fault)
        return fault

    async def clear(self, name: str) -> int:
        """Take every fault of that name away; gives how many there were. Raises SandboxError for a name that is none."""
        if name not in CATALOGUE:
            raise SandboxError(f"fault {name!r}", expected=f"one of {', '.join(CATALOGUE)}", found="none such")
        async with self._one_at_a_time:
            planted = self._faults.named(name)
            for fault in reversed(planted):
                await self._take_away(fault)
        return len(planted)

    async def clear_all(self) -> int:
        """Take all faults away."""
        async with self._one_at_a_time:
            planted = list(self._faults)
            for fault in reversed(planted):
                await self._take_away(fault)
        return len(planted)

    async def _put(self, fault: Fault) -> None:
        settings = fault.settings
        match fault.kind.layer:
            case "release":
                await self._fleet.plant(str(settings["release"]), fault.kind.name, fault.inside)
            case "process":
                await self._fleet.take_down(str(settings["release"]), str(settings["how"]))
            case "database":
                await self._database.take_down()
            case "data":
                await asyncio.to_thread(data_damage.plant, self._access, str(settings["what"]))
            case "repository":
                self._repository.break_down(str(settings["what"]))
            case "edge" | "answers" | "page" | "notifications" | "provider":
                pass  # whoever answers looks at the list

    async def _take_away(self, fault: Fault) -> None:
        settings = fault.settings
        match fault.kind.layer:
            case "release":
                await self._fleet.clear(str(settings["release"]), fault.kind.name)
            case "process":
                await self._fleet.bring_up(str(settings["release"]))
            case "database":
                await self._database.bring_up()
            case "data":
                await asyncio.to_thread(data_damage.heal, self._access, str(settings["what"]))
            case "repository":
                self._repository.mend(str(settings["what"]))
            case "edge" | "answers" | "page" | "notifications" | "provider":
                pass
        self._faults.remove(fault)
