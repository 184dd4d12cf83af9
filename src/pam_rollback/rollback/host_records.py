"""What a host kept of the product's servers, whichever host that is."""

from collections.abc import Mapping
from dataclasses import dataclass

from pam_rollback.stats.series import Quantity, Source


@dataclass(frozen=True)
class HostRecords:
    """Each quantity that it keeps, and how finely."""

    where: str
    """Which host, and which service: for sentences."""
    sources: Mapping[Quantity, Source]
    step_s: float
    gap_max_s: float
