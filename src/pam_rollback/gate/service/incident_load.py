"""The load under which a recorded incident is looked for: as many requests a second as the back end had then."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.environment.environment import Environment
from pam_rollback.gate.rules.incident import RecordedIncident
from pam_rollback.observation.client.timeline import Timeline
from pam_rollback.observation.rules.journeys import PAGES, RATE_HZ_MAX, ProbeConfig
from pam_rollback.observation.service.prober import start_prober

_FIRST_WITHIN_S = 15.0


@dataclass(frozen=True)
class IncidentLoad:
    """Requests a second to the back end."""

    asked_hz: float
    """As many as then; without a record of it, what is observed anyway."""
    observed_hz: float
    """What the observation of this session sends by itself."""
    added_hz: float
    """What is sent beside it."""
    why_less: str
    """What keeps both together from being as many as then, should they not be."""


def load_of(incident: RecordedIncident, environment: Environment, config: ProbeConfig) -> IncidentLoad:
    """Beside an observation like this one. Never more than the environment says that it bears: none where it says nothing about load."""
    turns, of_the_api = (
        sum(journey.weight for journey in some) for some in (config.journeys, _asking_the_api(config).journeys)
    )
    observed_hz = config.rate_hz * of_the_api / turns
    asked_hz = incident.rate_hz or observed_hz
    missing_hz = max(0.0, asked_hz - observed_hz)
    limits = environment.contract.limits
    bears_hz = max(0.0, environment.load.rate_hz_max - observed_hz) if "load" in environment.abilities else 0.0
    if limits.by_rate:
        bears_hz = 0.0  # what it bears of one address is what the observation asks already
    added_hz = min(missing_hz, bears_hz, RATE_HZ_MAX)
    if added_hz == missing_hz:
        why_less = "this machine did not keep up"
    elif "load" not in environment.abilities:
        why_less = f"{environment.name} declares no load, so nothing is sent beside the observation"
    elif limits.by_rate:
        why_less = f"the API of {environment.name} limits what one address asks ([limits]), so nothing is sent beside the observation"
    elif added_hz == bears_hz:
        why_less = f"{environment.name} bears {environment.load.rate_hz_max:g} ([load] rate_hz_max)"
    else:
        why_less = f"this check makes at most {RATE_HZ_MAX:g} more"
    return IncidentLoad(asked_hz, observed_hz, added_hz, why_less)


@contextmanager
def made(load: IncidentLoad, config: ProbeConfig, file: Path) -> Iterator[Timeline | None]:
    """Send what is missing of the load while the block runs, as this prober asks; None when nothing is missing."""
    if load.added_hz <= 0:
        yield None
        return
    config = _asking_the_api(config).model_copy(update={"rate_hz": load.added_hz})
    with start_prober(config, file) as prober:
        prober.wait_for_first(len(config.journeys), _FIRST_WITHIN_S)
        yield prober.timeline


def _asking_the_api(config: ProbeConfig) -> ProbeConfig:
    """Without the pages, which no server of the back end answers; where an environment has nothing else probed, they have to do."""
    asked = tuple(journey for journey in config.journeys if journey.name not in PAGES)
    return config.model_copy(update={"journeys": asked or config.journeys})
