"""What an environment says about those who would roll back: the table ``[readiness]``. What is not named there is not judged."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from pam_rollback.base.addresses import web_address
from pam_rollback.base.configuration import Table

PAGERDUTY_REST = "https://api.pagerduty.com"
_Address = Annotated[str, AfterValidator(web_address)]
_Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Strict(False)]  # noqa: FBT003 - TOML has lists


class Preparedness(Table):
    """Where the records of the team are: who is on call, who answers a contact, where post-mortems are kept."""

    calendar: str = ""
    """Who is on call, as an iCalendar file below the project. One at a private address is a secret: ``on_call_calendar_env``."""
    pagerduty_schedules: _Names = ()
    """The ids of schedules at PagerDuty, asked with ``pagerduty_token_env``."""
    pagerduty_url: _Address = PAGERDUTY_REST
    """The base address of PagerDuty's REST API; accounts of the European region have another one."""
    on_call_d: Annotated[float, Field(gt=0, le=90)] = 14
    """So many days ahead somebody is to be on call at any hour."""
    absent: str = ""
    """Somebody who is away: ill, on holiday, or gone. Nothing may stand on them."""
    people: Mapping[str, _Names] = {}
    """Who answers each contact of the plan: ``EC-1 = ["Ada", "Ben"]``."""
    links: Annotated[tuple[_Address, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Pages that on-call will open: dashboards, logs, consoles."""
    postmortems: str = ""
    """The folder of finished post-mortems below the project, a Markdown file each, which names its run."""
    postmortem_within_d: Annotated[float, Field(gt=0, le=90)] = 7
    """So long after a real rollback its post-mortem may be open."""
    releases_d: Annotated[float, Field(gt=0, le=366)] = 30
    """How far back deploys are held against ramps."""
    watch_age_s_max: Annotated[float, Field(gt=0)] = 3600
    """A watch that wrote nothing for so long has stopped."""
    drilled_in: _Names = ()
    """The environments whose drills count here; none named: all."""
    tokens_left_d_min: Annotated[float, Field(ge=0)] = 14
    """A token that ends sooner is about to end."""
    exchange: bool = False
    """A release may be exchanged here to see that users notice nothing: it deploys the running commit again. Never on production."""
