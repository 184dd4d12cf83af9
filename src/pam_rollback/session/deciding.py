"""The end of a session of the phase ``decision``: from what its tests found, and what people say, to the recommendation at its end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.decision.rules.decision import Decision, Evidence, Finding, Recommendation, State, decide
from pam_rollback.plan.plan import Plan
from pam_rollback.report.verdict import Cause, ExitCode, Outcome, causes_of_outcomes
from pam_rollback.session.browser_gate import is_of_another_browser
from pam_rollback.session.decision_alone import criteria_of
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.seen import Seen
from pam_rollback.session.selection import LeftOut

FINDING = "pam-finding"
_SHOWN = 3


def told(finding: Finding) -> dict[str, str]:
    """The finding as a property of a report: plain text, which travels between processes."""
    return {"state": finding.state.value, "words": finding.words}


def decided(runbook: Runbook, tests: Sequence[Seen], left_out: LeftOut, *, partial: Sequence[str]) -> Decision:
    """The recommendation. A selection that is not whole never says no."""
    found = decide(
        runbook.plan,
        [*_findings(runbook.plan, tests), *_not_asked(runbook.plan, left_out)],
        observed=_words_of_people(runbook.options.observed),
        vouched=_words_of_people(runbook.options.ack),
        constant_flags=runbook.environment.constant_flags,
    )
    if partial and found.recommendation is Recommendation.NO:
        return replace(found, recommendation=Recommendation.NOT_KNOWN)
    return found


def causes(plan: Plan, decision: Decision, tests: Iterable[Seen]) -> list[Cause]:
    """What decides: the recommendation for all that serves a decision criterion; of everything else, what it is by itself."""
    criteria = criteria_of(plan)
    deciding = [test for test in tests if not test.properties.get("advisory")]
    others = [
        test.outcome
        for test in deciding
        if not criteria.intersection(_ids(test))
        or test.outcome in {Outcome.ACTION_FAILED, Outcome.UNDO_FAILED, Outcome.REFUSED}
    ]
    passed = [Outcome.PASSED] if any(Outcome.PASSED in test.outcomes for test in deciding) else []
    found = causes_of_outcomes([*others, *passed])
    if decision.recommendation.exit_code is not ExitCode.GO:
        found.insert(0, Cause(decision.recommendation.exit_code, reason(decision)))
    return found


def reason(decision: Decision) -> str:
    """The recommendation and what it rests on, as a cause. The verdict line says it by itself."""
    ids = ", ".join(finding.criterion for finding in decision.why)
    return f"{decision.recommendation.value}: {ids}" if ids else decision.recommendation.value


def _findings(plan: Plan, tests: Sequence[Seen]) -> Iterable[Finding]:
    """One for each criterion and each thing that can be known of it: forty tests that passed are one sentence."""
    for criterion in (*plan.immediate_criteria, *plan.consider_criteria):
        own = [
            (test, _found(criterion, test))
            for test in tests
            if criterion in _ids(test) and not test.properties.get("advisory")
        ]
        for state in State:
            alike = [(test, finding) for test, finding in own if finding.state is state]
            if alike:
                yield Finding(criterion, state, _together(alike), alike[0][1].evidence)


def _found(criterion: str, test: Seen) -> Finding:
    own: Mapping[str, str] | None = test.properties.get(FINDING)
    outcome = test.outcome
    if outcome is Outcome.BROKEN_CRITERION:
        return Finding(criterion, State.HOLDS, own["words"] if own else test.message)
    if outcome is Outcome.PASSED:
        return Finding(criterion, State(own["state"]), own["words"]) if own else Finding(criterion, State.CLEAR, "")
    if outcome is Outcome.KNOWN:
        return Finding(criterion, State.CLEAR, test.message)
    why = test.message.removeprefix(f"{MeasurementFailed.__name__}: ")
    return Finding(criterion, State.UNKNOWN, why or "the session ended before it was reached", Evidence.NONE)


def _together(alike: Sequence[tuple[Seen, Finding]]) -> str:
    words = list(dict.fromkeys(finding.words for _, finding in alike if finding.words))
    silent = sum(not finding.words for _, finding in alike)
    more = [f"and {len(words) - _SHOWN} more"] if len(words) > _SHOWN else []
    passed = [f"{silent} test{'s' if silent > 1 else ''} passed"] if silent else []
    return "; ".join([*words[:_SHOWN], *more, *passed])


def _not_asked(plan: Plan, left_out: LeftOut) -> Iterable[Finding]:
    """What the environment's declarations ruled out is not known. A browser that is none of its own is nobody's question."""
    criteria = criteria_of(plan)
    for _, reason, ids in left_out.tests:
        if not is_of_another_browser(reason):
            for criterion in criteria.intersection(ids):
                yield Finding(criterion, State.UNKNOWN, reason, Evidence.NONE)


def _words_of_people(options: Iterable[str]) -> dict[str, str]:
    """By criterion; whoever says two things says both."""
    found: dict[str, str] = {}
    for text in options:
        criterion, _, words = text.partition("=")
        said = words.strip().strip('"')
        found[criterion] = f"{found[criterion]}; {said}" if criterion in found else said
    return found


def _ids(test: Seen) -> list[str]:
    properties: dict[str, Any] = test.properties
    return str(properties.get("criterion", "")).split()
