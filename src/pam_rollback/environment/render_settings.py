"""What an environment says about its service on Render: the table ``[render]``."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from pam_rollback.base.addresses import web_address
from pam_rollback.base.configuration import Problem, Table

RENDER_API = "https://api.render.com/v1"
FINEST_STEP_S = 30
"""Render gives no points that are closer together."""
_GAP_STEPS_MIN = 3


class Render(Table):
    """Which service is the back end, whose it is, and how finely its metrics are asked for."""

    service_id: Annotated[str, Field(pattern=r"^(srv-[A-Za-z0-9-]+)?$")] = ""
    """As in the address of its page in the Dashboard: ``srv-…``."""
    workers: Annotated[tuple[Annotated[str, Field(pattern=r"^srv-[A-Za-z0-9-]+$")], ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """The other services that a push deploys from the same commit, such as a background worker: they go back with the API."""
    owner_id: Annotated[str, Field(pattern=r"^((tea|usr|own)-[A-Za-z0-9-]+)?$")] = ""
    """The workspace that it has to belong to; empty: not looked at."""
    api_url: Annotated[str, AfterValidator(web_address)] = RENDER_API
    """The base address of Render's API."""
    resolution_s: Annotated[int, Field(ge=1, le=3600)] = 60
    """How much time one point stands for: 30 at least on Render itself."""
    gap_max_s: Annotated[float, Field(gt=0, le=7200)] = 180
    """A longer time without a known point makes a window unknown."""

    def problems(self) -> Iterator[Problem]:
        """Everything that is well-formed but cannot be used like this."""
        if not self.service_id:
            yield Problem("[render] service_id", "missing: the id of the back end's service, such as srv-abc123")
        twice = {one for one in (self.service_id, *self.workers) if (self.service_id, *self.workers).count(one) > 1}
        if twice:
            yield Problem(
                "[render] workers", f"{', '.join(sorted(twice))} stands twice; it lists services beside the API"
            )
        if self.api_url == RENDER_API and self.resolution_s < FINEST_STEP_S:
            what = f"{self.resolution_s} s is finer than Render tells: {FINEST_STEP_S} at least"
            yield Problem("[render] resolution_s", what)
        if self.gap_max_s < _GAP_STEPS_MIN * self.resolution_s:
            # Its steps begin when it likes, and the latest one is not over: two of them are always missing at the ends.
            what = f"{self.gap_max_s:g} is less than {_GAP_STEPS_MIN} steps of {self.resolution_s} s: each window would have a hole"
            yield Problem("[render] gap_max_s", what)
