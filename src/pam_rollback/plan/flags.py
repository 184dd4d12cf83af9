"""Feature flags as the plan speaks of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

FlagName = str


@dataclass(frozen=True)
class Flag:
    """The state of one flag: on or off, and for what share of users (0 to 100)."""

    enabled: bool
    rollout_pct: int

    @property
    def off_for_all(self) -> bool:
        """No user gets the feature."""
        return not self.enabled or self.rollout_pct == 0

    def __str__(self) -> str:
        return f"{'on' if self.enabled else 'off'} for {self.rollout_pct} %"


class FlagAdmin(Protocol):
    """Who may read and change flags."""

    def read_flags(self) -> Mapping[FlagName, Flag]:
        """All flags as they are now. Raises ActionFailed when they cannot be read."""

    def set_flags(self, changes: Mapping[FlagName, Flag]) -> None:
        """Ask for the changes. Raises ActionFailed when the request is not accepted."""


class FlagEvaluation(Protocol):
    """Who can say what a given user gets."""

    def flags_of(self, user_id: str) -> Mapping[FlagName, bool]:
        """Every flag as this user gets it. Raises MeasurementFailed when there is no answer."""


class TeamNotice(Protocol):
    """Who tells the team."""

    def post(self, text: str) -> str:
        """Send the text; gives an empty string when it was accepted, else the reason why not. Never raises."""
