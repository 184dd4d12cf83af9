"""What is left out and why, and whether what remains is complete enough for a GO."""

from dataclasses import dataclass, field

import pytest

from pam_rollback.core.configuration import suggestion
from pam_rollback.core.plan import Plan
from pam_rollback.plugin import markers
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.runbook import Runbook

NEEDED_ABILITIES = {
    "page": ("browser",),
    "context": ("browser",),
    "site": ("browser", "test_account"),
    "team_notice": ("slack",),
    "users_after": ("flag_evaluation",),
    "account": ("test_account",),
    "surviving_writes": ("test_account",),
}
"""Which declared abilities a fixture stands on. An environment that does not declare it has the test left out, and named."""


@dataclass
class LeftOut:
    """Tests that were deselected by rule, each with the reason, and why the rest is not complete."""

    tests: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)


KEY = pytest.StashKey[LeftOut]()

_ALLURE_SELECTIONS = (
    "allure_epics",
    "allure_features",
    "allure_stories",
    "allure_ids",
    "allure_severities",
    "allure_labels",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the criterion ids, then leave out what this mode or environment rules out."""
    runbook = runbook_module.of(config)
    if runbook is None:
        return
    _refuse_unknown_criteria(runbook.plan, items)
    left_out = LeftOut(partial=partial_by_options(config))
    config.stash[KEY] = left_out
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        reason = _why_not(item, runbook)
        if reason:
            left_out.tests.append((item.nodeid, reason, markers.criterion_ids(item)))
            dropped.append(item)
        else:
            kept.append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Name what was left out before anything runs."""
    left_out = config.stash.get(KEY, LeftOut())
    by_reason: dict[str, list[str]] = {}
    for nodeid, reason, _ in left_out.tests:
        by_reason.setdefault(reason, []).append(nodeid.rpartition("::")[2])
    return [f"{reason}: {', '.join(names)}" for reason, names in by_reason.items()]


def _refuse_unknown_criteria(plan: Plan, items: list[pytest.Item]) -> None:
    known = plan.ids()
    problems = [
        f"{item.nodeid}: criterion {identifier!r} is not an item of plan.toml, {suggestion(identifier, known)}"
        for item in items
        for identifier in markers.criterion_ids(item)
        if identifier not in known
    ]
    if problems:
        raise pytest.UsageError("\n".join(problems))


def _why_not(item: pytest.Item, runbook: Runbook) -> str:
    environment = runbook.environment
    if runbook.options.real and item.get_closest_marker("drill"):
        return "not part of a real rollback"
    needed = {ability for name in getattr(item, "fixturenames", ()) for ability in NEEDED_ABILITIES.get(name, ())}
    missing = sorted(needed - set(environment.abilities))
    if missing:
        return f"{environment.name} declares no {', '.join(missing)}"
    if (
        environment.kind == "production"
        and item.get_closest_marker("writes")
        and "test_account" not in environment.abilities
    ):
        return f"{environment.name} declares no test_account to write as"
    return ""


def partial_by_options(config: pytest.Config) -> list[str]:
    """Every option that leaves tests out without a rule of the suite."""
    option = config.option
    found = []
    if option.keyword:
        found.append(f"-k {option.keyword}")
    if getattr(option, "lf", False):
        found.append("--last-failed")
    if option.deselect:
        found.append("--deselect")
    if option.ignore or option.ignore_glob:
        found.append("--ignore")
    if any(getattr(option, name, None) for name in _ALLURE_SELECTIONS):
        found.append("a selection by Allure's labels")
    if any("::" in arg for arg in config.args):
        found.append("single tests by node id")
    if getattr(option, "stepwise", False):
        found.append("--stepwise")
    return found
