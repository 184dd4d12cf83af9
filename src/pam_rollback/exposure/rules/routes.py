"""Which routes of the API's own description answer somebody without a token, and did not when the baseline was recorded. Source: IR-1.

Much of an API is meant for everybody, and no rule tells which part. What was refused before and answers now does; so does a route that
was not there before. Only what GET reads is asked for, and only what needs nothing but a path and the test account's own id.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from random import SystemRandom
from typing import Any

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence, listed
from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.exposure.rules.access import Attempt, Standing
from pam_rollback.product.rules.contract import USER_ID

_SHOWN = 4
IN_ALL_WHERE_UNLIMITED = 30
"""So many are looked at where nobody says how many paths the product bears in a minute."""

Answered = Mapping[str, bool | None]
"""By route: whether it answered without a token (True), refused (False), or neither was seen (None)."""


def routes_in(description: Any) -> tuple[str, ...] | None:
    """What GET reads by its path alone; None when this is no description of an API (OpenAPI)."""
    paths = description.get("paths") if isinstance(description, dict) else None
    if not isinstance(paths, dict):
        return None
    reads = {path: item["get"] for path, item in paths.items() if isinstance(item, dict) and "get" in item}
    return tuple(sorted(path for path, read in reads.items() if _is_whole(str(path), read)))


def _is_whole(path: str, read: Any) -> bool:
    asked = read.get("parameters", ()) if isinstance(read, dict) else ()
    needed = [one for one in asked if isinstance(one, dict) and one.get("required") and one.get("in") != "path"]
    return path.startswith("/") and "{" not in path.replace(USER_ID, "") and not needed


def drawn(described: Sequence[str], before: Answered, most: int) -> list[str]:
    """Those to look at now: what is new in the description first, then by lot of what refused before."""
    added = [route for route in described if route not in before]
    refused = [route for route in described if before.get(route) is False]
    SystemRandom().shuffle(refused)
    return [*added, *refused][:most]


@dataclass(frozen=True, repr=False)
class Routes(Sentence):
    """What was answered without a token. ``described``: how many routes there are; None: the API describes itself nowhere."""

    described: int | None
    attempts: Mapping[str, Attempt]
    before: Answered

    @property
    def answered(self) -> Answered:
        """As a baseline has it."""
        known = {Standing.OPEN: True, Standing.REFUSED: False, Standing.UNKNOWN: None}
        return {route: known[attempt.standing] for route, attempt in self.attempts.items()}

    @property
    def opened(self) -> tuple[str, ...]:
        """Those that answer now, and did not before."""
        return tuple(f"GET {one} with {self.attempts[one]}" for one, is_open in self.answered.items() if is_open)

    @property
    def closed(self) -> bool:
        """Whether none was opened. One that was decides; else, MeasurementFailed for what did not answer."""
        if self.opened:
            return False
        silent = [f"GET {route} with {one}" for route, one in self.attempts.items() if _says_nothing(one)]
        if silent:
            raise MeasurementFailed(f"whether routes were opened to strangers is not known: {listed(silent, _SHOWN)}")
        return True

    @property
    def unproven(self) -> str:
        """What was not looked at for want of a description, now or before."""
        if self.before:
            return ""
        when = "the API describes itself nowhere" if self.described is None else "it did not describe itself before"
        return f"only the routes of the contract were tried without a token: {when}"

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="routes that answer without a token, and did not before",
            asked="0",
            measured=len(self.opened),
            n=len(self.attempts),
            definition=self.unproven
            or f"{len(self.attempts)} of {self.described} routes that GET reads by their path, new ones first, then by lot "
            f"of {sum(one is False for one in self.before.values())} that refused before",
        )

    def __str__(self) -> str:
        if self.opened:
            return (
                f"{len(self.opened)} of {len(self.attempts)} routes answer without a token, and did not when the baseline was recorded: "
                f"{listed(self.opened, _SHOWN)}"
            )
        return f"{len(self.attempts)} of {self.described} routes looked at, none was opened"


def _says_nothing(attempt: Attempt) -> bool:
    status = attempt.http_status
    return status is None or status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
