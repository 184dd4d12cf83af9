"""Whether a criterion can have enough answers in the time that it is watched for: told before the watch begins, not at its end."""

import math
from dataclasses import dataclass

_UNSCALED = 1.0


@dataclass(frozen=True)
class Need:
    """``answers`` within ``duration_s``, which is what the pace makes of ``asked_s``, at ``rate_hz`` of them a second."""

    criterion: str
    answers: int
    what: str
    asked_s: float
    duration_s: float
    rate_hz: float

    @property
    def most(self) -> int:
        """How many there can be."""
        return math.floor(self.duration_s * self.rate_hz) + 1

    @property
    def lacking(self) -> str:
        """Why they cannot be enough, and what would make them so; empty when they can."""
        if self.most >= self.answers:
            return ""
        needed_s = self.answers / self.rate_hz
        pace = self.asked_s / needed_s
        longer = f" (--pace {pace:.3g} or less)" if pace > _UNSCALED else ""
        return (
            f"{self.criterion}: {self.answers} {self.what} are needed, and at {self.rate_hz:.3g} a second {self.duration_s:g} s have "
            f"{self.most} at most; a window of {needed_s:.0f} s would do{longer}, or {self.answers / self.duration_s:.3g} a second "
            "([probing] rate_hz)"
        )
