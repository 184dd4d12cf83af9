"""One turn of a watch: looks until its time is over, keeps the incident, tells whoever listens, and hands over by its journal."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pam_rollback.base.errors import StopRequested
from pam_rollback.report.watched_incident import CriterionSeen, NotTold, WatchedIncident
from pam_rollback.watch.client import WatchFiles
from pam_rollback.watch.rules.looks import Look, Streaks
from pam_rollback.watch.rules.state import (
    BEGAN,
    CLOCK,
    CLOSED,
    ENDED,
    FAILED,
    LOOKED,
    OPENED,
    TELLING,
    TOLD,
    UNWATCHED,
    UPDATED,
    Event,
    Telling,
    WatchState,
    key_of,
    state_of,
    told_as,
)
from pam_rollback.watch.rules.turn import (
    JUMP_S,
    Lease,
    Moment,
    Standby,
    Turn,
    gap_max_s,
    jumped_s,
    may_take,
    unwatched_s,
)

RECORDED_EVERY_S = 600.0
"""How often a look is written down at which nothing happened."""
TOLD_WITHIN_S = 20.0
"""So long the watch waits for a listener; what takes longer is not known to have been told."""

Tell = Callable[[str, WatchedIncident], str]
"""Tells one listener by the named hook; gives its reference. Raises whatever goes wrong."""


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
    token: str
    every_s: float
    length_s: float
    """Infinite: until somebody stops it."""
    watched: tuple[str, ...]


@dataclass
class Watching:
    """The turn, while it lasts."""

    tools: WatchTools
    state: WatchState = field(default_factory=WatchState)
    streaks: Streaks = field(default_factory=Streaks)
    looks: int = 0
    early: int = 0
    unknown: int = 0
    why_unknown: str = ""
    unwatched_s: float = 0.0
    lease: Lease = field(init=False)
    _said: dict[str, str] = field(default_factory=dict)
    _calls: dict[str, threading.Thread] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing is ours yet."""
        self.lease = Lease(self.tools.token, self.tools.run)

    def turn(self) -> Turn:
        """Do it. Raises MeasurementFailed when the journal cannot be read; a stop ends the turn, and is raised again."""
        tools = self.tools
        began = tools.now()
        if not self._ours(began):
            return self._ended(began)
        self._begin(tools.now())
        before = tools.now()
        try:
            while (now := tools.now()).passed_s - began.passed_s < tools.length_s:
                self._between(before, now)
                if not self._beat(now):
                    self._say_once("lease", "another watch has taken over: this one tells nothing any more")
                    break
                self._look(now)
                before = now
                tools.pause(max(0.0, tools.every_s - (tools.now().passed_s - now.passed_s)))
        except StopRequested:
            self._end(began)
            raise
        return self._end(began)

    # ------------------------------------------------------------ whose turn it is

    def _ours(self, began: Moment) -> bool:
        """Wait until it is our turn; False when our time is over before."""
        tools, standby = self.tools, None
        while True:
            now = tools.now()
            with tools.files.alone():
                found = tools.files.lease()
                if found is not None:
                    standby = standby.after(found, now.passed_s) if standby else Standby(found, now.passed_s)
                if may_take(found, tools.token, standby, now.passed_s, tools.every_s):
                    before, self._last = self.lease, found
                    tools.files.write_lease(before.renewed(now.wall_s))
                    return True
            self._say_once("lease", f"run {found.run if found else '?'} watches already: this one stands by")
            if now.passed_s - began.passed_s >= tools.length_s:
                return False
            tools.pause(tools.every_s)

    def _beat(self, now: Moment) -> bool:
        files = self.tools.files
        with files.alone():
            found = files.lease()
            if found is not None and found.token != self.lease.token:
                return False
            self.lease = self.lease.renewed(now.wall_s)
            with suppress(OSError):
                files.write_lease(self.lease)
        return True

    def _begin(self, now: Moment) -> None:
        self.state = state_of(self.tools.files.events())
        self._began_s = now.passed_s
        self._write(now, BEGAN, run=self.tools.run, every_s=self.tools.every_s)
        case = self.state.open
        if case is not None:
            self.tools.say(f"goes on with {case.incident.key}: {case.incident.recommendation}")
        last: Lease | None = self._last
        if last is None or not last.at_s:
            return
        gap_s = now.wall_s - last.at_s
        if gap_s < -JUMP_S:
            self.tools.say(
                f"the latest look is {-gap_s:.0f} s ahead of this clock: how long nobody watched is not known"
            )
        elif gap_s > gap_max_s(self.tools.every_s):
            self.tools.say(f"nobody watched for {gap_s:.0f} s before this turn: nothing is known of that time")
            self._write(now, UNWATCHED, seconds=round(gap_s))

    def _between(self, before: Moment, now: Moment) -> None:
        jumped = jumped_s(before, now)
        if jumped:
            self.tools.say(f"the clock jumped by {jumped:+.0f} s: time is counted without it")
            self._write(now, CLOCK, seconds=round(jumped))
        gap_s = unwatched_s(before, now, self.tools.every_s)
        if gap_s:
            self.unwatched_s += gap_s
            self.streaks = Streaks()  # what was in between nobody knows
            self.tools.say(
                f"nobody watched for {gap_s:.0f} s (this machine slept, or was too busy): not counted as good"
            )
            self._write(now, UNWATCHED, seconds=round(gap_s))

    # ------------------------------------------------------------ looks and the incident

    def _look(self, now: Moment) -> None:
        try:
            look = self.tools.look()
        except StopRequested:
            raise
        except Exception as problem:  # noqa: BLE001 - a watch outlives what breaks one look
            look = Look(now.wall_s, blind=f"{type(problem).__name__}: {problem}")
        if look.early and look.unknown and not look.blind:
            self.early += 1
            self._say_once("early", "it has not seen for long enough yet to judge everything")
        else:
            self.looks += 1
            self.unknown += bool(look.unknown)
            self.why_unknown = look.unknown or self.why_unknown
            self._say_once("unknown", look.unknown_about, f"INCONCLUSIVE look: {look.unknown}")
        first = self._recorded_s is None and self.looks > self.unknown
        if first or now.passed_s - (self._recorded_s or self._began_s) >= RECORDED_EVERY_S:
            self._recorded_s = now.passed_s
            self._write(now, LOOKED, looks=self.looks, unknown=self.unknown)
        self.streaks = self.streaks.after(look)
        self._keep(now)
        self._tell(now)

    def _keep(self, now: Moment) -> None:
        """Open, update or close the incident by what is known now."""
        case = self.state.open
        held = tuple(seen.criterion for seen in case.incident.found) if case else ()
        criteria = self.streaks.confirmed(held)
        if not criteria:
            if case is not None:
                over = replace(case.incident, closed=_at(now), seen=_at(now))
                self._change(now, CLOSED, over)
            return
        if case is None:
            self._change(now, OPENED, self._incident(now, criteria, key_of(self.tools.environment, _at(now)), _at(now)))
            return
        latest = self._incident(now, criteria, case.incident.key, case.incident.opened)
        if _says(latest) != _says(case.incident):
            self._change(now, UPDATED, replace(latest, notes=case.incident.notes))

    def _incident(self, now: Moment, criteria: Sequence[str], key: str, opened: datetime) -> WatchedIncident:
        case, found = self.state.open, []
        known = {seen.criterion: seen for seen in case.incident.found} if case else {}
        for name in criteria:
            streak = self.streaks.of.get(name)
            if streak is not None and streak.latest is not None:
                since = known[name].since if name in known else datetime.fromtimestamp(streak.since_s, UTC)
                found.append(CriterionSeen(name, self.tools.title(name), streak.latest.words, since))
            else:
                found.append(known[name])
        asking = [name for name in criteria if (streak := self.streaks.of.get(name)) and streak.latest is not None]
        advised = (
            self.tools.advise(asking, self.streaks)
            if asking or case is None
            else Advised(
                case.incident.recommendation,
                case.incident.strategy,
                case.incident.strategy_title,
                case.incident.rehearsed,
                case.incident.command,
            )
        )
        return WatchedIncident(
            key=key,
            environment=self.tools.environment,
            found=tuple(found),
            opened=opened,
            seen=_at(now),
            run=self.tools.run,
            **vars(advised),
        )

    def _change(self, now: Moment, kind: str, incident: WatchedIncident) -> None:
        self._write(now, kind, incident=told_as(incident))
        words = "; ".join(f"{one.criterion}: {one.words}" for one in incident.found)
        if kind == CLOSED:
            lasted_s = (incident.seen - incident.opened).total_seconds()
            self.tools.say(f"{incident.key} is over, after {lasted_s:.0f} s")
            return
        command = f"; {incident.strategy_title}: {incident.command or 'see the runbook'}"
        self.tools.say(f"{incident.key} {incident.recommendation}: {words}{command}")

    # ------------------------------------------------------------ who is told

    def _tell(self, now: Moment) -> None:
        owed = self.state.owed([*self.tools.listeners])
        while owed:
            failed = {telling.listener for telling in owed if not self._told(now, telling)}
            owed = [one for one in self.state.owed([*self.tools.listeners]) if one.listener not in failed]

    def _told(self, now: Moment, telling: Telling) -> bool:
        call = self._calls.get(telling.listener)
        if call is not None and call.is_alive():
            return False
        # On the disk before anybody is told: whoever is killed now does not tell it blindly once more.
        if not telling.incident.told_before:
            self._write(now, TELLING, key=telling.incident.key, listener=telling.listener, what=telling.what)
        answers: list[str] = []
        problems: list[str] = [f"no answer within {TOLD_WITHIN_S:g} s"]

        certain: list[NotTold] = []

        def work() -> None:
            try:
                answers.append(self.tools.listeners[telling.listener](telling.hook, telling.incident))
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
                self._write(now, FAILED, key=telling.incident.key, listener=telling.listener)
            self._say_once(telling.listener, f"{telling.listener} was not told: {problems[0]}; again at the next look")
            return False
        self._say_once(telling.listener, "")
        self._write(
            now,
            TOLD,
            key=telling.incident.key,
            listener=telling.listener,
            what=telling.what,
            version=telling.version,
            reference=answers[0],
        )
        if answers[0]:
            self.tools.say(f"{telling.listener}: {answers[0]}")
        return True

    # ------------------------------------------------------------ the end of the turn

    def _end(self, began: Moment) -> Turn:
        now = self.tools.now()
        self._write(now, ENDED, run=self.tools.run, looks=self.looks, unknown=self.unknown)
        with self.tools.files.alone():
            found = self.tools.files.lease()
            if found is None or found.token == self.lease.token:
                with suppress(OSError):
                    self.tools.files.write_lease(replace(self.lease, ended=True, at_s=now.wall_s))
        return self._ended(began)

    def _ended(self, began: Moment) -> Turn:
        case = self.state.open
        return Turn(
            watched=self.tools.watched,
            looks=self.looks,
            early=self.early,
            unknown=self.unknown,
            why_unknown=self.why_unknown,
            unwatched_s=self.unwatched_s,
            length_s=self.tools.now().passed_s - began.passed_s,
            incident=case.incident if case else None,
            suspected=self.streaks.suspected,
        )

    _last: Lease | None = None
    _began_s: float = 0.0
    _recorded_s: float | None = None
    """When a look was written down; the first that saw something is, at once."""

    def _write(self, now: Moment, kind: str, **facts: object) -> None:
        event = Event(now.wall_s, kind, facts)
        try:
            self.tools.files.append(event)
        except OSError as problem:  # users are worth more than the record of what they were told
            self._say_once("disk", f"the journal cannot be written, and the next turn may tell things twice: {problem}")
        self.state = state_of([event], self.state)

    def _say_once(self, about: str, what: str, line: str = "") -> None:
        """What was said before is not said again; nothing means that it is over. ``line`` says it with figures."""
        if what and self._said.get(about) != what:
            self.tools.say(line or what)
        self._said[about] = what


def _says(incident: WatchedIncident) -> tuple[object, ...]:
    """What an update is worth: criteria, recommendation and strategy, not each figure that moved."""
    return (tuple(seen.criterion for seen in incident.found), incident.recommendation, incident.strategy)


def _at(now: Moment) -> datetime:
    return datetime.fromtimestamp(now.wall_s, UTC)
