"""What watching asks of the product, and whether it can have enough answers in its time: known before anything is sent."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.environment import Environment
from pam_rollback.observation.rules.enough import Need
from pam_rollback.observation.rules.journeys import LOGIN_JOURNEY, Journey, ProbeConfig, users_journeys
from pam_rollback.observation.rules.parts import series_of
from pam_rollback.observation.rules.probed_journeys import probe_config
from pam_rollback.observation.service.window_specs import answers_spec, memory_spec, reading_every_s
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateGoal, P95Goal
from pam_rollback.product.rules.limits import Asks, Steady

_MINUTE_S = 60.0


def of_prober(environment: Environment) -> Asks:
    """The paths that it asks over and over, and the sign-in before."""
    config = _config(environment)
    if config is None:
        return Asks()
    steady = tuple(_steady(environment, ((one, _per_minute(config, one)) for one in config.journeys)))
    signs_in = any(one.signed_in or one.name == LOGIN_JOURNEY for one in config.journeys)
    return Asks(steady=steady, sign_ins=int(signs_in))


def of_memory(environment: Environment, plan: Plan, pace: float) -> Asks:
    """The product's own metrics, where they are read."""
    if "metrics" not in environment.abilities:
        return Asks()
    return Asks(steady=(Steady(environment.paths.metrics, _MINUTE_S / reading_every_s(memory_spec(plan, pace=pace))),))


def in_windows(environment: Environment, plan: Plan, pace: float) -> Asks:
    """SC-1 and SC-2: whether their windows can have the answers that they need."""
    rate_hz = slowest_part_hz(environment)
    goals = (plan.the(ErrorRateGoal), plan.the(P95Goal))
    specs = (
        (goal.id, answers_spec(goal, 1.0, rate_hz, environment=environment, pace=pace)) for goal in goals if rate_hz
    )
    needs = (
        Need(name, spec.samples_min, "answers of users", spec.asked_s or spec.duration_s, spec.duration_s, rate_hz)
        for name, spec in specs
    )
    return Asks(too_few=tuple(filter(None, (need.lacking for need in needs))))


def slowest_part_hz(environment: Environment) -> float:
    """Return how many probes a second the part has that is asked least; 0 where nothing could be asked."""
    config = _config(environment)
    if config is None:
        return 0.0
    return min(one.rate_hz for one in series_of(environment, config) if one.journeys)


def users_hz(environment: Environment) -> float:
    """Return how many probes a second are users' journeys, which are held against the baseline together; 0 where nothing could be asked."""
    config = _config(environment)
    if config is None:
        return 0.0
    users = users_journeys(config)
    return sum(_per_minute(config, one) for one in config.journeys if one.name in users) / _MINUTE_S


def hosts_of_the_api(environment: Environment) -> set[str]:
    """By name and port: those whose limits a session keeps to."""
    return {urlsplit(url).netloc for url in (environment.urls.api, environment.urls.backend) if url}


def _config(environment: Environment) -> ProbeConfig | None:
    try:
        return probe_config(environment, run="told")
    except ConfigurationError:
        return None  # whoever needs it says what is missing


def _per_minute(config: ProbeConfig, journey: Journey) -> float:
    return config.rate_hz * _MINUTE_S * journey.weight / sum(one.weight for one in config.journeys)


def _steady(environment: Environment, asked: Iterable[tuple[Journey, float]]) -> Iterator[Steady]:
    hosts = hosts_of_the_api(environment)
    for journey, per_minute in asked:
        parts = urlsplit(journey.url)
        if parts.netloc in hosts:
            yield Steady(parts.path, per_minute, journey.signed_in, bool(journey.as_browser_of))
