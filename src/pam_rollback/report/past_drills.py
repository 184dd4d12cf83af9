"""How long recoveries took in the drills that were done: read from the run records that they left."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import STORIES, Story
from pam_rollback.report import run_record, wording
from pam_rollback.report.run_record import RunRecord, UnreadableRecord

_TOLD_S = 0.005
"""A record has hundredths of a second."""
_NEWEST = 200
"""Runs that are looked at: their names begin with the time."""


@dataclass(frozen=True)
class PastRecovery:
    """One recovery that a drill, or a real rollback, measured."""

    environment: str
    recovery_s: float
    rehearsed: bool = False
    """On the sandbox, whose hosts are stand-ins."""
    real: bool = False
    """It was no drill."""


@dataclass(frozen=True)
class Sought:
    """Which recoveries are a strategy's: those after its stories, by this criterion (RTO-…, or its own where it has none)."""

    criterion: str
    situations: Collection[str]


def sought(plan: Plan) -> dict[str, Sought]:
    """By strategy, which drills measured its recovery time: those of all its ways."""
    ways: dict[str, list[Story]] = {}
    for story in STORIES.values():
        ways.setdefault(story.strategy, []).append(story)
    found: dict[str, Sought] = {}
    for name, stories in ways.items():
        strategy = plan.strategy(name)
        found[name] = Sought(strategy.rto or strategy.id, [story.situation for story in stories])
    return found


def past_recoveries(out: Path, sought: Mapping[str, Sought]) -> dict[str, tuple[PastRecovery, ...]]:
    """By strategy, all its ways together, the oldest first."""
    records = [record for path in sorted(out.glob("*/run.json"))[-_NEWEST:] if (record := read(path)) is not None]
    return {
        strategy: tuple(found for record in records for found in _of(record, wanted))
        for strategy, wanted in sought.items()
    }


def told(recoveries: Iterable[PastRecovery]) -> str:
    """In words: ``3 drills (sandbox) measured 1.2 s to 1.9 s, the latest 1.4 s``. What real hosts took replaces the sandbox's times."""
    every = tuple(recoveries)
    found = tuple(one for one in every if not one.rehearsed) or every
    if not found:
        return "no drill of it has been measured here"
    times = sorted(recovery.recovery_s for recovery in found)
    span = _length(times[0]) if len(times) == 1 else f"{_length(times[0])} to {_length(times[-1])}"
    where = ", ".join(dict.fromkeys(recovery.environment for recovery in found))
    latest = f", the latest {_length(found[-1].recovery_s)}" if len(found) > 1 else ""
    return f"{_counted(found)} ({where}) measured {span}{latest}"


def _counted(found: Collection[PastRecovery]) -> str:
    real = sum(one.real for one in found)
    kinds = ((len(found) - real, "drill"), (real, "real rollback"))
    return " and ".join(f"{count} {kind}{'s' if count > 1 else ''}" for count, kind in kinds if count)


def _length(seconds: float) -> str:
    return "less than 0.01 s" if abs(seconds) < _TOLD_S else wording.duration(seconds)


def _of(record: RunRecord, sought: Sought) -> Iterable[PastRecovery]:
    for result in record.results:
        if result.situation in sought.situations and sought.criterion in result.criteria:
            for measured in result.measured:
                if measured.unit == "s" and isinstance(measured.measured, int | float):
                    yield PastRecovery(
                        record.environment.name,
                        float(measured.measured),
                        rehearsed=record.rehearsal,
                        real=record.mode == "real",
                    )


def read(path: Path) -> RunRecord | None:
    """The record; None for one of another version, or half a folder: a decision is not kept from anybody by an old file."""
    try:
        return run_record.read(path)
    except (UnreadableRecord, OSError):
        return None
