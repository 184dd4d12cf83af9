"""One turn of a watch: looks until its time is over, keeps the incident, tells everybody who listens, and hands over by its journal."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pam_rollback.core import run_files
from pam_rollback.core.errors import MeasurementFailed, StopRequested
from pam_rollback.core.run_files import WATCH_RECORD, Event
from pam_rollback.http.files import EventLog, Line
from pam_rollback.ops.watch.looks import Look, Moment, Streaks, Turn, gap_max_s, unwatched_s
from pam_rollback.ops.watch.state import (
    BEGAN,
    CLOSED,
    ENDED,
    FAILED,
    INCIDENT,
    LOOKED,
    OPENED,
    TELLING,
    TOLD,
    UNWATCHED,
    UPDATED,
    Telling,
    WatchState,
    key_of,
    state_of,
)
from pam_rollback.report.record_parts import Recommendation
from pam_rollback.report.watched_incident import CriterionSeen, IncidentNews, NotTold, WatchedIncident

NOTES = "watch.txt"
"""In a run's folder: the latest lines that its watch said."""


@dataclass(frozen=True)
class WatchFiles:
    """The folder of one environment. ``redact`` takes secrets out of what is written."""

    folder: Path
    redact: Callable[[str], str] = str

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.folder / WATCH_RECORD

    def append(self, event: Event) -> None:
        """Write one event; returns when it is on the disk. Raises OSError."""
        self._log.append(event)

    def events(self) -> list[Event]:
        """All of it in order; a line that a kill cut short says nothing. Raises MeasurementFailed at one that cannot be read."""
        lines = [*self._log.lines()]
        for line in lines:
            if line.too_new:
                raise MeasurementFailed(line.too_new)
            if line.event is None and line.finished and not _is_cut_short(line):
                raise MeasurementFailed(
                    f"{self.journal}, line {line.number}: expected an event of a watch, found {line.found}; "
                    "restore the file, or move it away: then incidents that are open are told once more"
                )
        return [line.event for line in lines if line.event is not None]

    @property
    def _log(self) -> EventLog:
        return EventLog(self.journal, run_files.WATCH_FORMAT, self.redact)


def _is_cut_short(line: Line) -> bool:
    """A kill left its beginning, and the next event stands on a line of its own."""
    return not line.text or (line.text.startswith(b"{") and not line.text.endswith(b"}"))


Tell = Callable[[IncidentNews, WatchedIncident], str]
"""Tells one listener what happened to an incident; gives its reference. Raises whatever goes wrong."""


@dataclass(frozen=True)
class Advised:
    """What is recommended of the criteria that ask."""

    recommendation: str
    strategy: str
    strategy_title: str
    rehearsed: str
    command: str


@dataclass(frozen=True, kw_only=True)
class WatchTools:
    """All that a turn works with."""

    files: WatchFiles
    look: Callable[[], Look]
    """Looks once. What goes wrong in it is a look that proves nothing."""
    advise: Callable[[Sequence[str], Streaks], Advised]
    title: Callable[[str], str]
    """A criterion's title."""
    listeners: Mapping[str, Tell]
    now: Callable[[], Moment]
    pause: Callable[[float], None]
    """Lets time pass; raises StopRequested when a stop is asked for."""
    say: Callable[[str], None]
    environment: str
    run: str
    every_s: float
    length_s: float
    """Infinite: until somebody stops it."""
    watched: tuple[str, ...]
    not_judged: tuple[str, ...]


@dataclass
class Book:
    """The journal of one turn: what it says stands in ``state``, and nothing is said twice in a row."""

    tools: WatchTools
    state: WatchState = field(default_factory=WatchState)
    _said: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        """Begin with what the turns before wrote. Raises MeasurementFailed when that cannot be read."""
        self.state = state_of(self.tools.files.events())

    def write(self, now: Moment, kind: str, **facts: object) -> None:
        """Note it. A disk that does not take it is said."""
        event = Event(now.wall_s, kind, facts)
        try:
            self.tools.files.append(event)
        except OSError as problem:  # users are worth more than the record of what they were told
            self.say_once("disk", f"the journal cannot be written, and the next turn may tell things twice: {problem}")
        self.state = state_of([event], self.state)

    def say_once(self, about: str, what: str, line: str = "") -> None:
        """What was said before is not said again; nothing means that it is over. ``line`` says it with figures."""
        if what and self._said.get(about) != what:
            self.tools.say(line or what)
        self._said[about] = what


TOLD_WITHIN_S = 20.0
"""So long the watch waits for a listener; what takes longer is not known to have been told."""


@dataclass
class Teller:
    """Tells, and remembers who is still being told."""

    book: Book
    _calls: dict[str, threading.Thread] = field(default_factory=dict)

    def tell(self, now: Moment) -> None:
        """Tell each listener what it is owed, one after the other."""
        owed = self.book.state.owed([*self.book.tools.listeners])
        while owed:
            failed = {telling.listener for telling in owed if not self._told(now, telling)}
            owed = [one for one in self.book.state.owed([*self.book.tools.listeners]) if one.listener not in failed]

    def _told(self, now: Moment, telling: Telling) -> bool:
        call = self._calls.get(telling.listener)
        if call is not None and call.is_alive():
            return False
        # On the disk before anybody is told: whoever is killed now does not tell it blindly once more.
        if not telling.incident.told_before:
            self.book.write(now, TELLING, key=telling.incident.key, listener=telling.listener, what=telling.what)
        answers: list[str] = []
        problems: list[str] = [f"no answer within {TOLD_WITHIN_S:g} s"]

        certain: list[NotTold] = []

        def work() -> None:
            try:
                answers.append(self.book.tools.listeners[telling.listener](telling.news, telling.incident))
            except NotTold as problem:
                certain.append(problem)
                problems[0] = " ".join(str(problem).split())
            except Exception as problem:  # noqa: BLE001 - one listener's trouble is nobody else's
                problems[0] = " ".join(f"{type(problem).__name__}: {problem}".split())

        call = threading.Thread(target=work, daemon=True, name=f"tells {telling.listener}")
        self._calls[telling.listener] = call
        call.start()
        call.join(TOLD_WITHIN_S)
        if not answers:
            if certain:
                self.book.write(now, FAILED, key=telling.incident.key, listener=telling.listener)
            self.book.say_once(
                telling.listener, f"{telling.listener} was not told: {problems[0]}; again at the next look"
            )
            return False
        self.book.say_once(telling.listener, "")
        self.book.write(
            now,
            TOLD,
            key=telling.incident.key,
            listener=telling.listener,
            what=telling.what,
            version=telling.version,
            reference=answers[0],
        )
        if answers[0] not in {"", telling.incident.reference}:
            self.book.tools.say(f"{telling.listener}: {answers[0]}")
        return True


RECORDED_EVERY_S = 600.0
"""How often a look is written down at which nothing happened."""


@dataclass
class Watching:
    """The turn, while it lasts."""

    tools: WatchTools
    streaks: Streaks = field(default_factory=Streaks)
    looks: int = 0
    early: int = 0
    unknown: int = 0
    why_unknown: str = ""
    asked_s: list[float] = field(default_factory=list)
    """The looks that asked while no incident was told of."""
    troubled: int = 0
    unwatched_s: float = 0.0
    book: Book = field(init=False)
    _began_s: float = 0.0
    _recorded_s: float | None = None
    """When a look was written down; the first that saw something is, at once."""

    def __post_init__(self) -> None:
        """Nothing is ours yet."""
        self.book = Book(self.tools)
        self._keeping = Keeping(self.book)
        self._teller = Teller(self.book)

    def turn(self) -> Turn:
        """Do it. Raises MeasurementFailed when the journal cannot be read; a stop ends the turn, and is raised again."""
        tools = self.tools
        began = tools.now()
        self._begin(began)
        before = tools.now()
        try:
            while (now := tools.now()).passed_s - began.passed_s < tools.length_s:
                self._between(before, now)
                self._look(now)
                before = now
                tools.pause(max(0.0, tools.every_s - (tools.now().passed_s - now.passed_s)))
        except StopRequested:
            self._end(began)
            raise
        return self._end(began)

    def _begin(self, now: Moment) -> None:
        self.book.read()
        self._began_s = now.passed_s
        case, latest = self.book.state.open, self.book.state.latest
        self.book.write(now, BEGAN, run=self.tools.run, every_s=self.tools.every_s)
        if case is not None:
            self.tools.say(f"goes on with {case.incident.key}: {case.incident.recommendation}")
        if latest is None:
            return
        gap_s = now.wall_s - latest.at_s
        # A turn that was killed wrote down its latest look within the last ten minutes.
        since_s = 0.0 if latest.kind == ENDED else RECORDED_EVERY_S
        if gap_s > gap_max_s(self.tools.every_s) + since_s:
            self.tools.say(f"nobody watched for {gap_s:.0f} s before this turn: nothing is known of that time")
            self.book.write(now, UNWATCHED, seconds=round(gap_s))

    def _between(self, before: Moment, now: Moment) -> None:
        gap_s = unwatched_s(before, now, self.tools.every_s)
        if gap_s:
            self.unwatched_s += gap_s
            self.streaks = Streaks()  # what was in between nobody knows
            self.tools.say(
                f"nobody watched for {gap_s:.0f} s (this machine slept, or was too busy): not counted as good"
            )
            self.book.write(now, UNWATCHED, seconds=round(gap_s))

    def _look(self, now: Moment) -> None:
        try:
            look = self.tools.look()
        except StopRequested:
            raise
        except Exception as problem:  # noqa: BLE001 - a watch outlives what breaks one look
            look = Look(now.wall_s, blind=f"{type(problem).__name__}: {problem}")
        if look.early and look.unknown and not look.blind:
            self.early += 1
            self.book.say_once("early", "it has not seen for long enough yet to judge everything")
        else:
            self.looks += 1
            self.unknown += bool(look.unknown)
            self.why_unknown = look.unknown or self.why_unknown
            self._count(look)
            self.book.say_once("unknown", look.unknown_about, f"INCONCLUSIVE look: {look.unknown}")
        first = self._recorded_s is None and self.looks > self.unknown
        if first or now.passed_s - (self._recorded_s or self._began_s) >= RECORDED_EVERY_S:
            self._recorded_s = now.passed_s
            self.book.write(now, LOOKED, looks=self.looks, unknown=self.unknown)
        self.streaks = self.streaks.after(look)
        before = self.book.state.open
        self._keeping.keep(now, self.streaks)
        opened = self.book.state.open
        if before is None and opened is not None:
            since_s = min(seen.since.timestamp() for seen in opened.incident.found)
            self.asked_s = [at_s for at_s in self.asked_s if at_s < since_s]  # the others are told of now
        self._teller.tell(now)

    def _count(self, look: Look) -> None:
        """What no incident tells of."""
        if self.book.state.open is None:
            self.troubled += look.troubled
            self.asked_s += [look.at_s] if look.asks else []

    def _end(self, began: Moment) -> Turn:
        now, case = self.tools.now(), self.book.state.open
        self.book.write(now, ENDED, run=self.tools.run, looks=self.looks, unknown=self.unknown)
        return Turn(
            watched=self.tools.watched,
            not_judged=self.tools.not_judged,
            looks=self.looks,
            early=self.early,
            unknown=self.unknown,
            why_unknown=self.why_unknown,
            asked=len(self.asked_s),
            troubled=self.troubled,
            unwatched_s=self.unwatched_s,
            length_s=now.passed_s - began.passed_s,
            incident=case.incident if case else None,
            suspected=self.streaks.suspected,
        )


UNSEEN = Advised(Recommendation.NOT_KNOWN, "", "nobody can say from here how users are", "", "")


@dataclass
class Keeping:
    """The incident of one turn."""

    book: Book
    _streaks: Streaks = field(default_factory=Streaks)

    def keep(self, now: Moment, streaks: Streaks) -> None:
        """Open, update or close it by what is known now."""
        self._streaks = streaks
        case = self.book.state.open
        held = tuple(seen.criterion for seen in case.incident.found) if case else ()
        saw_nothing = case is not None and case.incident.recommendation == Recommendation.NOT_KNOWN
        criteria = streaks.confirmed(() if saw_nothing else held)
        if not criteria and saw_nothing and streaks.confirmed(held):
            return  # not seen again yet
        if not criteria and case is None and streaks.unseen:
            self._change(now, OPENED, self._incident(now, self._not_seen(streaks.unseen), UNSEEN))
            return
        if not criteria:
            if case is not None:
                over = replace(case.incident, closed=_at(now), seen=_at(now))
                self._change(now, CLOSED, over)
            return
        found = self._seen(criteria)
        asking = [name for name in criteria if (streak := streaks.of.get(name)) and streak.latest is not None]
        if case is None:
            self._change(now, OPENED, self._incident(now, found, self.book.tools.advise(asking, streaks)))
            return
        latest = self._incident(
            now, found, self.book.tools.advise(asking, streaks) if asking else _as_advised(case.incident)
        )
        if _says(latest) != _says(case.incident):
            self._change(now, UPDATED, latest)

    def _seen(self, criteria: Sequence[str]) -> list[CriterionSeen]:
        case = self.book.state.open
        known = {seen.criterion: seen for seen in case.incident.found} if case else {}
        found = []
        for name in criteria:
            streak = self._streaks.of.get(name)
            if streak is not None and streak.latest is not None:
                since = known[name].since if name in known else datetime.fromtimestamp(streak.began_s, UTC)
                found.append(CriterionSeen(name, self.book.tools.title(name), streak.words, since))
            else:
                found.append(known[name])
        return found

    def _not_seen(self, criteria: Sequence[str]) -> list[CriterionSeen]:
        """What is told of a watch that sees nothing."""
        found = []
        for name in criteria:
            streak = self._streaks.of[name]
            since = datetime.fromtimestamp(streak.unknown_since_s, UTC)
            words = f"not known for {streak.unknown} looks in a row: {streak.why.words if streak.why else ''}"
            found.append(CriterionSeen(name, self.book.tools.title(name), words, since))
        return found

    def _incident(self, now: Moment, found: Sequence[CriterionSeen], advised: Advised) -> WatchedIncident:
        case = self.book.state.open
        return WatchedIncident(
            key=case.incident.key if case else key_of(self.book.tools.environment, _at(now)),
            environment=self.book.tools.environment,
            found=tuple(found),
            opened=case.incident.opened if case else _at(now),
            seen=_at(now),
            run=self.book.tools.run,
            **vars(advised),
        )

    def _change(self, now: Moment, kind: str, incident: WatchedIncident) -> None:
        self.book.write(now, kind, incident=INCIDENT.dump_python(incident, mode="json"))
        words = "; ".join(f"{one.criterion}: {one.words}" for one in incident.found)
        if kind == CLOSED:
            lasted_s = (incident.seen - incident.opened).total_seconds()
            self.book.tools.say(f"{incident.key} is over, after {lasted_s:.0f} s")
            return
        command = f"; {incident.strategy_title}: {incident.command or 'see the runbook'}"
        self.book.tools.say(f"{incident.key} {incident.recommendation}: {words}{command}")


def _as_advised(incident: WatchedIncident) -> Advised:
    return Advised(
        incident.recommendation, incident.strategy, incident.strategy_title, incident.rehearsed, incident.command
    )


def _says(incident: WatchedIncident) -> tuple[object, ...]:
    """What an update is worth: criteria, recommendation and strategy, not each figure that moved."""
    return (tuple(seen.criterion for seen in incident.found), incident.recommendation, incident.strategy)


def _at(now: Moment) -> datetime:
    return datetime.fromtimestamp(now.wall_s, UTC)
