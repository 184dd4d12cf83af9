"""How it is said that there were too many sign-ins: in the same words wherever it is met, so that it is told as one cause."""

import math
from typing import Final

SIGN_IN_LIMITED: Final = "the sign-in is rate limited"
"""Nothing is known of what needs a sign-in, and it is no error of the service."""
_MINUTE_S = 60


def limited(retry_after: str = "") -> str:
    """The words with when to come again, as ``Retry-After`` has it (seconds, or a date)."""
    later = retry_after.strip()
    if later.isdecimal() and later.isascii():
        later = f"{math.ceil(int(later) / _MINUTE_S)} min" if int(later) > _MINUTE_S else f"{later} s"
    return f"{SIGN_IN_LIMITED} (HTTP 429{f', again after {later}' if later else ''})"
