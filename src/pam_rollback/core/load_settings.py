"""What load an environment allows: the table ``[load]``. Without it, only a practice range may be loaded."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, Strict

from pam_rollback.core.configuration import Table
from pam_rollback.core.environment_tables import Address, ProbedJourney


class Load(Table):
    """Who may be asked how much. Nobody's own rate limits, bills or users are surprised by what is declared here."""

    targets: Annotated[tuple[Address, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Addresses that may be loaded. Not needed on a practice range."""
    rate_hz_max: Annotated[float, Field(gt=0, le=20_000)] = 500
    users_max: Annotated[int, Field(ge=1, le=20_000)] = 1000
    duration_s_max: Annotated[float, Field(gt=0, le=24 * 3600)] = 24 * 3600
    weights: Mapping[ProbedJourney, Annotated[int, Field(ge=0, le=100)]] = {}
    """How often each journey is made, beside the others; what is not named keeps the weight that it has in ``[probing.weights]``."""


def undeclared_load(place: str) -> str:
    """Why nothing may be loaded in an environment, named by ``place``, whose file says nothing about it."""
    return (
        f"{place} declares no load: a load test may cost money, trip rate limits and slow users down. Expected the table [load] in its "
        "file with targets, rate_hz_max and users_max; agree on them with whoever runs the service"
    )
