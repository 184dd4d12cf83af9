"""The end of a session of the phase ``decision``: what is recommended decides."""

import shlex
from collections.abc import Iterable

from pam_rollback.plan.plan import Plan
from pam_rollback.report.decision_record import DecisionRecord
from pam_rollback.report.verdict import Cause, ExitCode, Outcome, causes_of_outcomes
from pam_rollback.session.decision_alone import criteria_of
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.seen import Seen


def causes(plan: Plan, decision: DecisionRecord, tests: Iterable[Seen]) -> list[Cause]:
    """What decides: the recommendation for all that serves a decision criterion; of everything else, what it is by itself."""
    criteria = criteria_of(plan)
    deciding = [test for test in tests if not test.properties.get("advisory")]
    others = [
        test.outcome
        for test in deciding
        if not criteria.intersection(test.criteria)
        or test.outcome in {Outcome.ACTION_FAILED, Outcome.UNDO_FAILED, Outcome.REFUSED}
    ]
    passed = [Outcome.PASSED] if any(Outcome.PASSED in test.outcomes for test in deciding) else []
    found = causes_of_outcomes([*others, *passed])
    if decision.exit_code is not ExitCode.GO:
        found.insert(0, Cause(decision.exit_code, reason(decision)))
    return found


def reason(decision: DecisionRecord) -> str:
    """The recommendation and what it rests on, as a cause. The verdict line says it by itself."""
    ids = ", ".join(decision.why)
    return f"{decision.recommendation}: {ids}" if ids else decision.recommendation


def answer_with(runbook: Runbook) -> str:
    """The session once more, with the answers that it has already."""
    options = runbook.options
    words = ["pytest", "-m", "decision", "--env", options.env]
    if options.baseline is not None:
        words += ["--baseline", str(options.baseline)]
    for name, answers in (("--observed", options.observed), ("--ack", options.ack)):
        for answer in answers:
            words += [name, answer]
    return runbook.secrets.redact(shlex.join(words))
