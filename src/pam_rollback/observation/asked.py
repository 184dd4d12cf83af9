"""How often a prober asks, known before anything is sent."""

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.environment.environment import Environment
from pam_rollback.observation.parts import series_of
from pam_rollback.observation.probed_journeys import probe_config


def slowest_part_hz(environment: Environment) -> float:
    """Return how many probes a second the part has that is asked least; 0 where nothing could be asked."""
    try:
        config = probe_config(environment, run="told")
    except ConfigurationError:
        return 0.0  # whoever needs it says what is missing
    return min(one.rate_hz for one in series_of(environment, config) if one.journeys)
