"""How pytest-xdist spreads the tests: a situation stays on one worker."""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

from pam_rollback.plan.stories import SITUATIONS

_INTEGRITY = "checks/integrity/"
_LOAD = "load/"
"""One load test at a time, and one for all who judge it."""
_PROBED = "checks/test_performance.py"
_BEGINS_WITH = 2
"""So many tests let a worker begin; or the word that there are no more."""
_TOGETHER = {
    "checks/test_success_criteria.py": _PROBED,
    "checks/test_servers_records.py": _PROBED,
    "checks/test_held_data.py": _PROBED,
    "checks/test_until_the_end.py": _PROBED,
    "checks/test_decision.py": _PROBED,
}
"""They share one prober: what the checks of performance saw is the beginning of the window, so that it waits for the rest only.

A product with limits is asked by one of them, however many workers there are.
"""


class BySituation(LoadScopeScheduling):  # type: ignore[misc]
    """All tests of an after-situation are one scope; as-is and baseline spread by file, in the order in which they would run alone."""

    def __init__(self, config: Any, log: Any = None) -> None:
        # Else the files with the most tests would go first, and health, which people wait for, last.
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def remove_node(self, node: Any) -> str | None:
        """What is left of a worker that died goes to the others; the test in which it died is over, and not begun again by the next one."""
        units = self.assigned_work.pop(node)
        left: list[tuple[dict[str, bool], str]] = [
            (unit, nodeid) for unit in units.values() for nodeid, done in unit.items() if not done
        ]
        if not left:
            return None
        unit, died_in = left[0]
        unit[died_in] = True
        self.workqueue.update({scope: unit for scope, unit in units.items() if not all(unit.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return died_in

    def _reschedule(self, node: Any) -> None:
        # Who replaces a worker that died is there before it has collected.
        if node not in self.registered_collections:
            return
        super()._reschedule(node)
        # A worker begins a test when it knows what comes after it: with one alone it would wait for good.
        while not node.shutting_down and self._pending_of(self.assigned_work[node]) < _BEGINS_WITH:
            super()._reschedule(node)

    def _assign_work_unit(self, node: Any) -> None:
        # After health, which is known in a second, whoever is free opens the window: all others work inside its time.
        if any(self.assigned_work.values()) and _PROBED in self.workqueue:
            self.workqueue.move_to_end(_PROBED, last=False)
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        # Wherever it stands among the parameters: a browser's name may come before it.
        parameters = f"-{nodeid.partition('[')[2].removesuffix(']')}-"
        found = [name for name in SITUATIONS if f"-{name}-" in parameters]
        path = nodeid.split("::", 1)[0]
        # The SQL checks share one snapshot, and their time frame is judged by who gave their verdicts.
        folder = next((folder for folder in (_INTEGRITY, _LOAD) if path.startswith(folder)), None)
        shared = folder or _TOGETHER.get(path, path)
        return max(found, key=len, default=shared)
