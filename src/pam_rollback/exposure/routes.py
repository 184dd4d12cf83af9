"""Which routes of the API's own description answer somebody without a token, and did not when the baseline was recorded. Source: IR-1.

Much of an API is meant for everybody, and no rule tells which part. What was refused before and answers now does; so does a route that
was not there before. Only what GET reads is asked for, and only what needs nothing but a path and the test account's own id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence, listed
from pam_rollback.exposure.access import Attempt, Standing
from pam_rollback.product.contract import USER_ID

Answered = Mapping[str, bool | None]
"""By route: whether it answered without a token (True), refused (False), or neither was seen (None)."""
_SAYS = {Standing.OPEN: True, Standing.REFUSED: False, Standing.UNKNOWN: None}
_SHOWN = 4
_SAYS_NOTHING_FROM = 429
"""Too many requests, and what a broken service answers."""


def routes_in(description: Any) -> tuple[str, ...] | None:
    """What GET reads by its path alone; None when this is no description of an API (OpenAPI)."""
    paths = description.get("paths") if isinstance(description, dict) else None
    if not isinstance(paths, dict):
        return None
    reads = {
        path: one["get"] for path, one in paths.items() if isinstance(one, dict) and isinstance(one.get("get"), dict)
    }
    return tuple(
        sorted(
            path
            for path, read in reads.items()
            if "{" not in path.replace(USER_ID, "")
            and not any(one.get("required") and one.get("in") == "query" for one in read.get("parameters", ()))
        )
    )


@dataclass(frozen=True, repr=False)
class Routes(Sentence):
    """What was answered without a token. ``described``: all that there are."""

    described: tuple[str, ...]
    before: Answered
    attempts: Mapping[str, Attempt]

    @property
    def answered(self) -> Answered:
        """As a baseline has it."""
        return dict.fromkeys(self.described) | {route: _SAYS[one.standing] for route, one in self.attempts.items()}

    @property
    def opened(self) -> tuple[str, ...]:
        """Those that answer now, and did not before."""
        return tuple(f"GET {route} with {self.attempts[route]}" for route, is_open in self.answered.items() if is_open)

    @property
    def closed(self) -> bool:
        """Whether none was opened. One that was decides; else, MeasurementFailed for what did not answer."""
        silent = [
            f"GET {route} with {one}"
            for route, one in self.attempts.items()
            if one.http_status is None or one.http_status >= _SAYS_NOTHING_FROM
        ]
        if self.before and not self.attempts:
            raise MeasurementFailed("whether routes were opened to strangers is not known: none could be asked for")
        if silent and not self.opened:
            raise MeasurementFailed(f"whether routes were opened to strangers is not known: {listed(silent, _SHOWN)}")
        return not self.opened

    @property
    def unproven(self) -> str:
        """What was not looked at, because the API describes itself nowhere, or did not before."""
        return (
            "" if self.before else "without a token only the contract's paths were tried: the API describes no others"
        )

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="routes that answer without a token, and did not before",
            asked="0",
            measured=len(self.opened),
            n=len(self.attempts),
            definition=self.unproven or f"of {len(self.described)} that GET reads by their path: new ones, then by lot",
        )

    def __str__(self) -> str:
        looked = f"{len(self.attempts)} of {len(self.described)} routes were asked for without a token"
        answer = f"{len(self.opened)} answer, and did not when the baseline was recorded: {listed(self.opened, _SHOWN)}"
        return f"{looked}, {answer if self.opened else 'none was opened'}"


def drawn(described: tuple[str, ...], before: Answered, most: int) -> list[str]:
    """Those to ask for now: what is new in the description first, then by lot of what refused before."""
    refused = [route for route in described if before.get(route) is False]
    SystemRandom().shuffle(refused)
    return [*(route for route in described if route not in before), *refused][:most]
