"""Who is told of the incident: each listener by itself, with a note on the disk before the call and another after it."""

import threading
from dataclasses import dataclass, field

from pam_rollback.report.watched_incident import NotTold
from pam_rollback.watch.rules.state import FAILED, TELLING, TOLD, Telling
from pam_rollback.watch.rules.turn import Moment
from pam_rollback.watch.service.book import Book

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
                answers.append(self.book.tools.listeners[telling.listener](telling.hook, telling.incident))
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
        if answers[0]:
            self.book.tools.say(f"{telling.listener}: {answers[0]}")
        return True
