"""Waivers as an environment's file has them, for what was red before."""

from datetime import date

from pam_rollback.target.environment_tables import Waiver


def accepted(item: str, *known: str, until: date = date(2027, 1, 31), at_most: int | None = 20) -> Waiver:
    """Somebody answers for these findings until that day."""
    return Waiver(item=item, known=known, at_most=at_most, until=until, reason="r", approved_by="R. Ramp")
