"""A row of the decision's matrix: what a fault makes of every criterion, and what is recommended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.fault_rows.row import Row

DECISION, EXPOSURE, JOURNEYS, ACCESSIBILITY = (
    ("checks/test_decision.py",),
    ("checks/test_exposure.py", "checks/test_routes.py"),
    ("checks/test_journeys.py",),
    ("checks/test_accessibility.py",),
)
JUDGED_BY: Mapping[tuple[str, ...], frozenset[str]] = {
    DECISION: frozenset({"IR-2", "IR-3", "IR-4", "IR-5", "IR-6", "CR-5"}),
    EXPOSURE[:1]: frozenset({"IR-1", "CR-1"}),
    EXPOSURE[1:]: frozenset({"IR-1"}),
    JOURNEYS: frozenset({"CR-2", "CR-3"}),
    ACCESSIBILITY: frozenset({"CR-4"}),
}
"""Which criteria a file judges."""
_WAITS: Mapping[tuple[str, ...], str] = {
    EXPOSURE: "",
    DECISION: "windows of users' answers",
    JOURNEYS: "browser, journeys",
    ACCESSIBILITY: "browser, accessibility",
}
HOLDS, CONSIDER, WATCH, UNKNOWN, CLEAR = (
    "holds",
    "between the criteria: consider",
    "between the criteria: watch",
    "not known",
    "does not hold",
)
NOW, THINK, LOOK_AGAIN, NOT_KNOWN = "ROLL BACK NOW", "CONSIDER A ROLLBACK", "WATCH", "NOT KNOWN"


@dataclass(frozen=True)
class DecisionRow(Row):
    """The session is one of ``-m decision``, narrowed to files; a person answers for what the other files would judge."""

    states: Mapping[str, str] = field(default_factory=dict)
    """What is known of the criteria that the fault touches; every other one does not hold."""
    strategy: str = ""
    """With which strategy to begin; empty when none is recommended."""
    speed: bool = False
    """Whether the sandbox is as slow as when its baseline was taken. Else it is far faster, and a busy machine cannot make it slower."""
    pace: float = 60
    onset_s: float = 0
    """How long after the watch began the fault is planted; 0: before the session."""
    lasts_s: float = 0
    """How long the fault stays; 0: to the end."""

    @property
    def waits_for(self) -> str:
        """What makes the row's session long: a window of users' answers, a browser. Empty: nothing does."""
        return _WAITS[self.files]

    @property
    def answered(self) -> frozenset[str]:
        """The criteria that no selected test judges."""
        every = frozenset().union(*JUDGED_BY.values())
        judged: frozenset[str] = frozenset().union(*(JUDGED_BY[(file,)] for file in self.files))
        return (every - judged) | self.vouched

    vouched: frozenset[str] = frozenset()
    """Criteria that a person answers for although a file would judge them: what the row's setting does not declare."""
