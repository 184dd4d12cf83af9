"""A decision is a session of its own. What it comes to is told in ``deciding``, which only such a session loads."""

import pytest

from pam_rollback.plan.plan import Plan
from pam_rollback.session import markers
from pam_rollback.session import runbook as runbook_module


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
