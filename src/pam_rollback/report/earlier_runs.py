"""The runs that were recorded before: where their files are, the newest, what drills measured, and when each strategy was drilled."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.core.figures import Fact, Measured, duration
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.stories import STORIES
from pam_rollback.report import run_record
from pam_rollback.report.run_record import RunRecord, UnreadableRecord
from pam_rollback.report.verdict import Outcome

_NEWEST = 200
"""Runs that are looked at: their names begin with the time."""


def latest(out: Path, *, environment: str, holds: Callable[[RunRecord], bool], within: timedelta) -> RunRecord | None:
    """The newest record of that environment for which it holds; None when there is none, or only an older one.

    One that a clock dates into the future is not known to be young.
    """
    now = datetime.now(UTC)
    return next(
        (record for _, record in newest(out, environment) if now - within <= begun(record) <= now and holds(record)),
        None,
    )


def recorded(out: Path, most: int | None = None) -> Iterator[tuple[Path, RunRecord]]:
    """The folders and records of runs, the newest first; ``most``: of so many runs.

    Records of another version, and half a folder, are nobody's: an old file keeps nobody from anything.
    """
    for path in sorted(out.glob("*/run.json"), reverse=True)[:most]:
        with suppress(UnreadableRecord, OSError):
            yield path.parent, run_record.read(path)


def newest(out: Path, environment: str) -> Iterator[tuple[Path, RunRecord]]:
    """The same of that environment."""
    return (one for one in recorded(out, _NEWEST) if one[1].environment.name == environment)


def begun(record: RunRecord) -> datetime:
    """When the session began."""
    return datetime.fromisoformat(record.started.iso)


def age_s(record: RunRecord) -> float:
    """How long ago that was, in seconds."""
    return (datetime.now(UTC) - begun(record)).total_seconds()


_TOLD_S = 0.005
"""A record has hundredths of a second."""


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
    found: dict[str, Sought] = {}
    for name in dict.fromkeys(story.strategy for story in STORIES.values()):
        strategy, ways = plan.strategy(name), [story.situation for story in STORIES.values() if story.strategy == name]
        found[name] = Sought(strategy.rto or strategy.id, ways)
    return found


def past_recoveries(out: Path, sought: Mapping[str, Sought]) -> dict[str, tuple[PastRecovery, ...]]:
    """By strategy, all its ways together, the oldest first."""
    records = [record for _, record in recorded(out, _NEWEST)][::-1]
    return {
        strategy: tuple(found for record in records for found in _recoveries_of(record, wanted))
        for strategy, wanted in sought.items()
    }


def recoveries_told(recoveries: Iterable[PastRecovery]) -> str:
    """In words: ``3 drills (sandbox) measured 1.2 s to 1.9 s, the latest 1.4 s``. What real hosts took replaces the sandbox's times."""
    every = tuple(recoveries)
    found = tuple(one for one in every if not one.rehearsed) or every
    if not found:
        return "no drill of it has been measured here"
    times = sorted(recovery.recovery_s for recovery in found)
    span = _length(times[0]) if len(times) == 1 else f"{_length(times[0])} to {_length(times[-1])}"
    where = ", ".join(dict.fromkeys(recovery.environment for recovery in found))
    latest = f", the latest {_length(found[-1].recovery_s)}" if len(found) > 1 else ""
    real = sum(one.real for one in found)
    kinds = ((len(found) - real, "drill"), (real, "real rollback"))
    counted = " and ".join(f"{count} {kind}{'s' if count > 1 else ''}" for count, kind in kinds if count)
    return f"{counted} ({where}) measured {span}{latest}"


def _length(seconds: float) -> str:
    return "less than 0.01 s" if abs(seconds) < _TOLD_S else duration(seconds)


def _recoveries_of(record: RunRecord, sought: Sought) -> Iterable[PastRecovery]:
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


_DAY_S = 86_400
_HOUR_S = 3_600


@dataclass(frozen=True)
class LastDrill:
    """The newest drill that showed whether a strategy works; ``age_s`` is None when there is none."""

    strategy: str
    age_s: float | None = None
    environment: str = ""
    run: str = ""
    failed: str = ""
    """What it ended with; empty for GO."""

    @property
    def good_d(self) -> float | None:
        """How many days ago it was good; None when it was never drilled, or failed."""
        return None if self.failed or self.age_s is None else self.age_s / _DAY_S

    def __str__(self) -> str:
        if self.age_s is None:
            return f"{self.strategy} never"
        failed = f" with {self.failed}" if self.failed else ""
        return f"{self.strategy} {_ago(self.age_s)} ago{failed} ({self.environment}, {self.run})"


@dataclass(frozen=True, repr=False)
class DrillAges(Fact):
    """All strategies of the plan."""

    drills: Sequence[LastDrill]
    age_max_d: float

    @property
    def missing(self) -> tuple[str, ...]:
        """The strategies that were not drilled, or longer ago than that, and those whose newest drill failed; some where there are none."""
        return tuple(one.strategy for one in (*self._old, *self._failed)) if self.drills else ("every strategy",)

    @property
    def _old(self) -> list[LastDrill]:
        return [one for one in self.drills if not one.failed and (one.good_d is None or one.good_d > self.age_max_d)]

    @property
    def _failed(self) -> list[LastDrill]:
        return [one for one in self.drills if one.failed]

    @property
    def measured(self) -> Measured:
        """The oldest of them."""
        ages = [one.age_s for one in self.drills if one.age_s is not None]
        oldest = round(max(ages) / _DAY_S, 1) if len(ages) == len(self.drills) and ages else "never drilled"
        if self._failed:
            oldest = f"{len(self._failed)} failed"
        wrong = [
            f"{' and '.join(one.strategy for one in those)}: {what}"
            for those, what in (
                (self._failed, "the newest drill failed"),
                (self._old, f"no drill ended with GO in the last {self.age_max_d:g} days"),
            )
            if those
        ]
        found = "; ".join(map(str, self.drills))
        sentence = (
            f"{'; '.join(wrong)} (drilled here: {found}); "
            "drill what is missing: pytest drills (or one file of it), and run the gate where its reports/out is"
        )
        return Measured(
            what="the strategy whose drill is the longest ago",
            asked=f"<= {self.age_max_d:g} d",
            value=oldest,
            unit="d" if isinstance(oldest, float) else "",
            n=len(self.drills),
            sentence=sentence if wrong else f"every strategy was drilled in the last {self.age_max_d:g} days: {found}",
        )


def _ago(age_s: float) -> str:
    for unit, seconds in (("d", _DAY_S), ("h", _HOUR_S)):
        if age_s >= seconds:
            return f"{age_s / seconds:.0f} {unit}"
    return f"{age_s / 60:.0f} min"


_OF_THE_STORY = "rollback"
"""The phase of a drill's own tests: what was done, how long it took, what users have."""
_FAILED = frozenset({"NO-GO", "ACTION FAILED", "UNDO FAILED"})
_RED = frozenset({Outcome.BROKEN_CRITERION, Outcome.ACTION_FAILED, Outcome.UNDO_FAILED})


def last_drills(
    out: Path, ways: Mapping[str, Mapping[str, str]], *, environments: Collection[str] = ()
) -> tuple[LastDrill, ...]:
    """Of each strategy the newest drill that showed whether it works: GO, or what it failed with.

    In one of ``environments`` where some are named, else wherever it was done.

    ``ways`` has the ways of each strategy: the action under which the steps of a way are on record, and the situation that it leads to.

    What failed does not count for a strategy of the same session that was not red itself, unless nothing says whose failure it was. What
    was not measured, or was refused, shows nothing.

    A session that acted and then asked for one kind of check only was no drill: nothing of the strategy itself was judged. Neither is one
    that a clock dates into the future known to be young.
    """
    newest: dict[str, LastDrill] = {}
    for _, record in recorded(out):
        if len(newest) == len(ways):
            break
        if record.mode != "drill" or record.verdict not in {"GO", *_FAILED}:
            continue
        if environments and record.environment.name not in environments:
            continue
        if age_s(record) < 0:
            continue
        judged = {result.situation for result in record.results if result.phase == _OF_THE_STORY}
        shown = _done(record) if record.verdict == "GO" else _red(record, judged)
        failed = "" if record.verdict == "GO" else record.verdict
        for strategy, situations in ways.items():
            if any(
                (action in shown or situation in shown) and situation in judged
                for action, situation in situations.items()
            ):
                newest.setdefault(
                    strategy, LastDrill(strategy, age_s(record), record.environment.name, record.run_id, failed)
                )
    return tuple(newest.get(strategy) or LastDrill(strategy) for strategy in ways)


def _done(record: RunRecord) -> Collection[str]:
    return {step.action for step in record.steps if step.outcome in {"done", "already done"}}


def _red(record: RunRecord, judged: Collection[str]) -> Collection[str]:
    """The situations of what failed; all that were judged where no result is red, as when something could not be put back."""
    return {one.situation for one in record.results if one.outcome in _RED and not one.advisory} or judged
