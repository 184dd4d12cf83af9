"""What the host of the product's servers recorded of them: whoever asks does not know which host that is."""

from collections.abc import Mapping
from dataclasses import dataclass

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.rollback.provider_access import provider_of
from pam_rollback.stats.series import Quantity, Source
from pam_rollback.target.environment import Environment
from pam_rollback.target.hosts import HOST_RECORDS


@dataclass(frozen=True)
class HostRecords:
    """Each quantity that it keeps, and how finely."""

    where: str
    """Which host, and which service: for sentences."""
    sources: Mapping[Quantity, Source]
    step_s: float
    gap_max_s: float


ABILITY = HOST_RECORDS
"""With which an environment declares them."""


def host_records(environment: Environment) -> HostRecords:
    """Return them. Raises MeasurementFailed where nobody keeps any."""
    try:
        read = getattr(provider_of(environment, "backend"), "records", None)
    except ActionFailed as error:
        raise MeasurementFailed(str(error)) from error
    if read is None:
        raise MeasurementFailed(f"the host of the back end of {environment.name} keeps no records that can be read")
    found: HostRecords = read(environment)
    return found
