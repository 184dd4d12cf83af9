"""PAM's health, asked as often as there are situations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.core.figures import Fact, Measured, Scored
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.http.client import fetch
from pam_rollback.plugin.markers import asks_for, criterion_ids, is_gate
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.probe.blocked import refuse_when_blocked
from pam_rollback.probe.health import Health, UsersReads, ask, read_as_users
from pam_rollback.probe.held_window import HeldWindow
from pam_rollback.probe.until_the_end import HeldHealth
from pam_rollback.target.environment import Environment
from pam_rollback.target.front_page import LATER_ALL, LATER_SAMPLED, FrontPage
from pam_rollback.target.health import HealthReport
from pam_rollback.target.known_before import Judge
from pam_rollback.target.served_release import BACK_END, FRONT_END, ExpectedReleases, Served


def _not_asked(item: pytest.Item, environment: Environment) -> str:
    """Why the health that the test is about is not asked here. The front page as anybody gets it is always there."""
    ids = criterion_ids(item)
    if "site_page" in getattr(item, "fixturenames", ()):
        return ""
    components = environment.contract.health.values()
    return next((why for one in components if one.item in ids and (why := environment.unasked(one))), "")


def _none_named(_: pytest.Item, environment: Environment) -> str:
    components = environment.contract.health.values()
    if any(one.names_release and not environment.unasked(one) for one in components):
        return ""
    return f"no health answer of {environment.product} names a release"


@pytest.fixture(scope="session")
@needs(lacking=_not_asked)
def health(environment: Environment, runbook: Runbook, in_situation: object, pytestconfig: pytest.Config) -> Health:
    """What every health endpoint of the plan says right now. Raises MeasurementFailed when we are the ones who are offline."""
    # A path that answered before the incident, or when the baseline was taken, was lost: only one that never did can be a wrong setting.
    answered_before = runbook.stored is not None or (in_situation is not None and runbook.records_before)
    # Whoever verifies for minutes looks at every file of the site, whoever asks for a quick verdict at a sample.
    later = LATER_ALL if asks_for(pytestconfig.option.markexpr, "post_rollback") else LATER_SAMPLED
    found = ask(environment, observed=runbook.options.observed, answered_before=answered_before, later=later)
    for release in found.releases:
        runbook.saw_release(release)
    return found


@pytest.fixture(scope="session")
def ask_health(environment: Environment) -> Callable[[], tuple[HealthReport, ...]]:
    """Asks every endpoint once more, for whoever looks at the service's health more than once in a situation."""
    return lambda: ask(environment).all


def retest(criterion: str, environment: Environment) -> tuple[str, Callable[[Any], tuple[bool, str]]] | None:
    """Health checks: the answer that all checks of this situation look at."""
    if all(component.item != criterion for component in environment.contract.health.values()):
        return None
    return "health", lambda health: health.retest(criterion)


@pytest.fixture
def component(request: pytest.FixtureRequest, health: Health, scored: Scored, known: Judge) -> HealthReport:
    """The component that the product's contract has for the plan's health check that the test is marked with, without what is known.

    Raises MeasurementFailed where nothing answers for it.
    """
    [item] = criterion_ids(request.node)
    return known(scored(health.of(item)))


@pytest.fixture(scope="session")
def site_page(health: Health) -> FrontPage:
    """The front page as anybody gets it, with its scripts and styles. Raises MeasurementFailed when its host has shut us out."""
    return health.front_page


@pytest.fixture(scope="session")
@needs("test_account")
def users_reads(environment: Environment, runbook: Runbook, in_situation: object) -> UsersReads:
    """One read of each part that a user's request takes. Raises MeasurementFailed where nothing could be asked."""
    del in_situation  # entered before anything is asked
    return read_as_users(environment, runbook.options.observed)


@pytest.fixture(scope="session")
@needs(lacking=_none_named)
def releases_named(health: Health) -> Mapping[str, str]:
    """The release that each part names, by its name, of a product whose health answers name one."""
    return health.release_names


@pytest.fixture(scope="session")
def expected_releases(
    runbook: Runbook, environment: Environment, in_situation: object, request: pytest.FixtureRequest
) -> ExpectedReleases:
    """The release that each site must serve: what the story brought to it, or left alone; else ``--to``; else the environment's own.

    Empty when nobody said: then the answers can only be held against each other.
    """
    if in_situation is None:
        # The gate's --to names what is to be deployed, not what is there.
        named = ExpectedReleases() if is_gate(request.config) else runbook.options.to
        usual = environment.release.expected
        return ExpectedReleases(named.frontend or usual, named.backend or usual)
    before = str(request.getfixturevalue("incident").release)  # asked elsewhere, it would be planted
    brought = releases_of(in_situation)
    return ExpectedReleases(
        frontend=brought.get(FRONT_END, before),
        backend=brought.get(BACK_END, before),
    )


@pytest.fixture(scope="session")
def expected_commits(in_situation: object) -> ExpectedReleases:
    """The commit that each site must name where it names one: what the story brought to it. Empty where nobody brought any."""
    brought = commits_of(in_situation)
    return ExpectedReleases(frontend=brought.get(FRONT_END, ""), backend=brought.get(BACK_END, ""))


def releases_of(rollback: object) -> dict[str, str]:
    """The releases that a rollback of code brought, by site; each was seen by its commit. Flags bring none."""
    return {each.site: each.version for each in _served_after(rollback)}


def commits_of(rollback: object) -> dict[str, str]:
    """Their commits, empty where a site names none."""
    return {each.site: each.commit for each in _served_after(rollback)}


def _served_after(rollback: object) -> "list[Served]":
    from pam_rollback.target.served_release import Served  # noqa: PLC0415 - for stories

    parts = [getattr(rollback, name, None) for name in ("frontend", "backend")] + [rollback]
    served = [getattr(part, name, None) for part in parts for name in ("served", "followed")]
    return [each for each in served if isinstance(each, Served)]


@pytest.fixture(scope="session")
@titled("The window over the success criteria is over")
def window_over(held_window: HeldWindow) -> None:
    """Whatever came of it."""
    held_window.wait_for_its_end()


@pytest.fixture(scope="session")
@titled("Every component is asked once more when the window is over")
def held_health(window_over: None, environment: Environment, runbook: Runbook) -> HeldHealth:
    """All that is asked for the health checks. Raises MeasurementFailed where a host has shut us out."""

    def look() -> HeldHealth:
        found = ask(environment, observed=runbook.options.observed, answered_before=True)
        return HeldHealth(found.all, found.front_page)

    first = look()
    return look() if first.ill else first  # one answer that is lost on its way is no outage


_CALLS = 6
"""Health reports that are asked for: each calls through what the breakers guard. More than the failures that open one."""
_CLOSES_WITHIN_S = 10.0


@dataclass(frozen=True, repr=False)
class CircuitBreakers(Fact):
    """What the product says of them: an object ``circuit_breakers`` of names, each with its ``state``."""

    answer: Answer

    @property
    def states(self) -> Mapping[str, str]:
        """By name; empty when the product did not tell."""
        body = self.answer.json
        found = body.get("circuit_breakers") if isinstance(body, dict) else None
        told = found.items() if isinstance(found, dict) else ()
        return {name: str(one.get("state") if isinstance(one, dict) else one).upper() for name, one in told}

    @property
    def measured(self) -> Measured:
        """How many are not closed."""
        states = self.states
        said = ", ".join(f"{name} {state}" for name, state in states.items())
        return Measured(
            what="circuit breakers that are not closed",
            asked="0 of at least 1",
            value=sum(state != "CLOSED" for state in states.values()) if states else "not told",
            n=len(states),
            sentence=f"{self.answer.url}: {said or f'expected the states of circuit breakers, found {self.answer}'}",
            cause=self.answer.cause,
        )


@pytest.fixture(scope="session")
@titled("The circuit breakers are looked at")
@needs("circuit_breakers")
def circuit_breakers(in_situation: object, environment: Environment, waiter: Waiter) -> CircuitBreakers:
    """How they stand, once they have had the time to close: after a recovery the next call is what closes them.

    Raises MeasurementFailed when we are blocked.
    """
    deadline_s = environment.probing.request_deadline_s
    # Of a product whose PAM has no endpoint, the back end's.
    health = environment.health_url("pam") or environment.health_url("backend")
    for _ in range(_CALLS - 1):
        fetch(health, deadline_s=deadline_s)

    def look() -> CircuitBreakers:
        # A call before each look: it closes what is well again, and keeps open what is not.
        fetch(health, deadline_s=deadline_s)
        return CircuitBreakers(fetch(environment.url_of("circuit_breakers"), deadline_s=deadline_s))

    try:
        return waiter.until(
            look,
            holds=lambda one: {*one.states.values()} == {"CLOSED"},
            within_s=_CLOSES_WITHIN_S,
            what="the breakers are closed",
            every_s=0.5,
        )
    except NotReached:
        found = look()
    if not found.states:
        refuse_when_blocked(environment, "how the circuit breakers stand is not known")
    return found
