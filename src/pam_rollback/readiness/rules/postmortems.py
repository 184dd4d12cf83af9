"""PM-13 and RP-1: whether each real rollback has its post-mortem in time, and its root cause was found in the plan's."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pam_rollback.plan.postmortem_lines import FINISHED, ROOT_CAUSE_FOUND, TO_FILL
from pam_rollback.readiness.rules.finding import Finding

ROOT_CAUSE = "RP-1"


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
    """Whether each rollback has a finished post-mortem, or still has time for it."""
    return _each(runs, [*documents], FINISHED, now=now, within=within, what="post-mortems of real rollbacks")


def cause_found(runs: Sequence[RealRun], documents: Iterable[Document], *, now: datetime, within: timedelta) -> Finding:
    """Whether the root cause of each was found in the plan's time, or there still is time."""
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
