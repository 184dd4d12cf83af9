"""Follows the escalation matrix beside an action: a thread of its own that tells people, and that nothing waits for.

It never delays a step, never raises, and decides nothing: what became of each message is a fact for tests to judge. A message is on
record before it is sent and once a channel took it. A run that is killed in between does not say it again when it is resumed: it says that
it goes on, which tells the same to whoever did not get the first one.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pam_rollback.core.clock import Clock
from pam_rollback.core.figures import duration
from pam_rollback.notify.briefing import Briefing, Ending
from pam_rollback.notify.escalation import (
    DONE,
    FAILED,
    NO_LEVEL,
    NOTICE,
    NOTICE_BEGUN,
    OVER,
    OWING,
    RESUMED,
    Ladder,
    Means,
    Notice,
    Sent,
    last_step,
    sent_before,
)
from pam_rollback.notify.escalation_told import Followed
from pam_rollback.rollback.journal import Journal

END_WITHIN_S = 20.0
"""How long the end of a session waits for what is just being sent; every channel has a deadline well below."""


@dataclass(frozen=True)
class Message:
    """One message as a channel needs it. ``contacts`` are addresses of people; ``text`` is for the team or for customers."""

    occasion: str
    title: str
    text: str
    run_id: str
    drill: bool
    contacts: tuple[str, ...] = ()
    link: str = ""


HowItEnded = Callable[[BaseException], Ending]
"""What to tell of an action that ended with this error."""
Send = Callable[[Message], str]
"""Sends a message; gives "" when it was accepted, else why not."""


@dataclass
class Sender:
    """The one way in which people are told: by a channel, on record before it is sent and once it was taken. Never raises."""

    channels: Mapping[Means, Send]
    journal: Journal
    problems: list[str] = field(default_factory=list)
    """What went wrong with telling itself."""

    def send(self, notice: Notice, message: Message, elapsed_s: Callable[[], float]) -> Sent:
        """Send one message, unless a person has to; gives what became of it. ``elapsed_s``: since the decision."""
        problem = ""
        if not notice.by_hand:
            self._note(NOTICE_BEGUN, notice, elapsed_s())
            try:
                problem = self.channels[notice.means](message)
            except Exception as error:  # noqa: BLE001 - one channel's defect must not keep the next one from being tried
                problem = repr(error)
        sent = Sent(notice, elapsed_s(), problem)
        self._note(NOTICE, notice, sent.at_s, by_hand=notice.by_hand, text=message.text, problem=problem)
        return sent

    def _note(self, event: str, notice: Notice, after_s: float, **facts: Any) -> None:
        contacts = list(notice.contacts)
        known = {"occasion": notice.occasion, "means": notice.means, "contacts": contacts, "due_s": notice.due_s}
        if not self.journal.append(event, **known, after_s=after_s, **facts) and event == NOTICE:
            self.problems.append(f"{notice.key} is not on record: no disk takes the journal")


@dataclass
class Escalation:
    """One rollback's escalation. ``emails`` has the address of each contact."""

    ladder: Ladder
    sender: Sender
    emails: Mapping[str, str]
    clock: Clock
    describe: Callable[[Mapping[str, Any]], Briefing]
    """What is told, from the journal's entry of the action."""
    until_verdict: bool = False
    """The clock goes on when the steps are done: a real rollback is over with its verdict, which comes after the windows."""
    _sent: list[Sent] = field(default_factory=list)
    _asked: "queue.Queue[str | None]" = field(default_factory=queue.Queue)
    _thread: threading.Thread | None = None
    _briefing: Briefing | None = None
    _decided_s: float = 0.0
    _done_s: float | None = None
    """When nothing became due any more."""
    _steps_done_s: float | None = None
    _clear_s: float = 0.0
    """Until then everything that was due was told, or tried; from the decision on."""
    _stopped: bool = False
    _ended_as: str = ""
    _closed: set[str] = field(default_factory=set)
    """The endings that were told: whoever hears of the rollback later reads in that message how it is."""
    _news: dict[str, str] = field(default_factory=dict)
    """What there is to say of an occasion, where that is not always the same."""

    @contextmanager
    def following(
        self, earlier: Sequence[Mapping[str, Any]] = (), *, how_it_ended: HowItEnded | None = None
    ) -> Iterator[None]:
        """Follow the action that is done in the block; the journal's latest entry of an action says since when, what and why.

        ``earlier`` has the entries of the run that this one resumes: what was told there is not told again. Without a failure the levels
        that are not due yet stay asleep from the end of the block on, unless the clock goes on until the verdict; after one, the
        escalation goes on until the session ends, unless ``how_it_ended`` says that users are well all the same.
        """
        try:
            self.begin(earlier)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with telling people, the action is done
            self.sender.problems.append(f"the escalation could not begin: {error!r}; tell people yourself")
        try:
            yield
        except BaseException as error:
            self._ask(self._ending(error, how_it_ended))
            raise
        self._steps_done_s = self.clock.monotonic_s()
        if not self.until_verdict:
            self._done_s = self._steps_done_s
        self._ask(DONE)

    def begin(self, earlier: Sequence[Mapping[str, Any]] = ()) -> None:
        """Start to follow; doing so twice changes nothing."""
        if self._thread is not None:
            return
        entries = [*earlier, *self.sender.journal.entries()]
        action: Mapping[str, Any] = next((one for one in reversed(entries) if one["event"] == "action"), {})
        self._decided_s = float(action.get("decided_s", self.clock.monotonic_s()))
        self._briefing = self.describe(action)
        self._sent.extend(sent_before(earlier))
        if self._sent:
            self._news[RESUMED] = (
                f"the rollback was interrupted and goes on now, {duration(self._elapsed_s())} after it was decided; "
                "what was told before still holds"
            )
        self._thread = threading.Thread(target=self._follow, name="escalation", daemon=True)
        self._thread.start()

    def end(self, *, over: bool, left: str = "") -> None:
        """Stop following, when everything that was begun is sent. ``over`` has everybody told that nothing is left to do.

        ``left`` is what is left to do all the same: then the team is told that instead.
        """
        if self._thread is None or self._stopped:
            return
        if over and left:
            self._news[OWING] = f"the drill is over, but NOT everything is as it was before: {left}"
        if over:
            self._ask(OWING if left else OVER)
        self._stopped = True
        if self._steps_done_s is not None and self._done_s is None:
            self._done_s = self.clock.monotonic_s()
        self._asked.put(None)
        self._thread.join(END_WITHIN_S)
        if self._thread.is_alive():
            self.sender.problems.append(
                f"the escalation did not end within {END_WITHIN_S:g} s: a channel does not keep its deadline"
            )

    @property
    def followed(self) -> Followed:
        """What was told until now, and how far the matrix was followed."""
        until_s = self._until_s()
        if self._steps_done_s is not None and self._done_s is None:
            # What becomes due while somebody asks is not late.
            until_s = max(self._steps_done_s - self._decided_s, self._clear_s)
        return Followed(self.ladder, tuple(self._sent), until_s)

    @property
    def pending(self) -> tuple[Notice, ...]:
        """What is due and not on record yet, the ending included."""
        if self._thread is None:
            return ()
        keys = {one.notice.key for one in self._sent}
        due = self.ladder.due(self._until_s(), keys)
        if self._ended_as and self._ended_as not in self._closed:
            ending = self.ladder.closing(self._ended_as, self._until_s(), tuple(self._sent))
            due += tuple(notice for notice in ending if notice.key not in keys)
        return due

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong with the escalation itself."""
        return tuple(self.sender.problems)

    @property
    def begun(self) -> bool:
        """An action is or was followed."""
        return self._thread is not None

    @property
    def decided_s(self) -> float:
        """When the action was decided; what came in earlier is of another one. 0 where none was followed."""
        return self._decided_s

    def _until_s(self) -> float:
        end_s = self._done_s if self._done_s is not None else self.clock.monotonic_s()
        return end_s - self._decided_s

    def _ending(self, error: BaseException, how_it_ended: HowItEnded | None) -> str:
        """On which occasion a failed action is told of."""
        if how_it_ended is None:
            return FAILED
        try:
            ending = how_it_ended(error)
        except Exception as problem:  # noqa: BLE001 - whatever keeps us from knowing more, people hear of the failure
            self.sender.problems.append(f"how users are is not known: {problem!r}")
            return FAILED
        self._news[ending.occasion] = ending.news
        if not ending.goes_on:
            self._done_s = self.clock.monotonic_s()
        return ending.occasion

    def _ask(self, occasion: str) -> None:
        if occasion not in {OVER, OWING}:
            self._ended_as = occasion
        self._asked.put(occasion)

    def _follow(self) -> None:
        try:
            self._tell_until_the_end()
        except Exception as error:  # noqa: BLE001 - a defect of ours must not stay unheard, nor reach the action
            self.sender.problems.append(f"the escalation broke down: {error!r}; tell people yourself")

    def _tell_until_the_end(self) -> None:
        if RESUMED in self._news:
            self._tell_all(self.ladder.closing(RESUMED, self._elapsed_s(), tuple(self._sent)))
        while True:
            # Also when the action is done: what was due before is told before it is said how it ended.
            looked_s = self._until_s()
            self._tell_all(self.ladder.due(looked_s, {one.notice.key for one in self._sent}))
            self._clear_s = looked_s
            try:
                occasion = self._asked.get(timeout=self._wait_s(looked_s))
            except queue.Empty:
                continue
            if occasion is None:
                return
            self._tell_all(self.ladder.closing(occasion, self._elapsed_s(), tuple(self._sent)))
            self._closed.add(occasion)

    def _wait_s(self, looked_s: float) -> float | None:
        """How long nothing can be due that was not when it was looked; None once nothing becomes due any more."""
        if self._done_s is not None:
            return None
        next_s = self.ladder.next_s(looked_s)
        return None if next_s is None else max(0.0, next_s - self._elapsed_s())

    def _elapsed_s(self) -> float:
        return self.clock.monotonic_s() - self._decided_s

    def _tell_all(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            if any(one.notice.key == notice.key for one in self._sent):
                continue
            self._tell(notice)

    def _tell(self, notice: Notice) -> None:
        self._sent.append(self.sender.send(notice, self._message(notice), self._elapsed_s))

    def _last_step(self) -> str:
        unread = [line for line in self.sender.journal.damaged if line.number == 0]
        return f"not known ({unread[0]})" if unread else last_step(self.sender.journal.entries())

    def _message(self, notice: Notice) -> Message:
        briefing = self._briefing
        if briefing is None:
            raise RuntimeError("nothing is followed yet")  # begin() sets it before the thread starts
        occasion = notice.occasion
        if notice.means in self.ladder.outside:
            if self._steps_done_s is not None and occasion not in NO_LEVEL:
                occasion = DONE  # whoever hears of it now reads how it is now
            title = briefing.public_title
            text = briefing.tweet if notice.means == "twitter" else briefing.public(replace(notice, occasion=occasion))
        else:
            who = next((level.who for level in self.ladder.levels if level.id == notice.occasion), ())
            title = briefing.title
            text = briefing.internal(
                notice,
                who=who,
                elapsed_s=self._elapsed_s(),
                last_step=self._last_step(),
                news=self._news.get(notice.occasion, ""),
                steps_done=self._steps_done_s is not None,
            )
        return Message(
            occasion=occasion,
            title=title,
            text=text,
            run_id=briefing.run_id,
            drill=briefing.drill,
            contacts=tuple(self.emails[contact] for contact in notice.contacts),
            link=briefing.link,
        )
