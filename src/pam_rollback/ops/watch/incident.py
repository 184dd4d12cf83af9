"""The incident: opened, kept up to date and closed by what the looks show."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pam_rollback.ops.watch.looks import Streaks
from pam_rollback.ops.watch.state import CLOSED, OPENED, UPDATED, key_of, told_as
from pam_rollback.ops.watch.tools import Advised, Book
from pam_rollback.ops.watch.turn import Moment
from pam_rollback.report.record_parts import Recommendation
from pam_rollback.report.watched_incident import CriterionSeen, WatchedIncident

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
        self.book.write(now, kind, incident=told_as(incident))
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
