"""What a rollback would do, and notes; how its changes are put back; what is said of it while it goes on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pam_rollback.core.configuration import ConfigurationError, Problem
from pam_rollback.core.run_files import SETTINGS_FILE
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.baseline_files import BaselinePart
from pam_rollback.plugin.progress import progress_of
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.rollback.provider_access import PROVIDERS
from pam_rollback.target.environment import Environment
from pam_rollback.target.flag_service import SERVICES
from pam_rollback.target.served_release import ExpectedReleases

if TYPE_CHECKING:
    from pam_rollback.core.question import Call
    from pam_rollback.report.run_record import ActionStep
    from pam_rollback.rollback.undoing import UndoKinds

_LAST_PUT_BACK = {"planted_incident", "resumed_incident", "no_incident"}
"""The fixtures of which one is the last of a drill that is put back."""


@pytest.hookimpl(tryfirst=True)
def pytest_pam_preflight(environment: Environment, plan: Plan, to: ExpectedReleases) -> "list[Call]":
    """What each strategy stands on."""
    from pam_rollback.rollback.preflight_questions import calls  # noqa: PLC0415 - loads every client

    return calls(environment, plan, to)


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """By what releases of the back end are told apart, and flags and settings as they were."""
    given_by = "what gives them: flag_evaluation, test_account"
    return [
        BaselinePart(
            "what tells releases apart",
            "marks_recorded",
            "[[marks]] in the product's contract",
            ("backend_host",),
            quick=True,
        ),
        BaselinePart("flags and settings", "settings_recorded", given_by, quick=True, file=SETTINGS_FILE),
    ]


def pytest_pam_begins(environment: Environment) -> None:
    """Whoever answers for a site there, or switches flags, has to be known."""
    sites = {"[frontend_host] provider": environment.frontend_host, "[backend_host] provider": environment.backend_host}
    for key, named in sites.items():
        if named is not None and named.provider not in PROVIDERS:
            raise _unknown(environment, key, named.provider, "pam_rollback.rollback.provider_access.PROVIDERS")
    if environment.flag_service and environment.flag_service not in SERVICES:
        raise _unknown(
            environment, "flag_service", environment.flag_service, "pam_rollback.target.flag_service.SERVICES"
        )


def _unknown(environment: Environment, key: str, name: str, where: str) -> pytest.UsageError:
    what = f"nobody knows {name!r}: a conftest.py adds it to {where}"
    return pytest.UsageError(str(ConfigurationError(f"environment {environment.name}", [Problem(key, what)])))


def pytest_pam_undo_kinds() -> "UndoKinds":
    """Those of the strategies, and of a planted incident."""
    from pam_rollback.rollback.undo_kinds import UNDO_KINDS  # noqa: PLC0415 - loads every strategy

    return UNDO_KINDS


@pytest.hookimpl(tryfirst=True)
def pytest_pam_planned(plan: Plan, environment: Environment, stories: Sequence[str]) -> "list[ActionStep]":
    """The steps of its stories, before whatever else it would do."""
    from pam_rollback.rollback.step_list import planned_steps  # noqa: PLC0415 - loads every strategy

    return list(planned_steps(plan, stories, environment))


@pytest.hookimpl(tryfirst=True)
def pytest_pam_notes(runbook: Runbook) -> list[str]:
    """What limits what a drill shows: that nothing was planted, or that something was before it began."""
    journal = runbook.journal
    entries = journal.entries()
    if not entries:
        return []
    from pam_rollback.plan.stories import NOT_JUDGED  # noqa: PLC0415 - the same
    from pam_rollback.rollback.sandbox_proof import PLANTED_BEFORE  # noqa: PLC0415 - for sessions with a story

    limits = [f"{NOT_JUDGED}: nothing was planted here"] if runbook.undamaged and journal.action_began else []
    return [
        *limits,
        *(
            f"planted in the sandbox before {entry.get('situation', 'the drill')} began: {', '.join(map(str, entry['faults']))}"
            for entry in entries
            if entry["event"] == PLANTED_BEFORE
        ),
    ]


def pytest_fixture_post_finalizer(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """A drill has put back what it changed."""
    runbook = runbook_module.of(request.config)
    if runbook is None or fixturedef.argname not in _LAST_PUT_BACK or runbook.options.real:
        return
    if runbook.journal.action_began and not runbook.journal.owed():
        progress_of(request.config, runbook).phase("undo", "everything is as it was before the drill")
