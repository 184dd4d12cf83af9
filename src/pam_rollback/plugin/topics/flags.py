"""Flags, settings, the emergency call and caches as a rollback works on them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.run_files import SETTINGS_FILE
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plan.flags import FlagAdmin, FlagEvaluation
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.baseline_files import Recorded, before
from pam_rollback.plugin.needs import titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import AS_IS, BASELINE
from pam_rollback.plugin.topics.hosts import Targets
from pam_rollback.probe.journeys import Journey
from pam_rollback.probe.observation import Observation
from pam_rollback.rollback import provider_access
from pam_rollback.rollback.backend import ApiService, BackEnd
from pam_rollback.rollback.deploys import SiteHost
from pam_rollback.rollback.emergency import Emergency
from pam_rollback.rollback.flag_facts import Fare
from pam_rollback.rollback.flags import AllFeatures, Flags
from pam_rollback.rollback.gradual import GoingDown, Way
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.switches import Switches
from pam_rollback.target.accounts import account_of, read_settings
from pam_rollback.target.environment import Environment
from pam_rollback.target.flag_service import flag_admin_of, flag_evaluation_of
from pam_rollback.target.pam_api import CacheApi, EmergencyApi
from pam_rollback.target.settings_loss import SETTING, RecordedSettings

_SETTLED_WITHIN_S = 5.0
_EVALUATED_WITHIN_S = 5.0
YOUNG_SETTING = "rollback_young_probe"
"""Written a moment before the incident of a drill: what may be lost."""


@pytest.fixture(scope="session")
def initiated_by(runbook: Runbook) -> str:
    """The person who rolls back, by name."""
    return runbook.options.initiated_by or "pam-rollback-drill"


@pytest.fixture(scope="session")
def flag_admin(environment: Environment, initiated_by: str) -> FlagAdmin:
    """Who switches the flags: the product, or the flag service that it uses."""
    return flag_admin_of(environment, initiated_by)


@pytest.fixture(scope="session")
def flag_evaluation(environment: Environment) -> FlagEvaluation | None:
    """Who says what a given user gets, asked as a page asks; None where the environment declares nobody."""
    if "flag_evaluation" not in environment.abilities:
        return None
    page = Journey(name="flags", url="", as_browser_of=environment.urls.frontend, signed_in=True)
    return flag_evaluation_of(environment, deadline_s=_EVALUATED_WITHIN_S, headers=page.browser_headers)


@pytest.fixture(scope="session")
def flags(flag_admin: FlagAdmin, flag_evaluation: FlagEvaluation | None, journal: Journal, waiter: Waiter) -> Flags:
    """The flags, and who says what a user gets of them."""
    return Flags(flag_admin, flag_evaluation, journal, waiter)


@pytest.fixture(scope="session")
def going_down(
    flags: Flags,
    plan: Plan,
    runbook: Runbook,
    waiter: Waiter,
    clock: Clock,
    watch_users: Callable[[], Observation],
) -> Callable[[Sequence[str]], GoingDown]:
    """The flags on their way down, asked for these users; how users fare says the prober."""

    def fare(since_s: float) -> Fare:
        # In a real rollback the prober starts here; one that does not start keeps nobody from acting.
        observation = watch_users()
        until_s = clock.monotonic_s()
        try:
            waiter.until(
                lambda: observation.settled_s,
                holds=lambda settled_s: settled_s >= until_s,
                within_s=_SETTLED_WITHIN_S,
                what="the answers of this time are in",
            )
        except NotReached as late:
            raise MeasurementFailed(str(late)) from late
        return Fare.of(observation.samples(since_s, until_s))

    strategy = plan.strategy("gradual")
    way = Way.of(plan, strategy, pace=runbook.pace)
    return lambda users: GoingDown(flags, fare, way, strategy.flag_changes, users)


@pytest.fixture(scope="session")
def features(environment: Environment, initiated_by: str, journal: Journal, waiter: Waiter) -> AllFeatures:
    """Every feature under the hands of a rollback."""
    return AllFeatures(lambda: Flags(flag_admin_of(environment, initiated_by), None, journal, waiter))


@pytest.fixture(scope="session")
def empty_api_cache(environment: Environment, initiated_by: str) -> Callable[[], str]:
    """Empty the API's cache, where the environment lets us (``cache_admin``)."""

    def empty() -> str:
        url, token = environment.url_of("cache_clear"), environment.secret("admin_token")
        return CacheApi(url, token, initiated_by, environment.probing.request_deadline_s).clear()

    return empty


@pytest.fixture(scope="session")
def empty_site_cache(site_host: SiteHost) -> Callable[[], str]:
    """Empty the cache of the site's host."""

    def empty() -> str:
        site_host.purge()
        return "accepted"

    return empty


@pytest.fixture(scope="session")
def emergency_call(
    environment: Environment,
    flag_evaluation: FlagEvaluation | None,
    journal: Journal,
    waiter: Waiter,
    initiated_by: str,
) -> Emergency:
    """The product's emergency endpoint; where features are switched by what the contract names, those switches."""
    admin = flag_admin_of(environment, initiated_by) if "flag_admin" in environment.abilities else None
    endpoint = (
        admin
        if isinstance(admin, Switches)
        else EmergencyApi(environment.url_of("emergency_rollback"), environment.secret("emergency_token"))
    )
    flags = Flags(admin, flag_evaluation, journal, waiter) if admin is not None else None
    return Emergency(endpoint, flags, journal)


@pytest.fixture(scope="session")
def past_the_product(
    environment: Environment, plan: Plan, waiter: Waiter, journal: Journal, back_end: BackEnd, targets: Targets
) -> Callable[[], tuple[ApiService, Callable[[], Mapping[str, str]]]]:
    """Find the back end's provider, and what to go back to, once the product is down. Raises ActionFailed where there is no such way."""

    def find() -> tuple[ApiService, Callable[[], Mapping[str, str]]]:
        if "backend_host" not in environment.abilities:
            raise ActionFailed(
                "the product is down, and no way past it is set up here: roll the back end back at its provider, "
                "see docs/runbook.md#backend-rollback"
            )
        host = provider_access.api_host(environment, waiter)
        within_s = plan.rto("backend").max_s
        return back_end.service(host, journal, live_within_s=within_s), partial(targets.of_api, host)

    return find


@pytest.fixture(scope="session")
@titled("Flags and settings are recorded")
def settings_before(
    situation: str, environment: Environment, runbook: Runbook, clock: Clock
) -> RecordedSettings | None:
    """Recorded before a drill's incident is planted, or as ``--baseline FILE`` has them."""

    def read() -> RecordedSettings:
        young: tuple[str, ...] = ()
        writable = "test_account" in environment.abilities and environment.contract.takes_settings
        if situation not in {AS_IS, BASELINE} and writable:
            account_of(environment).write_setting(YOUNG_SETTING, runbook.id)
            young = (SETTING + YOUNG_SETTING,)
        return RecordedSettings(taken_at=clock.wall(), values=read_settings(environment), young=young)

    return before(runbook, situation, SETTINGS_FILE, RecordedSettings, read)


@pytest.fixture(scope="session")
def settings_recorded(settings_before: RecordedSettings | None) -> Recorded:
    """As a baseline has them."""
    values = settings_before.values if settings_before is not None else {}
    return Recorded(files={SETTINGS_FILE: len(values)} if values else {})
