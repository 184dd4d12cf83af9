"""What the product's API bears within a minute, as its contract says it.

The ban of an address counts everybody behind it, and other people are there too: of what is shared a session uses three quarters. What
belongs to its browser or to the test account is all its own.
"""

import math
from typing import Annotated, Any, Final

from pydantic import Field, Strict

from pam_rollback.base.configuration import Table
from pam_rollback.environment.environment_tables import UrlPath

_SHARE: Final = 0.75
_AtLeastOne = Annotated[int, Field(ge=1)]


class Limits(Table):
    """Within a minute. What is not said is not known: nothing is held back for it."""

    paths: _AtLeastOne | None = None
    """Different paths that one address may ask for; with one more it is banned."""
    address: _AtLeastOne | None = None
    """Requests of one address, whoever asks."""
    without_token: _AtLeastOne | None = None
    """As many, and from there on those without a token are refused."""
    with_token: _AtLeastOne | None = None
    """Requests with a token, whoever's."""
    client: _AtLeastOne | None = None
    """Requests of one address and User-Agent: with one more they are shut out."""
    free: Annotated[tuple[UrlPath, ...], Strict(False)] = ()  # noqa: FBT003 - TOML has lists
    """Paths that are asked as often as anybody likes."""

    def ours(self, processes: int = 1) -> "Limits":
        """Return what one of so many processes of a session may use of them. Raises ValueError when that is nothing."""
        most: dict[str, Any] = {}
        for name in ("paths", "address", "without_token", "with_token", "client"):
            whole = getattr(self, name)
            if whole is None:
                continue
            session = whole if name == "client" else max(1, math.floor(whole * _SHARE))
            most[name] = session // processes
            if not most[name]:
                raise ValueError(f"{processes} processes are more than the product bears ([limits] {name} = {whole})")
        return self.model_copy(update=most)

    @property
    def by_rate(self) -> bool:
        """So many requests within a minute are known to be too many."""
        return any(one is not None for one in (self.address, self.without_token, self.with_token, self.client))

    @property
    def known(self) -> bool:
        """Something is known."""
        return self.by_rate or self.paths is not None
