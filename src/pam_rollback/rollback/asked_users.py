"""Users of whom it is asked what they get after a change of flags: ids that exist, since a feature may be kept by nobody else.

Where none can be had, ids are made up, and that nobody of those has a feature proves nothing.
"""

import hashlib
from collections import UserList
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from pam_rollback.base.errors import MeasurementFailed

EVALUATED_USERS = 200
"""How many users are asked what they get. With 200, a feature that 2 % of the users keep is found with 98 % probability."""


class AskedUsers(UserList[str]):
    """Drawn when they are first needed: nobody waits for them before the flags are off. Nothing that people read has an id of them."""

    made_up = ""
    """Why nobody of them exists; empty when they do, and before they are drawn."""

    def __init__(self, draw: Callable[[], Iterable[str]], run: str) -> None:
        """``draw`` gives ids that exist, or raises MeasurementFailed. ``run``: other ones are made up in each."""
        self._draw, self._run = draw, run

    @cached_property
    def data(self) -> list[str]:  # type: ignore[override]
        """The users."""
        try:
            if ids := list(self._draw()):
                return ids
            why = "the product has no users"
        except MeasurementFailed as failed:
            why = str(failed)
        self.made_up = f"their ids are made up, since none that exists could be had: {why}"
        # Spread over the stable hash as real ones are.
        return [hashlib.sha256(f"{self._run}:{n}".encode()).hexdigest()[:32] for n in range(EVALUATED_USERS)]


def made_up(users: Sequence[str]) -> str:
    """Why nobody of these users, who were asked, exists; empty when they do."""
    return users.made_up if isinstance(users, AskedUsers) else ""
