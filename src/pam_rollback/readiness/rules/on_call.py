"""PM-12: whether somebody is on call at any hour, also when one of them is away."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pam_rollback.readiness.rules.finding import Finding

_SHOWN = 3


@dataclass(frozen=True)
class Shift:
    """Somebody is on call from then until then."""

    who: str
    start: datetime
    end: datetime


def covered(shifts: Iterable[Shift], *, since: datetime, until: datetime, absent: str = "") -> Finding:
    """Whether each moment has somebody who is not the absent one."""
    known = sorted((one for one in shifts if one.end > since and one.start < until), key=lambda one: one.start)
    there = [one for one in known if not is_named(absent, one.who)]
    gaps, reached = [], since
    for shift in there:
        if shift.start > reached:
            gaps.append((reached, shift.start))
        reached = max(reached, shift.end)
    if reached < until:
        gaps.append((reached, until))
    what = f"somebody is on call until {until.astimezone(UTC):%Y-%m-%d}" + (f" without {absent}" if absent else "")
    more = (f"and {len(gaps) - _SHOWN} more gaps",) if len(gaps) > _SHOWN else ()
    nobody = (*(f"nobody from {_moment(start)} to {_moment(end)}" for start, end in gaps[:_SHOWN]), *more)
    names = tuple(dict.fromkeys(one.who for one in there))
    return Finding(what, names, nobody, advice="Fill the schedule, or name who stands in")


def now_on_call(shifts: Iterable[Shift], *, at: datetime, absent: str = "") -> tuple[str, ...]:
    """Who it is at that moment."""
    return tuple(
        dict.fromkeys(one.who for one in shifts if one.start <= at < one.end and not is_named(absent, one.who))
    )


def is_named(name: str, text: str) -> bool:
    """Whether a text is about that person: titles of shifts have more words than the name."""
    return bool(name.strip()) and name.strip().casefold() in text.casefold()


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
