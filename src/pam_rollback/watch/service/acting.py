"""Standing consent carried out: one rollback, in a session of its own, noted before it begins and followed to its verdict.

Nothing here raises: whatever keeps the watch from acting is one line, and people are told of the incident as ever.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from pam_rollback.base.event import Event
from pam_rollback.base.outside_text import cut, one_line
from pam_rollback.report.watched_incident import WatchedIncident
from pam_rollback.watch.client.beginning import BEGUN
from pam_rollback.watch.client.child import Child
from pam_rollback.watch.rules.consent import Going, Use, counted, why_not, why_used
from pam_rollback.watch.rules.looks import Look, Streaks
from pam_rollback.watch.rules.state import PREPARED, ROLLED_BACK, UPDATED, state_of, told_as
from pam_rollback.watch.rules.turn import Moment
from pam_rollback.watch.service.book import Book
from pam_rollback.watch.service.tools import Consent, Prepared

PLACES = "consent"
"""Below the folder of the environment: one folder a rollback."""
_SHOWN = 200


@dataclass
class Acting:
    """Of one turn."""

    book: Book

    def act(self, now: Moment, look: Look, streaks: Streaks) -> None:
        """Follow what was begun; begin it, when everything says yes."""
        uses = self._followed(now)
        case = self.book.state.open
        if case is None:
            self.book.say_once("consent", "")
            return
        used = counted(uses, {use.run: self._going(use) for use in uses})
        consent = self.book.tools.consent
        asks = any(streak.asks for streak in streaks.of.values())
        if consent is None or not asks or (used and not used[-1].ended):
            return
        today = datetime.fromtimestamp(now.wall_s, UTC).date()
        why = self._why_not(consent, case.incident, look, streaks, today, used)
        why = why or self._begun(consent, now, case.incident, used)
        self.book.say_once("consent", why and f"nothing is done by standing consent: {why}")

    def take_up(self, now: Moment) -> None:
        """Note what began and is not in the journal, as when somebody moved that away: used is used."""
        known = {use.run for use in self.book.state.uses}
        for mark in sorted((self.book.tools.files.folder / PLACES).glob(f"*/{BEGUN}")):
            run = mark.parent.name
            if run not in known:
                self.book.write(now, PREPARED, run=run, folder=run, key="", story="")
                self.book.tools.say(f"run {run} used the standing consent, and the journal did not know of it")

    @property
    def goes_on(self) -> bool:
        """A rollback is under way, or its verdict was not told yet: the incident is not over."""
        return any(not use.ended and self._going(use) is not Going.NEVER_BEGAN for use in self.book.state.uses)

    def _why_not(
        self, consent: Consent, incident: WatchedIncident, look: Look, streaks: Streaks, today: date, used: list[Use]
    ) -> str:
        if why := why_used(used, consent.again):
            return f"{why}; {self.book.tools.ways_on(used[-1])}"
        try:
            entry = consent.entry()
        except Exception as problem:  # noqa: BLE001 - whatever it is, nobody may act on it
            return f"the environment's file cannot be read: {cut(one_line(str(problem)), _SHOWN)}"
        return why_not(entry, incident, look, streaks, today)

    def _begun(self, consent: Consent, now: Moment, incident: WatchedIncident, used: list[Use]) -> str:
        """Begin it; gives why not. Asked last is what takes time."""
        try:
            signature = consent.signed()
            if why := signature.problem or consent.locked():
                return why
            prepared = consent.prepare(incident, signature.who)
            if why := self._started(now, incident.key, prepared):
                return why
        except Exception as problem:  # noqa: BLE001 - whatever it is, the watch goes on
            return cut(one_line(f"it could not begin: {type(problem).__name__}: {problem}"), _SHOWN)
        after = f", after {used[-1].run}" if used else ""
        line = f"by standing consent (signed by {signature.who}{after}) run {prepared.run} rolls back: pytest {prepared.story}"
        self._note(now, incident.key, line)
        return ""

    def _started(self, now: Moment, key: str, prepared: Prepared) -> str:
        """On the disk before anything begins, and by nobody else; gives why not. Raises OSError and SubprocessError."""
        files = self.book.tools.files
        with files.alone():
            lease, latest = files.lease(), state_of(files.events())
            if lease is None or lease.token != self.book.tools.token:
                return "another watch has taken over"
            if {use.run for use in latest.uses} != {use.run for use in self.book.state.uses}:
                return "another watch has used it meanwhile"
            child = Child(files.folder / PLACES / prepared.run)
            with child.prepared() as lock:
                facts = {"run": prepared.run, "folder": prepared.folder, "key": key, "story": prepared.story}
                event = Event(now.wall_s, PREPARED, facts)
                files.append(event)
                self.book.state = state_of([event], self.book.state)
                child.start(lock, prepared.command, folder=prepared.cwd, variables=prepared.variables)
        return ""

    def _followed(self, now: Moment) -> tuple[Use, ...]:
        """Tell the verdicts of those that are over."""
        for use in self.book.state.uses:
            if use.ended or self._going(use) is not Going.OVER:
                continue
            words = ""
            with suppress(Exception):
                words = self.book.tools.verdict(use.folder)
            words = words or "it ended, and its verdict is not known here"
            self.book.write(now, ROLLED_BACK, run=use.run, words=words)
            self._note(now, use.incident, f"run {use.run} by standing consent: {words}; {self.book.tools.ways_on(use)}")
        return self.book.state.uses

    def _note(self, now: Moment, key: str, line: str) -> None:
        """Say it, and have everybody told who is told of that incident."""
        self.book.tools.say(line)
        case = self.book.state.open
        if case is not None and case.incident.key == key:
            told = replace(case.incident, notes=(*case.incident.notes, line))
            self.book.write(now, UPDATED, incident=told_as(told))

    def _going(self, use: Use) -> Going:
        return Child(self.book.tools.files.folder / PLACES / use.run).going
