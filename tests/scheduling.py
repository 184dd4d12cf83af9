"""How the suite's own tests are spread over workers: what takes longest begins first, what measures keeps room."""

import os
from collections.abc import Collection
from typing import Any

from xdist.scheduler import LoadScopeScheduling

_WHOLE = bool(os.environ.get("PAM_WHOLE_MATRIX"))
LOAD = "tests/load/test_load_gate.py"
"""In the whole matrix its tests judge how fast answers come: beside them runs what mostly waits, and no browser."""
MEASURING = (
    "tests/load/",
    "tests/test_faults_together.py",
    "tests/test_no_false_alarms.py",
    "tests/test_browser_checks_catch_faults.py",
    *(("tests/test_checks_catch_faults.py",) if _WHOLE else ()),  # the rows of every commit wait for nothing
    "tests/test_decision_matrix.py",
    "tests/ramp/",
    "tests/gate/",
    "tests/rollback/strategies/test_whole_sessions.py",
    "tests/plugin/",
    "tests/baseline/test_baseline.py",
    "tests/browser/test_accessibility.py",
    "tests/browser/test_journeys.py",
    "tests/notify/test_checklist.py",
    "tests/notify/test_communication.py",
    "tests/decision/test_decision.py",
    "tests/access/test_exposure.py",
    "tests/database/test_integrity.py",
    "tests/decision/test_preflight.py",
    "tests/target/test_flag_service.py",
    "tests/records/test_performance.py",
    "tests/rollback/test_deployed.py",
    "tests/alerts/test_sessions.py",
    "tests/postmortem/test_sessions.py",
    "tests/probe/",
)
"""What measures times: ``at_once`` of them, while other workers take what mostly waits. Also the order to begin in."""
LONG = (
    "tests/browser/test_busy_machine.py",
    "tests/watch/test_sessions.py",
    "tests/test_todays_checks_catch_faults.py",
    "tests/test_checks_catch_faults.py",
    "tests/state/",
    "tests/report/test_html_report.py",
    "tests/test_forked.py",
    "tests/connect/",
    "tests/notify/test_tracker_hooks.py",
    "tests/notify/test_tracker_service.py",
    "tests/notify/test_tracker_sessions.py",
    "tests/rollback/strategies/test_by_pull_request.py",
    "tests/rollback/client/",
)
"""What takes long although it has few tests: begun late, it would be what all others have ended before."""
SPREAD = {
    "tests/test_faults_together.py": 1,
    "tests/test_no_false_alarms.py": 1,
    "tests/test_browser_checks_catch_faults.py": 6,
    "tests/test_checks_catch_faults.py": 14,
    "tests/test_decision_matrix.py": 4,
    "tests/plugin/test_consent.py": 10,
}
"""Files that would keep one worker busy to the end, and how many of their tests go to a worker at a time."""


def rank(unit: str, tests: int) -> tuple[int, int, str]:
    """Where a unit of work stands in the order: the smallest begins first."""
    early = (*MEASURING, *LONG)
    first = next((place for place, path in enumerate(early) if unit.startswith(path)), len(early))
    return (first, -tests, unit)


BROWSERS = (
    "tests/test_faults_together.py",
    "tests/test_no_false_alarms.py",
    "tests/test_browser_checks_catch_faults.py",
    "tests/browser/",
)
"""What drives browsers in the whole matrix for as long as it runs: each weighs as much as three that wait."""


def at_once(cores: int) -> int:
    """How many may measure at the same time: each waits most of its time, and the prober goes before everything else.

    In the whole matrix two that drive browsers leave room for two that wait: of two alone the cores were idle half the time.
    """
    return 2 * cores + 4 if _WHOLE else cores + 1


def weight(unit: str, cores: int) -> int:
    """As how many a unit counts there."""
    if not unit.startswith(MEASURING):
        return 0
    if not _WHOLE:
        return 1
    return at_once(cores) - 2 if unit.startswith(LOAD) else 3 if unit.startswith(BROWSERS) else 1


def next_unit(waiting: Collection[tuple[str, int]], measuring_elsewhere: int, cores: int) -> str | None:
    """The unit that a worker takes next; None when what is left is not for now. Each unit is given with its number of tests."""
    allowed = [
        (rank(unit, tests), unit)
        for unit, tests in waiting
        if not (heavy := weight(unit, cores)) or measuring_elsewhere + heavy <= at_once(cores)
    ]
    return min(allowed)[1] if allowed else None


class LongestFirst(LoadScopeScheduling):  # type: ignore[misc]
    """A file stays on one worker, but for those of ``SPREAD``."""

    def __init__(self, config: Any, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)
        self._units: dict[str, str] = {}
        self._seen: dict[str, int] = {}
        self._cores = os.cpu_count() or 1

    def _split_scope(self, nodeid: str) -> str:
        if nodeid not in self._units:  # asked of all in their order first
            path = nodeid.split("::", 1)[0]
            number = self._seen[path] = self._seen.get(path, -1) + 1
            at_a_time = SPREAD.get(path)
            self._units[nodeid] = f"{path} {number // at_a_time}" if at_a_time else path
        return self._units[nodeid]

    def _assign_work_unit(self, node: Any) -> None:
        others = [work for other, work in self.assigned_work.items() if other is not node]
        measuring = sum(
            max((weight(unit, self._cores) for unit, tests in work.items() if self._left(tests)), default=0)
            for work in others
        )
        waiting = [(unit, len(tests)) for unit, tests in self.workqueue.items()]
        unit = next_unit(waiting, measuring, self._cores)
        if unit is None:
            staying = next((one for one in self.nodes if not one.shutting_down), None)
            if node is not staying:
                node.shutdown()  # it runs what it still has, and ends
                return
            if others or not self.workqueue:
                return  # what is left begins when the others have ended
            unit = next(iter(self.workqueue))
        self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)

    @staticmethod
    def _left(tests: dict[str, bool]) -> bool:
        return not all(tests.values())

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """What ends on one worker may be what another one waits for."""
        super().mark_test_complete(node, item_index, duration)
        self._offer()

    def remove_node(self, node: Any) -> str | None:
        """Of what was too much beside that one, something begins."""
        crashed: str | None = super().remove_node(node)
        self._offer()
        return crashed

    def _offer(self) -> None:
        for node in self.nodes:
            if node in self.registered_collections:
                self._reschedule(node)
