"""Whether an answer speaks of now: a cache may have kept it, and what it says of itself may be long past."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pam_rollback.base.answer import Answer

_AGE_MAX_S = 60.0
"""An answer that a cache has kept for longer says nothing of now."""
_TIMESTAMP_AGE_MAX = timedelta(days=1)
"""More than any time zone that was left out, and than any clock that is merely wrong."""
_EPOCH_FROM_S, _EPOCH_FROM_MS = 1e8, 1e11
"""Smaller numbers are no moments: an uptime, say."""
_STALE_WARNINGS = ("110", "111", "112")


def kept(answer: Answer, now: datetime | None) -> str:
    """Why the answer is not of now: whoever kept it says so, or its ``timestamp`` is long past. Empty when nothing says that."""
    age = answer.headers.get("age", "")
    if age.isdecimal() and float(age[:9]) > _AGE_MAX_S:
        return f"a cache answered, with what it has kept for {age[:9]} s (Age), although it was asked not to"
    warning = answer.headers.get("warning", "")
    if warning.startswith(_STALE_WARNINGS):
        return f"a cache answered, and says that it may be stale (Warning: {warning[:40]})"
    body: Any = answer.json
    told = moment(body.get("timestamp")) if isinstance(body, dict) else None
    made = _date(answer) or now
    if told is not None and made is not None and made - told > _TIMESTAMP_AGE_MAX:
        return (
            f"its timestamp {body['timestamp']!r} is {(made - told).days} days old: a recorded answer, or a wrong clock"
        )
    return ""


def moment(told: object) -> datetime | None:
    """A moment as text, or as seconds or milliseconds since 1970; None where it is none."""
    try:
        if isinstance(told, str):
            found = datetime.fromisoformat(told)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(told, (int, float)) and not isinstance(told, bool) and told > _EPOCH_FROM_S:
            return datetime.fromtimestamp(told / 1000 if told > _EPOCH_FROM_MS else told, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _date(answer: Answer) -> datetime | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - brings socket along, which loading a contract does without

    try:
        found = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
