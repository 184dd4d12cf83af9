"""The incident: opened, kept up to date and closed by what the looks show."""

from collections.abc import Sequence
from dataclasses import field, replace
from datetime import UTC, datetime

from pam_rollback.base.late_dataclass import dataclass
from pam_rollback.report.decision_record import Recommendation
from pam_rollback.report.watched_incident import CriterionSeen, WatchedIncident
from pam_rollback.watch.rules.looks import Streaks
from pam_rollback.watch.rules.state import CLOSED, OPENED, UPDATED, key_of, told_as
from pam_rollback.watch.rules.turn import Moment
from pam_rollback.watch.service.book import Book
from pam_rollback.watch.service.tools import Advised

UNSEEN = Advised(Recommendation.NOT_KNOWN, "", "nobody can say from here how users are", "", "")


@dataclass
class Keeping:
    """The incident of one turn."""

    book: Book
    _streaks: Streaks = field(default_factory=Streaks)

    def keep(self, now: Moment, streaks: Streaks, *, goes_on: bool = False) -> None:
        """Open, update or close it by what is known now. As long as a rollback ``goes_on``, it is not over."""
        self._streaks = streaks
        case = self.book.state.open
        held = tuple(seen.criterion for seen in case.incident.found) if case else ()
        criteria = self._streaks.confirmed(held) or self._streaks.unseen
        if not criteria:
            if case is not None and not goes_on:
                over = replace(case.incident, closed=_at(now), seen=_at(now))
                self._change(now, CLOSED, over)
            return
        if case is None:
            self._change(
                now, OPENED, self._incident(now, criteria, key_of(self.book.tools.environment, _at(now)), _at(now))
            )
            return
        latest = self._incident(now, criteria, case.incident.key, case.incident.opened)
        if _says(latest) != _says(case.incident):
            self._change(now, UPDATED, replace(latest, notes=case.incident.notes))

    def _incident(self, now: Moment, criteria: Sequence[str], key: str, opened: datetime) -> WatchedIncident:
        case, found = self.book.state.open, []
        known = {seen.criterion: seen for seen in case.incident.found} if case else {}
        for name in criteria:
            streak = self._streaks.of.get(name)
            if streak is not None and streak.why is not None and name in self._streaks.unseen:
                since = datetime.fromtimestamp(streak.unknown_since_s, UTC)
                found.append(CriterionSeen(name, self.book.tools.title(name), f"not known: {streak.why.words}", since))
            elif streak is not None and streak.latest is not None:
                since = known[name].since if name in known else datetime.fromtimestamp(streak.began_s, UTC)
                found.append(CriterionSeen(name, self.book.tools.title(name), streak.words, since))
            else:
                found.append(known[name])
        unseen = self._streaks.unseen
        asking = [
            name
            for name in criteria
            if name not in unseen and (streak := self._streaks.of.get(name)) and streak.latest is not None
        ]
        advised = (
            self.book.tools.advise(asking, self._streaks)
            if asking
            else UNSEEN
            if unseen or case is None
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
            environment=self.book.tools.environment,
            found=tuple(found),
            opened=opened,
            seen=_at(now),
            run=self.book.tools.run,
            **vars(advised),
        )

    def _change(self, now: Moment, kind: str, incident: WatchedIncident) -> None:
        self.book.write(now, kind, incident=told_as(incident))
        words = "; ".join(f"{one.criterion}: {one.words}" for one in incident.found)
        if kind == CLOSED:
            lasted_s = (incident.seen - incident.opened).total_seconds()
            self.book.tools.say(f"{incident.key} is over, after {lasted_s:.0f} s")
            return
        command = f"; {incident.strategy_title}: {incident.command or 'see the runbook'}"
        self.book.tools.say(f"{incident.key} {incident.recommendation}: {words}{command}")


def _says(incident: WatchedIncident) -> tuple[object, ...]:
    """What an update is worth: criteria, recommendation and strategy, not each figure that moved."""
    return (tuple(seen.criterion for seen in incident.found), incident.recommendation, incident.strategy)


def _at(now: Moment) -> datetime:
    return datetime.fromtimestamp(now.wall_s, UTC)
