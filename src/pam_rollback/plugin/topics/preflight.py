"""Preflight: every question of every topic, with its own: the clock of this machine, and an account that can verify a rollback."""

import json
from collections.abc import Mapping
from dataclasses import asdict

import pytest

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.question import Call, Question, State, one
from pam_rollback.decision.asked import Preflight
from pam_rollback.decision.ways import Readiness
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.markers import is_gate
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.report.record_parts import PREFLIGHT_FILE, PreflightFound, StrategyReadiness
from pam_rollback.target.environment import Environment
from pam_rollback.target.offline import refuse_when_offline
from pam_rollback.target.served_release import ExpectedReleases


@pytest.fixture(scope="session")
@titled("Every strategy's questions are asked")
def readiness(
    environment: Environment, plan: Plan, runbook: Runbook, pytestconfig: pytest.Config
) -> Mapping[str, Readiness]:
    """By strategy, by what several stand on, and by what no rollback brings back. Raises MeasurementFailed when we are offline."""
    # In the gate --to names what is to be deployed, not what a rollback goes back to.
    to = ExpectedReleases() if is_gate(pytestconfig) else runbook.options.to
    found = pytestconfig.hook.pytest_pam_preflight(environment=environment, plan=plan, to=to)
    preflight = Preflight(environment, plan, [call for calls in found for call in calls])
    answers = preflight.answers(observed=runbook.options.observed)
    if not any(answer.state is State.YES for answer in answers):
        refuse_when_offline(environment, "nothing that a rollback needs can be reached")
    by_name = preflight.readiness(answers, acked=runbook.options.ack)
    strategies = tuple(StrategyReadiness(name, one.state, one.words) for name, one in by_name.items())
    record = asdict(PreflightFound(strategies, preflight.standing(answers)))
    text = runbook.secrets.redact(json.dumps(record, indent=2, ensure_ascii=False))
    (runbook.folder / PREFLIGHT_FILE).write_text(f"{text}\n", encoding="utf-8")
    return by_name


_VERIFICATION = "verification"


_TIMED = ("feature-flag", "gradual", "full-system", "emergency", _VERIFICATION)


def pytest_pam_preflight(environment: Environment) -> "list[Call]":
    """Whether it is the same time there, and the test account can sign in."""
    from pam_rollback.core.question import Call  # noqa: PLC0415 - for the phases that ask
    from pam_rollback.http.client import same_time  # noqa: PLC0415 - the same

    clock = Question("this machine and the API agree on the time", _TIMED, of_the_api=True)
    account = Question("the test account can sign in", (_VERIFICATION,), "test_account", of_the_api=True)
    url, deadline_s = environment.health_url("backend"), environment.probing.request_deadline_s
    return [
        Call((clock,), lambda: [same_time(clock.text, url, deadline_s=deadline_s)]),
        one(account, lambda: _signed_in(environment)),
    ]


def _signed_in(environment: Environment) -> str:
    """Sign in as the test account. Raises ActionFailed when it cannot, and SignInLimited when that is not known."""
    from pam_rollback.target.accounts import signed_in  # noqa: PLC0415 - as above
    from pam_rollback.target.pam_api import SignInLimited  # noqa: PLC0415 - as above

    try:
        signed_in(environment)
    except SignInLimited:
        raise
    except MeasurementFailed as error:
        raise ActionFailed(str(error)) from None
    return ""
