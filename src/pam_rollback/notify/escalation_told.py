"""Whether everybody was told who should have been by now, in time, and nobody before their time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pam_rollback.core.figures import Fact, Measured
from pam_rollback.notify.escalation import (
    DONE,
    FAILED,
    HELPED,
    NAMES,
    STOPPED,
    TO_TEAM,
    Ladder,
    Level,
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
    def channels(self) -> Measured:
        """How many messages were accepted, each by its channel. Nothing sent is nothing accepted."""
        sent = [one for one in self.sent if not one.notice.by_hand]
        failed = [one for one in sent if one.problem]
        if not sent:
            said = "nobody was told anything: the environment declares no channel, or the escalation did not begin"
        elif failed:
            told = "; ".join(f"{one.notice.occasion}: {one}" for one in failed)
            said = f"{len(failed)} of {len(sent)} messages were not accepted: {told}"
        else:
            used = ", ".join(dict.fromkeys(NAMES[one.notice.means] for one in sent))
            said = f"all {len(sent)} messages were accepted ({used})"
        return Measured("messages accepted", str(len(sent)), len(sent) - len(failed), n=len(sent), sentence=said)

    @property
    def ending(self) -> Measured:
        """By how many channels the team heard how the rollback ended: one at least."""
        sent = [one for one in self.sent if one.notice.occasion in {DONE, FAILED, HELPED, STOPPED}]
        accepted, told = sum(one.accepted for one in sent), "; ".join(map(str, sent))
        said = f"the team did not hear how the rollback ended ({told or 'nothing was sent'})"
        if accepted:
            said = f"the team heard that the rollback is {sent[0].notice.occasion}: {told}"
        return Measured("ending told", asked="1 channel or more", value=accepted, n=len(sent), sentence=said)


@dataclass(frozen=True, repr=False)
class LevelTold(Fact):
    """One line of the matrix: when it was due, and what was sent.

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
        customers = self.level.customers
        first = [
            min((one.at_s for one in self.sent if one.accepted and one.notice.means in audience), default=math.inf)
            for audience in (frozenset(TO_TEAM) - customers, *([customers] if customers else []))
        ]
        return None if math.inf in first else max(first)

    @property
    def early(self) -> tuple[Sent, ...]:
        """What was sent before the level's time, of one that did not come to its time."""
        return () if self.due else tuple(one for one in self.sent if one.at_s < self.level.due_s)

    @property
    def late_s(self) -> float:
        """How long after its time everybody was told: for ever where one of them was not, not at all where nobody had to be."""
        if not self.due:
            return 0.0
        return math.inf if self.told_s is None else self.told_s - self.level.due_s

    @property
    def _why(self) -> str:
        who, due = ", ".join(self.level.who), f"due after {self.level.due_s:.1f} s"
        if self.early:
            return f"{who}: told before their time, {self.early[0]}, {due}"
        if self.late_s == math.inf:
            return f"{who}: not everybody was told ({'; '.join(map(str, self.sent)) or 'nothing was tried'}), {due}"
        return f"{who}: told {self.late_s:.1f} s late, {LATE_S:g} s at most" if self.late_s > LATE_S else ""

    @property
    def measured(self) -> Measured:
        """When everybody was told, beside when that was due."""
        told_s, due_s, until, who = self.told_s, self.level.due_s, f"{self.until_s:.1f} s", ", ".join(self.level.who)
        said = f": {who} were told by {'; '.join(map(str, self.sent))}"
        if self._why:
            said = f", {self._why}"
        elif not self.due:
            said = f" was not due: the rollback was done after {until}, {who} are told from {due_s:.1f} s on"
        return Measured(
            what=f"{self.level.id} told",
            asked=f"from {due_s:.1f} s on" if self.due else f"not before {due_s:.1f} s",
            value="not told" if told_s is None else round(told_s, 1),
            unit="" if told_s is None else "s",
            n=len(self.sent),
            definition=f"from the decision, followed for {until}",
            sentence=f"{self.level.id}{said}",
        )


@dataclass(frozen=True, repr=False)
class ContactTold(Fact):
    """One contact of the plan: whether mail to the right address was accepted, and arrived where one can look."""

    contact: str
    email: str
    due_s: float | None
    mails: tuple[Sent, ...]
    until_s: float
    arrived: Sequence[str] | None

    @property
    def why(self) -> str:
        """What is wrong: not written to when it was due, at the plan's address; or written to before. Empty when nothing is."""
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
    def measured(self) -> Measured:
        """How many mails were accepted."""
        due = self.due_s is not None and self.due_s <= self.until_s
        said = f"{self.contact} was not due: the rollback was done after {self.until_s:.1f} s"
        if self.why:
            said = self.why
        elif self.mails:
            said = f"{self.contact} was written to at {self.email}, {self.mails[0]}"
        else:
            said += f", mail goes out from {self.due_s:.1f} s on"
        return Measured(
            what=f"mail to {self.contact}",
            asked="a mail" if due else "no mail",
            value=sum(mail.accepted for mail in self.mails),
            n=len(self.mails),
            sentence=said,
        )
