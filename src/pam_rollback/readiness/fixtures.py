"""Readiness as fixtures: each a finding that its test judges."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.base.clock import Clock
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.service_settings import Preparedness
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import ways_of
from pam_rollback.readiness import client, rules
from pam_rollback.readiness.rules import Document, Finding, RealRun, Shift
from pam_rollback.report.earlier_runs import DrillAges, last_drills
from pam_rollback.session.titles import titled

RUNBOOK = Path("docs", "runbook.md")


@pytest.fixture(scope="session")
def preparedness(environment: Environment) -> Preparedness:
    """What the environment says of its people; the usual figures where it says nothing."""
    return environment.readiness or Preparedness()


@pytest.fixture(scope="session")
def asked_at(clock: Clock) -> datetime:
    """Now, in UTC."""
    return clock.wall().astimezone(UTC)


@pytest.fixture(scope="session")
def drills_here(preparedness: Preparedness, plan: Plan, pytestconfig: pytest.Config) -> DrillAges:
    """When each strategy was drilled, in the environments that count here."""
    drills = last_drills(_out(pytestconfig), ways_of(plan), environments=preparedness.drilled_in)
    return DrillAges(drills, plan.about.review_after_d)


@pytest.fixture(scope="session")
def runbook_page(plan: Plan, asked_at: datetime, pytestconfig: pytest.Config) -> Finding:
    """Whether the runbook is whole and was reviewed."""
    return rules.runbook_kept(
        client.text_of(pytestconfig.rootpath / RUNBOOK),
        {item.id: item.anchor for item in plan.items()},
        reviewed_on=plan.about.reviewed_on,
        review_after_d=plan.about.review_after_d,
        today=asked_at.date(),
    )


@pytest.fixture(scope="session")
@titled("The calendars are asked who is on call")
def on_call(
    preparedness: Preparedness, environment: Environment, asked_at: datetime, pytestconfig: pytest.Config
) -> Finding:
    """Whether somebody is on call at any hour, by all calendars together."""
    until = asked_at + timedelta(days=preparedness.on_call_d)
    shifts: list[Shift] = []
    if preparedness.calendar:
        text = client.text_of(pytestconfig.rootpath / preparedness.calendar)
        shifts += client.of_calendar(text, since=asked_at, until=until, source=preparedness.calendar)
    if environment.has_secret("on_call_calendar"):
        text = client.fetched(environment.secret("on_call_calendar"), deadline_s=environment.probing.request_deadline_s)
        source = "the calendar of on_call_calendar_env"
        shifts += client.of_calendar(text, since=asked_at, until=until, source=source)
    return rules.covered(shifts, since=asked_at, until=until, absent=preparedness.absent)


@pytest.fixture(scope="session")
def real_rollbacks(environment: Environment, pytestconfig: pytest.Config) -> list[RealRun]:
    """Those on record."""
    return client.real_runs(_out(pytestconfig), environment.name)


@pytest.fixture(scope="session")
def postmortems_written(preparedness: Preparedness, pytestconfig: pytest.Config) -> list[Document]:
    """The team's folder."""
    return client.documents(pytestconfig.rootpath / preparedness.postmortems)


@pytest.fixture(scope="session")
def postmortems_kept(
    real_rollbacks: list[RealRun], postmortems_written: list[Document], preparedness: Preparedness, asked_at: datetime
) -> Finding:
    """Whether each real rollback has its post-mortem."""
    within = timedelta(days=preparedness.postmortem_within_d)
    return rules.finished(real_rollbacks, postmortems_written, now=asked_at, within=within)


@pytest.fixture(scope="session")
def causes_kept(
    real_rollbacks: list[RealRun], postmortems_written: list[Document], plan: Plan, asked_at: datetime
) -> Finding:
    """Whether the root cause of each was found in time."""
    within = timedelta(seconds=plan.recovery[rules.ROOT_CAUSE].max_s or 0.0)
    return rules.cause_found(real_rollbacks, postmortems_written, now=asked_at, within=within)


def _out(config: pytest.Config) -> Path:
    return config.rootpath / "reports" / "out"
