"""The end of a session of the phase ``decision``: what is recommended decides."""

import shlex
from collections.abc import Iterable

import pytest

from pam_rollback.plan.plan import Plan
from pam_rollback.report.record_parts import DecisionRecord
from pam_rollback.report.verdict import Cause, ExitCode, Outcome, causes_of_outcomes
from pam_rollback.session import markers
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.runbook import Runbook
from pam_rollback.session.seen import Seen


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a decision that is mixed with anything else: neither would then say what the session's end says."""
    if runbook_module.of(config) is None or not is_decision(config):
        return
    others = [item.nodeid for item in items if item.get_closest_marker("decision") is None]
    if others:
        raise pytest.UsageError(
            f"-m {config.option.markexpr!r}: a decision is a session of its own, and {len(others)} of the tests are not part of it "
            f"(first: {others[0]}); expected -m decision, alone or narrowed with `and`"
        )


def is_decision(config: pytest.Config) -> bool:
    """Whether ``-m`` asks for the decision."""
    return "decision" in markers.named_in(config.option.markexpr)


def criteria_of(plan: Plan) -> set[str]:
    """The ids of both lists."""
    return {*plan.immediate_criteria, *plan.consider_criteria}


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
