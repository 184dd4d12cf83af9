"""Rules of readiness: pure. A record, a schedule or a page goes in, a finding comes out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.core.run_files import FINISHED, ROOT_CAUSE_FOUND, TO_FILL

ROOT_CAUSE = "RP-1"
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_READ_IT = "Read it against the product, then set [about] reviewed_on in plan.toml"
_SHOWN = 3


@dataclass(frozen=True, repr=False)
class Finding(Fact):
    """What was looked at, one line each. Unknown is never ready, and neither is nothing at all."""

    what: str
    holds: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be read, each with its reason."""
    advice: str = ""
    """What to do when it is broken."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What does not hold. Raises MeasurementFailed when all that is known holds, and something is not known, or nothing is."""
        if not self.broken and (self.unknown or not self.holds):
            raise MeasurementFailed(str(self))
        return self.broken

    @property
    def measured(self) -> Measured:
        """How many of them hold, and which do not."""
        n = len(self.holds) + len(self.broken) + len(self.unknown)
        said = "; ".join(self.holds) or "not known: there is nothing to go by"
        if self.broken:
            said = "; ".join(self.broken) + (f". {self.advice}" if self.advice else "")
        elif self.unknown:
            said = f"not known: {'; '.join(self.unknown)}"
        return Measured(self.what, "all of them", len(self.holds), n=n, sentence=f"{self.what}: {said}")


def runbook_kept(
    text: str, anchors: Mapping[str, str], *, reviewed_on: date | None, review_after_d: int, today: date
) -> Finding:
    """PM-11: whether the runbook has a page for each item (``anchors``: ids and pages) and was reviewed in time."""
    what, pages = "the runbook", set(_ANCHOR.findall(text))
    missing = sorted(item for item, anchor in anchors.items() if anchor not in pages)
    broken = [f"no page for {', '.join(missing)}"] if missing else []
    if reviewed_on is None:
        unread = f"nobody has written down when it was read against the product. {_READ_IT}"
        return Finding(what, broken=(*broken,), unknown=(unread,), advice=_READ_IT)
    due = reviewed_on + timedelta(days=review_after_d)
    if reviewed_on > today:
        broken.append(f"reviewed on {reviewed_on}, which is in the future")
    elif today > due:
        broken.append(f"reviewed on {reviewed_on}, and again due on {due}")
    if broken:
        return Finding(what, broken=(*broken,), advice=_READ_IT)
    return Finding(what, (f"{len(set(anchors.values()))} pages, reviewed on {reviewed_on}, due on {due}",))


@dataclass(frozen=True)
class Shift:
    """Somebody is on call from then until then."""

    who: str
    start: datetime
    end: datetime


def covered(shifts: Iterable[Shift], *, since: datetime, until: datetime, absent: str = "") -> Finding:
    """PM-12: whether each moment has somebody who is not the absent one. Titles of shifts have more words than a name."""
    away = absent.strip().casefold()
    known = sorted((one for one in shifts if one.end > since and one.start < until), key=lambda one: one.start)
    there = [one for one in known if not away or away not in one.who.casefold()]
    gaps, reached = [], since
    for shift in there:
        if shift.start > reached:
            gaps.append((reached, shift.start))
        reached = max(reached, shift.end)
    if reached < until:
        gaps.append((reached, until))
    what = f"somebody is on call until {until.astimezone(UTC):%Y-%m-%d}" + (f" without {absent}" if absent else "")
    more = (f"and {len(gaps) - _SHOWN} more gaps",) if len(gaps) > _SHOWN else ()
    nobody = (*(f"nobody from {_moment(start)} UTC to {_moment(end)} UTC" for start, end in gaps[:_SHOWN]), *more)
    names = tuple(dict.fromkeys(one.who for one in there))
    return Finding(what, names, nobody, advice="Fill the schedule, or name who stands in")


@dataclass(frozen=True)
class RealRun:
    """A real rollback, and when its session ended."""

    run: str
    ended: datetime


@dataclass(frozen=True)
class Document:
    """A post-mortem: where it is, and its text."""

    name: str
    text: str

    def moment(self, line: str) -> datetime | None:
        """What the line says; None where it is missing or nobody filled it in. Raises ValueError for what is no moment."""
        found = re.search(rf"^{re.escape(line)}:[ \t]*(?P<at>\S.*?)[ \t]*$", self.text, re.MULTILINE)
        if found is None or found["at"] == TO_FILL:
            return None
        at = datetime.fromisoformat(found["at"])
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def finished(runs: Sequence[RealRun], documents: Iterable[Document], *, now: datetime, within: timedelta) -> Finding:
    """PM-13: whether each rollback has a finished post-mortem, or still has time for it."""
    return _each(runs, [*documents], FINISHED, now=now, within=within, what="post-mortems of real rollbacks")


def cause_found(runs: Sequence[RealRun], documents: Iterable[Document], *, now: datetime, within: timedelta) -> Finding:
    """RP-1: whether the root cause of each was found in the plan's time, or there still is time."""
    return _each(runs, [*documents], ROOT_CAUSE_FOUND, now=now, within=within, what="root causes of real rollbacks")


def _each(
    runs: Sequence[RealRun], documents: Sequence[Document], line: str, *, now: datetime, within: timedelta, what: str
) -> Finding:
    holds: list[str] = []
    broken: list[str] = []
    unknown: list[str] = []
    for run in runs:
        end = run.ended + within
        document = next((one for one in documents if run.run in one.text), None)
        try:
            at = None if document is None else document.moment(line)
        except ValueError as problem:
            unknown.append(f"{document.name if document else ''}: {line}: {problem}")
            continue
        left = document is not None and line == FINISHED and TO_FILL in document.text
        if at is not None and not left:
            late = at > end
            (broken if late else holds).append(f"{run.run}: {_moment(at)}" + (f", due {_moment(end)}" if late else ""))
        elif now <= end:
            holds.append(f"{run.run}: open, due {_moment(end)}")
        else:
            why = (
                "has none"
                if document is None
                else f"{document.name} is not filled in ({line if at is None else TO_FILL})"
            )
            broken.append(f"{run.run}: {why}, due {_moment(end)}")
    if not runs:
        holds.append("no real rollback is on record")
    return Finding(what, (*holds,), (*broken,), (*unknown,), advice="Begin with: make incident RUN=…")


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
