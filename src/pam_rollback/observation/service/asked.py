"""How often a prober asks, known before anything is sent."""

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.environment import Environment
from pam_rollback.observation.rules.journeys import Journey, ProbeConfig, users_journeys
from pam_rollback.observation.rules.parts import series_of
from pam_rollback.observation.rules.probed_journeys import probe_config

_MINUTE_S = 60.0


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


def _config(environment: Environment) -> ProbeConfig | None:
    try:
        return probe_config(environment, run="told")
    except ConfigurationError:
        return None  # whoever needs it says what is missing


def _per_minute(config: ProbeConfig, journey: Journey) -> float:
    return config.rate_hz * _MINUTE_S * journey.weight / sum(one.weight for one in config.journeys)
