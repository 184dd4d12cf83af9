"""What the checks alone stand on. Every check runs in a situation: as it is, or after a story's rollback."""

from datetime import UTC
from typing import Any

import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.ops.alerts import loaded
from pam_rollback.ops.connect.doctor import PLUGIN, Completeness
from pam_rollback.ops.readiness.answers import ANSWERS, Sources
from pam_rollback.ops.readiness.rules import Finding
from pam_rollback.plan.plan import Plan
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.records.prometheus import PrometheusApi, prometheus_of
from pam_rollback.report.earlier_runs import DrillAges
from pam_rollback.target.environment import Environment


@pytest.fixture(scope="session", autouse=True)
def state_of_the_world(in_situation: object) -> None:
    """Entered once, before the first check; left after the last one."""


@pytest.fixture
@titled("Records and calendars are read")
def answer(
    item: str, environment: Environment, plan: Plan, clock: Clock, pytestconfig: pytest.Config
) -> Finding | DrillAges:
    """The answer to the plan item's question, from records and calendars."""
    return ANSWERS[item](Sources(environment, plan, clock.wall().astimezone(UTC), pytestconfig.rootpath))


@pytest.fixture(scope="session")
@needs("prometheus")
def prometheus_api(environment: Environment) -> PrometheusApi:
    """The environment's Prometheus."""
    return prometheus_of(environment)


@pytest.fixture(scope="session")
@titled("Prometheus is asked for its rules")
def alerts_loaded(prometheus_api: PrometheusApi, environment: Environment, plan: Plan) -> Measured:
    """Which of the rules that ``make alerts`` writes it has loaded."""
    return loaded.loaded(prometheus_api, plan, environment)


@pytest.fixture(scope="session")
def alert_receivers(prometheus_api: PrometheusApi) -> Measured:
    """Whom it tells."""
    return loaded.told(prometheus_api)


@pytest.fixture(scope="session")
def users_watched(prometheus_api: PrometheusApi, environment: Environment) -> Measured:
    """Whether speed, errors and memory are scraped."""
    return loaded.users_fed(prometheus_api, environment)


@pytest.fixture(scope="session")
def health_watched(prometheus_api: PrometheusApi, environment: Environment) -> Measured:
    """Whether Prometheus asks all the time whether the product answers."""
    return loaded.health_fed(prometheus_api, environment)


@pytest.fixture(scope="session")
@titled("What of the plan can be judged here")
def completeness(pytestconfig: pytest.Config) -> Completeness:
    """Every plan item. Raises MeasurementFailed while some cannot be judged: that is a gap in what we know, and no broken product."""
    doctor: Any = pytestconfig.pluginmanager.get_plugin(PLUGIN)
    found: Completeness = doctor.found()
    if found.open:
        raise MeasurementFailed(str(found))
    return found
