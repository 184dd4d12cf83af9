"""Whether everybody was told who should have been by now, in time, and nobody before their time."""

from collections.abc import Sequence
from dataclasses import dataclass

from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.communication.escalation import (
    DONE,
    FAILED,
    HELPED,
    NAMES,
    STOPPED,
    TO_TEAM,
    Ladder,
    Level,
    Means,
    Sent,
)

LATE_S = 30.0
"""A level is told in time when it is told so soon after it was due: all of its means may have to be tried, each with its deadline."""


@dataclass(frozen=True)
class Followed:
    """How far an escalation was followed: until the rollback was done, or until now. Times count from the decision."""

    ladder: Ladder
    sent: tuple[Sent, ...]
    until_s: float
    """When the rollback was done, and nobody else had to be told; else now."""

    def level(self, level_id: str) -> "LevelTold":
        """One line of the matrix."""
        level = self.ladder.level(level_id)
        return LevelTold(level, tuple(one for one in self.sent if one.notice.occasion == level_id), self.until_s)

    def contact(self, contact_id: str, email: str, arrived: Sequence[str] | None) -> "ContactTold":
        """One of the contacts. ``arrived`` has the addresses that mail of this run arrived at, where one can look."""
        due = [level.due_s for level in self.ladder.levels if contact_id in level.contacts and "email" in level.means]
        mails = tuple(one for one in self.sent if one.notice.means == "email" and contact_id in one.notice.contacts)
        return ContactTold(contact_id, email, min(due, default=None), mails, self.until_s, arrived)

    @property
    def channels(self) -> "ChannelsTook":
        """Every message, whether it was accepted."""
        return ChannelsTook(tuple(one for one in self.sent if not one.notice.by_hand))

    @property
    def ending(self) -> "EndingTold":
        """Whether the team heard how the rollback ended."""
        return EndingTold(tuple(one for one in self.sent if one.notice.occasion in {DONE, FAILED, HELPED, STOPPED}))


@dataclass(frozen=True, repr=False)
class LevelTold(Sentence):
    """One line of the matrix: when it was due, and what was sent. ``why`` is empty when all is as the plan asks.

    Each audience has to be told by one channel at least: the team, and customers where the level asks for it.
    """

    level: Level
    sent: tuple[Sent, ...]
    until_s: float

    @property
    def due(self) -> bool:
        """The rollback was still going on at its time."""
        return self.level.due_s <= self.until_s

    @property
    def told_s(self) -> float | None:
        """When everybody was told: the team, and customers where a means to them is declared; None while one of them was not."""
        first = [
            min((one.at_s for one in self.sent if one.accepted and one.notice.means in audience), default=None)
            for audience in self._audiences
        ]
        return None if None in first else max(moment for moment in first if moment is not None)

    @property
    def _audiences(self) -> tuple[frozenset[Means], ...]:
        customers = self.level.customers
        team = frozenset(TO_TEAM) - customers
        return (team, customers) if customers else (team,)

    @property
    def right(self) -> bool:
        """Told in time; or not due, and not told."""
        return not self.why

    @property
    def why(self) -> str:
        """What is wrong."""
        who, told_s = ", ".join(self.level.who), self.told_s
        if not self.due:
            early = [one for one in self.sent if one.at_s < self.level.due_s]
            return f"{who}: told before their time, {early[0]}, due after {self.level.due_s:.1f} s" if early else ""
        if told_s is None:
            tried = "; ".join(map(str, self.sent)) or "nothing was tried"
            return f"{who}: not everybody was told ({tried}), due after {self.level.due_s:.1f} s"
        if told_s - self.level.due_s > LATE_S:
            return f"{who}: told {told_s - self.level.due_s:.1f} s late, {LATE_S:g} s at most"
        return ""

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        asked = f"from {self.level.due_s:.1f} s on" if self.due else f"not before {self.level.due_s:.1f} s"
        told_s = self.told_s
        return Figures(
            what=f"{self.level.id} told",
            asked=asked,
            measured="not told" if told_s is None else round(told_s, 1),
            unit="" if told_s is None else "s",
            n=len(self.sent),
            definition=f"from the decision, followed for {self.until_s:.1f} s",
        )

    def __str__(self) -> str:
        if self.why:
            return f"{self.level.id}, {self.why}"
        if not self.due:
            return (
                f"{self.level.id} was not due: the rollback was done after {self.until_s:.1f} s, "
                f"{', '.join(self.level.who)} are told from {self.level.due_s:.1f} s on"
            )
        return f"{self.level.id}: {', '.join(self.level.who)} were told by {'; '.join(map(str, self.sent))}"


@dataclass(frozen=True, repr=False)
class ContactTold(Sentence):
    """One contact of the plan: whether mail to the right address was accepted, and arrived where one can look."""

    contact: str
    email: str
    due_s: float | None
    mails: tuple[Sent, ...]
    until_s: float
    arrived: Sequence[str] | None

    @property
    def right(self) -> bool:
        """Written to when it was due, at the plan's address; or not due, and left alone."""
        return not self.why

    @property
    def why(self) -> str:
        """What is wrong."""
        if self.due_s is None:
            return f"{self.contact} stands in no level of the matrix that can send mail: nobody would write to them"
        if self.due_s > self.until_s:
            early = self.arrived is not None and self.email in self.arrived and not self.mails
            return f"{self.contact} got a mail before their time ({self.due_s:.1f} s)" if early else ""
        if not any(mail.accepted for mail in self.mails):
            tried = "; ".join(map(str, self.mails)) or "nothing was tried"
            return f"{self.contact} was not written to ({tried}), due after {self.due_s:.1f} s"
        if self.arrived is not None and self.email not in self.arrived:
            return f"{self.contact} was not written to: accepted, but nothing arrived at {self.email}"
        return ""

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        due = self.due_s is not None and self.due_s <= self.until_s
        accepted = sum(mail.accepted for mail in self.mails)
        return Figures(
            what=f"mail to {self.contact}", asked="a mail" if due else "no mail", measured=accepted, n=len(self.mails)
        )

    def __str__(self) -> str:
        if self.why:
            return self.why
        if self.mails:
            return f"{self.contact} was written to at {self.email}, {self.mails[0]}"
        return f"{self.contact} was not due: the rollback was done after {self.until_s:.1f} s, mail goes out from {self.due_s:.1f} s on"


@dataclass(frozen=True, repr=False)
class ChannelsTook(Sentence):
    """Every message that was sent. Nothing sent is nothing accepted."""

    sent: tuple[Sent, ...]

    @property
    def all_accepted(self) -> bool:
        """Each channel took each of its messages."""
        return bool(self.sent) and not self.failed

    @property
    def failed(self) -> tuple[Sent, ...]:
        """What was not accepted."""
        return tuple(one for one in self.sent if one.problem)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="messages accepted",
            asked=str(len(self.sent)),
            measured=len(self.sent) - len(self.failed),
            n=len(self.sent),
        )

    def __str__(self) -> str:
        if not self.sent:
            return "nobody was told anything: the environment declares no channel, or the escalation did not begin"
        used = ", ".join(dict.fromkeys(NAMES[one.notice.means] for one in self.sent))
        if self.failed:
            told = "; ".join(f"{one.notice.occasion}: {one}" for one in self.failed)
            return f"{len(self.failed)} of {len(self.sent)} messages were not accepted: {told}"
        return f"all {len(self.sent)} messages were accepted ({used})"


@dataclass(frozen=True, repr=False)
class EndingTold(Sentence):
    """Whether those who heard of the rollback heard how it ended."""

    sent: tuple[Sent, ...]

    @property
    def told(self) -> bool:
        """At least one channel took it."""
        return any(one.accepted for one in self.sent)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        accepted = sum(one.accepted for one in self.sent)
        return Figures(what="ending told", asked="1 channel or more", measured=accepted, n=len(self.sent))

    def __str__(self) -> str:
        if self.told:
            return (
                f"the team heard that the rollback is {self.sent[0].notice.occasion}: {'; '.join(map(str, self.sent))}"
            )
        tried = "; ".join(map(str, self.sent)) or "nothing was sent"
        return f"the team did not hear how the rollback ended ({tried})"
