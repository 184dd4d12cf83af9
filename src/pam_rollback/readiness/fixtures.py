"""Readiness as fixtures: each a finding that its test judges."""

from datetime import UTC

import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.drill_ages import DrillAges
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.plan import Plan
from pam_rollback.core.wait import Waiter
from pam_rollback.plugin import provider_access
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.stories import ways_of
from pam_rollback.plugin.titles import titled
from pam_rollback.readiness import service
from pam_rollback.readiness.rules.finding import Finding
from pam_rollback.readiness.rules.on_call import Shift
from pam_rollback.readiness.rules.releases import Ramp, Released
from pam_rollback.readiness.service import Place
from pam_rollback.reporting.last_drills import last_drills

_DAY_S = 86_400


@pytest.fixture(scope="session")
def place(environment: Environment, runbook: Runbook, clock: Clock, pytestconfig: pytest.Config) -> Place:
    """Whose readiness, and where its records are. A sandbox that ends with the session has none but its own."""
    return Place(
        environment,
        runbook.plan,
        pytestconfig.rootpath,
        runbook.folder / "state" if runbook.own_sandbox else runbook.options.state_dir,
        clock.wall().astimezone(UTC),
        runbook.pace,
    )


@pytest.fixture(scope="session")
@titled("The hosts are asked for their deploys")
def releases_known(place: Place, environment: Environment, waiter: Waiter) -> list[Released]:
    """What was new. Raises MeasurementFailed when a host does not tell."""
    since_s = place.now.timestamp() - place.settings.releases_d * _DAY_S
    try:
        deploys = [
            *(provider_access.api_host(environment, waiter).deploys() if "render" in environment.abilities else ()),
            *(provider_access.site_host(environment, waiter).deploys() if "netlify" in environment.abilities else ()),
        ]
    except ActionFailed as problem:
        raise MeasurementFailed(f"the history of deploys: {problem}") from None
    return service.released(deploys, since_s=since_s)


@pytest.fixture(scope="session")
def ramps_known(place: Place) -> list[Ramp]:
    """How users were let in, by the ramp's journal."""
    return service.ramps_of(place)


@pytest.fixture(scope="session")
def released_by_steps(place: Place, releases_known: list[Released], ramps_known: list[Ramp]) -> Finding:
    """Whether anything went to everybody at once."""
    return service.by_steps(place, releases_known, ramps_known)


@pytest.fixture(scope="session")
def tried_by_few(place: Place, releases_known: list[Released], ramps_known: list[Ramp]) -> Finding:
    """Whether few users had each release first."""
    return service.by_few_first(place, releases_known, ramps_known)


@pytest.fixture(scope="session")
def watch_record(place: Place) -> Finding:
    """Whether the watch of this environment is alive."""
    return service.watch(place)


@pytest.fixture(scope="session")
def drills_here(place: Place, plan: Plan) -> DrillAges:
    """When each strategy was drilled, in the environments that count here."""
    drills = last_drills(place.out, ways_of(plan), environments=place.settings.drilled_in)
    return DrillAges(drills, plan.about.review_after_d)


@pytest.fixture(scope="session")
def runbook_page(place: Place) -> Finding:
    """Whether the runbook is whole and was reviewed."""
    return service.runbook(place)


@pytest.fixture(scope="session")
@titled("The schedules are asked who is on call")
def shifts_known(place: Place) -> list[Shift]:
    """Who is on call from now on."""
    return service.shifts(place)


@pytest.fixture(scope="session")
def on_call(place: Place, shifts_known: list[Shift]) -> Finding:
    """Whether somebody is on call at any hour."""
    return service.somebody_on_call(place, shifts_known)


@pytest.fixture(scope="session")
def postmortems_kept(place: Place) -> Finding:
    """Whether each real rollback has its post-mortem."""
    return service.postmortems_finished(place)


@pytest.fixture(scope="session")
def causes_kept(place: Place) -> Finding:
    """Whether the root cause of each was found in time."""
    return service.causes_found(place)


@pytest.fixture(scope="session")
def contacts_kept(place: Place) -> Finding:
    """Whether somebody answers each contact."""
    return service.contacts(place)


@pytest.fixture(scope="session")
def links_kept(place: Place) -> Finding:
    """Whether links lead somewhere."""
    return service.links(place)


@pytest.fixture(scope="session")
def tokens_kept(place: Place) -> Finding:
    """Whether tokens are taken, and for how long."""
    return service.tokens(place)


@pytest.fixture(scope="session")
def workflows_kept(place: Place) -> Finding:
    """Whether GitHub still runs the workflows."""
    return service.workflows(place)


@pytest.fixture(scope="session")
def waivers_kept(place: Place) -> Finding:
    """Whether somebody answers for each waiver."""
    return service.waivers(place)
