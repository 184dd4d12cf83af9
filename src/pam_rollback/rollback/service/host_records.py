"""What the host of the product's servers recorded of them: whoever asks does not know which host that is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.rollback.providers.render import render_metrics
from pam_rollback.rollback.providers.render.render_api import RenderApi
from pam_rollback.stats.series import Quantity, Source

ABILITY = "render_metrics"
"""With which an environment declares them."""


@dataclass(frozen=True)
class HostRecords:
    """Each quantity that it keeps, and how finely."""

    where: str
    """Which host, and which service: for sentences."""
    sources: Mapping[Quantity, Source]
    step_s: float
    gap_max_s: float


def host_records(environment: Environment, *, errors: re.Pattern[str] | None = None) -> HostRecords:
    """``errors``: which statuses count as errors, when it is not those of the server. Raises MeasurementFailed where no host is named."""
    settings = environment.render
    if settings is None:
        raise MeasurementFailed("[render] is missing")
    deadline_s = environment.probing.request_deadline_s
    found = render_metrics.sources(RenderApi(settings, environment.secret("render_api_key"), deadline_s=deadline_s))
    if errors is not None:
        found = {quantity: replace(source, errors=errors) for quantity, source in found.items()}
    return HostRecords(f"Render, {settings.service_id}", found, settings.resolution_s, settings.gap_max_s)
