"""What servers counted of their requests from one moment to another."""

from dataclasses import dataclass

from pam_rollback.stats.histogram import Histogram


@dataclass(frozen=True)
class ServersCount:
    """What the servers counted in that time."""

    where: str
    """Whose word it is."""
    n: int
    errors: int
    """Answers of 500 and more."""
    times: Histogram | None
    """How long they took; None where only requests are counted."""
    why_no_times: str = ""
