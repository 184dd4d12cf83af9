"""Records of decision sessions that are written out, and sessions that only have one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.decision.rules.decision import State
from pam_rollback.report.decision_record import CriterionFound, DecisionRecord
from pam_rollback.report.run_record import EnvironmentFacts, Moment, Result, RunRecord
from pam_rollback.report.verdict import Outcome
from pam_rollback.watch.rules.looks import BESIDE

OUTCOMES = {State.HOLDS: Outcome.BROKEN_CRITERION, State.UNKNOWN: Outcome.UNKNOWN}
"""What became of a test that found this; else it passed."""


def record(
    states: Mapping[str, State] = {}, *, left_out: Sequence[str] = (), in_part: Sequence[str] = (), **more: Any
) -> RunRecord:
    """All is clear, apart from ``states``. ``left_out``: the environment declares nothing for it; ``in_part``: not all that it takes."""
    criteria, results = [], []
    for name in ("IR-2", *BESIDE):
        out = name in left_out or name == "IR-2"
        state = State.UNKNOWN if out or name in in_part else states.get(name, State.CLEAR)
        words = f"nothing declares {name}" if out or name in in_part else f"{name} as written"
        criteria.append(CriterionFound(name, name, "consider", state.value, words, "measured", "docs/runbook.md"))
        if not out:
            outcome = Outcome.PASSED if name in in_part else OUTCOMES.get(state, Outcome.PASSED)
            results.append(Result(f"checks/test_x.py::test_{name}", name, outcome, criteria=(name,)))
    moment = Moment("2026-11-28T12:00:00+00:00", 0.0)
    facts: dict[str, Any] = {"verdict": "INCONCLUSIVE", "exit_code": 11} | more
    return RunRecord(
        run_id="decision",
        started=moment,
        finished=moment,
        environment=EnvironmentFacts("e", "e.example", "staging"),
        release=None,
        releases_seen=(),
        mode="drill",
        pace=1,
        situations=("as-is",),
        command_line=(),
        results=tuple(results),
        decision=DecisionRecord("NOT KNOWN", tuple(criteria), (), (), "pytest"),
        **facts,
    )


@dataclass
class Written:
    """A session that ended at once with this."""

    folder: Path
    found: "RunRecord | str"
    """Or why there is no record."""
    ended: list[str] = field(default_factory=list)
    """What became of it."""

    @property
    def is_over(self) -> bool:
        """It has ended."""
        return True

    @property
    def record(self) -> RunRecord:
        """What it found."""
        if isinstance(self.found, str):
            raise MeasurementFailed(self.found)
        return self.found

    def stop(self) -> None:
        """End it."""
        self.ended.append("stopped")

    def forget(self) -> None:
        """Remove it."""
        self.ended.append("forgotten")


@dataclass
class Timed(Written):
    """One that takes its time."""

    over_at_s: float = 0.0
    now_s: Callable[[], float] = float

    @property
    def is_over(self) -> bool:
        """Its time has passed."""
        return self.now_s() >= self.over_at_s
