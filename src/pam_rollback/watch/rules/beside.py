"""What decision sessions beside the looks say: the criteria that take a database, browsers or test accounts to judge.

Nothing is judged here: the words and states are those of ``-m decision``.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.decision.rules.decision import Finding, State
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import ExitCode, Outcome
from pam_rollback.watch.rules.looks import BESIDE, IN_A_ROW, Streak, Streaks

SELECTED: Final = "decision and (security or integrity or journey or accessibility or writes)"
"""Their tests: without those that watch users' answers, which the looks do all the time."""
_DECIDED = frozenset({ExitCode.GO, ExitCode.NO_GO, ExitCode.INCONCLUSIVE})
_GOOD = frozenset({Outcome.PASSED, Outcome.KNOWN})


@dataclass(frozen=True)
class SessionFindings:
    """What one session told."""

    findings: tuple[Finding, ...]
    """Of the criteria that it judges here; what it could not find out is UNKNOWN."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Criteria about which it asks nothing here, by the environment's own word and so each time, and why."""
    in_part: Mapping[str, str] = field(default_factory=dict)
    """Criteria of which it cannot ask all here, and what is left out."""

    @property
    def asking(self) -> tuple[Finding, ...]:
        """What asks for a rollback, or for thoughts of one."""
        return tuple(one for one in self.findings if one.state in {State.HOLDS, State.CONSIDER})


def findings_of(record: RunRecord) -> SessionFindings:
    """Read its record. Raises MeasurementFailed for one that came to no decision: nobody takes that for "nothing to judge here"."""
    decision = record.decision
    if decision is None or record.exit_code not in _DECIDED or not record.results:
        why = "; ".join(record.reasons) or "it ran no test"
        raise MeasurementFailed(f"the decision session ended with {record.exit_code}, {record.verdict}: {why}")
    findings, left_out, in_part = list[Finding](), dict[str, str](), dict[str, str]()
    for found in decision.criteria:
        if found.id not in BESIDE:
            continue
        ran = [one.outcome for one in record.results if found.id in one.criteria and not one.advisory]
        state, words = State(found.state), found.words
        if not ran:
            left_out[found.id] = words
            continue
        if state is State.UNKNOWN and _GOOD.issuperset(ran):
            # All that was asked is good; a decision counts what the environment does not let it ask, and a watch names that.
            in_part[found.id] = words
            state, words = State.CLEAR, ""
        findings.append(Finding(found.id, state, words))
    return SessionFindings(tuple(findings), left_out, in_part)


def wants_another(streaks: Streaks, held: Collection[str]) -> bool:
    """Whether one more session at once could open an incident, or close the one that is open (``held``, its criteria)."""
    return any(_is_open(streaks.of.get(name, Streak()), held=name in held) for name in BESIDE)


def _is_open(streak: Streak, *, held: bool) -> bool:
    if streak.asks:
        return streak.asks < IN_A_ROW
    return streak.calm < IN_A_ROW and (held or streak.latest is not None)
