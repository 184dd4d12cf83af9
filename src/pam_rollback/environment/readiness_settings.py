"""What an environment says about those who would roll back: the table ``[readiness]``. What is not named there is not judged."""

from typing import Annotated

from pydantic import Field, Strict

from pam_rollback.base.configuration import Table

_Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Strict(False)]  # noqa: FBT003 - TOML has lists


class Preparedness(Table):
    """Where the records of the team are: who is on call, where drills count, where post-mortems are kept."""

    calendar: str = ""
    """Who is on call, as an iCalendar file below the project. One at a private address, such as
    PagerDuty exports, is a secret: ``on_call_calendar_env``."""
    on_call_d: Annotated[float, Field(gt=0, le=90)] = 14
    """So many days ahead somebody is to be on call at any hour."""
    absent: str = ""
    """Somebody who is away: ill, on holiday, or gone. Nothing may stand on them."""
    postmortems: str = ""
    """The folder of finished post-mortems below the project, a Markdown file each, which names its run."""
    postmortem_within_d: Annotated[float, Field(gt=0, le=90)] = 7
    """So long after a real rollback its post-mortem may be open."""
    drilled_in: _Names = ()
    """The environments whose drills count here; none named: all."""
