"""What an environment lets a watch do by itself: the table ``[standing_consent]``. It only narrows what a person consented to by hand."""

from datetime import date
from typing import Annotated

from pydantic import Field, Strict

from pam_rollback.base.configuration import Table

_Item = Annotated[str, Field(pattern=r"^[A-Z]{2}-[0-9]+$")]


class StandingConsent(Table):
    """Which outage, which strategy, and until when."""

    criteria: Annotated[tuple[_Item, ...], Strict(False), Field(min_length=1)]  # noqa: FBT003 - TOML has lists
    """The decision criteria for which it holds. An incident that shows another one, too, is left to people."""
    strategy: _Item
    """The one strategy that may be carried out, and only where it is the one that is recommended."""
    until: date
    """The last day on which it holds, in UTC."""
