"""Users of whom it is asked what they get after a change of flags.

A feature may be kept by everybody who exists and by nobody who does not, such as in a list of users beside the flag or in what was kept of
them before. So ids that exist are asked for. Where none can be had, ids are made up, and that nobody of those has a feature proves nothing.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import overload

from pam_rollback.base.errors import MeasurementFailed

EVALUATED_USERS = 200
"""How many users are asked what they get. With 200, a feature that 2 % of the users keep is found with 98 % probability."""


class AskedUsers(Sequence[str]):
    """Drawn when they are first needed: nobody waits for them before the flags are off. Nothing that people read has an id of them."""

    def __init__(self, draw: Callable[[], Sequence[str]], run: str) -> None:
        """``draw`` gives ids that exist, or raises MeasurementFailed. ``run``: other ones are made up in each."""
        self._draw = draw
        self._run = run

    @cached_property
    def _drawn(self) -> tuple[Sequence[str], str]:
        try:
            if ids := tuple(self._draw()):
                return ids, ""
            why = "the product has no users"
        except MeasurementFailed as failed:
            why = str(failed)
        # Spread over the stable hash as real ones are.
        made_up = (hashlib.sha256(f"{self._run}:{n}".encode()).hexdigest()[:32] for n in range(EVALUATED_USERS))
        return tuple(made_up), f"their ids are made up, since none that exists could be had: {why}"

    @property
    def made_up(self) -> str:
        """Why nobody of them exists; empty when they do."""
        return self._drawn[1]

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        """Give one of them, or some."""
        return self._drawn[0][at]

    def __len__(self) -> int:
        """Tell how many there are."""
        return len(self._drawn[0])


def made_up(users: Sequence[str]) -> str:
    """Why nobody of these users exists; empty when they do."""
    return users.made_up if isinstance(users, AskedUsers) else ""
