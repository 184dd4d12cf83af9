"""Who has to be told by now, and by which means: the plan's escalation matrix as a function of time.

=====  ==========  ==========================================  =====================================================
level  minutes     who                                         by which means, in this order
=====  ==========  ==========================================  =====================================================
EM-1   0           engineering                                 Slack, PagerDuty
EM-2   5           technical lead, DevOps engineer             PagerDuty, e-mail, Slack
EM-3   15          product owner, leadership                   PagerDuty, e-mail, Slack
EM-4   30          everybody, and customers                    the same; status page; a person: Twitter, notice in the app,
                                                               e-mail to users
=====  ==========  ==========================================  =====================================================

Every means of a level is used once; when one fails, the next one is tried all the same. What was told already is never told again, not even
by another run that resumes this one: whoever asks says what was sent. Times are seconds from the decision to roll back; a pace divides
the plan's minutes, as it does with its windows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pam_rollback.plan.plan import Plan

Means = Literal["slack", "pagerduty", "email", "statuspage", "in_app_notice", "twitter", "user_email"]
MEANS: tuple[Means, ...] = get_args(Means)
NAMES: Mapping[Means, str] = {
    "slack": "Slack",
    "pagerduty": "PagerDuty",
    "email": "e-mail",
    "statuspage": "status page",
    "in_app_notice": "notice in the app",
    "twitter": "Twitter",
    "user_email": "e-mail to users",
}
PLAN_CHANNELS: Mapping[Means, str] = {
    "slack": "CH-1",
    "twitter": "CH-2",
    "statuspage": "CH-3",
    "in_app_notice": "CH-4",
    "user_email": "CH-5",
}
BY_HAND: tuple[Means, ...] = ("twitter", "in_app_notice", "user_email")
"""A person writes there; the text is ready in the report."""
CUSTOMERS = "customers"
"""As the plan calls them where it says who is told."""
_AUDIENCES = {"internal": "the team", "public": "the public", "users": "users"}
TO_TEAM: tuple[Means, ...] = ("slack", "pagerduty", "email")
_TO_ENGINEERING: tuple[Means, ...] = ("slack", "pagerduty")
_TO_CONTACTS: tuple[Means, ...] = ("pagerduty", "email", "slack")

NOTICE = "notice"
"""The journal's event for one message, sent or not."""
NOTICE_BEGUN = "notice-begun"
"""The journal's event before a message is sent: whoever is killed meanwhile does not know whether it arrived."""
DONE, FAILED, OVER = "done", "failed", "over"
"""What is told besides the levels: the steps are done, the rollback failed, the session has ended."""
HELPED, STOPPED = "helped", "stopped"
"""A step was not done and users are well; a person stopped the rollback (``notify/briefing.py``)."""
RESUMED, OWING = "resumed", "owing"
"""The rollback goes on in another session; a drill is over and could not put everything back."""
UNDOING, UNDONE, UNDO_FAILED = "undoing", "undone", "undo-failed"
"""A rollback is put back by ``--undo``."""
VERIFIED, NOT_VERIFIED = "verified", "not-verified"
"""The verdict of a real rollback: GO, or anything else."""
NO_LEVEL = frozenset(
    {DONE, FAILED, OVER, HELPED, STOPPED, RESUMED, OWING, UNDOING, UNDONE, UNDO_FAILED, VERIFIED, NOT_VERIFIED}
)
"""All of these: what is told besides the levels of the matrix."""
_FOR_THE_TEAM = frozenset({RESUMED, OWING, UNDOING, UNDONE, UNDO_FAILED})
"""Customers read how the service is, not who works on it."""
Severity = Literal["critical", "error", "warning", "info"]
SEVERITIES: Mapping[str, Severity] = {
    "EM-1": "warning",
    "EM-2": "error",
    HELPED: "warning",
    STOPPED: "error",
    RESUMED: "warning",
    OWING: "error",
    NOT_VERIFIED: "error",
}
"""How hard a page rings, by its occasion; all others are critical."""


@dataclass(frozen=True)
class Notice:
    """One message that is due: on which occasion, by which means, to whom (ids of contacts), and since when."""

    occasion: str
    means: Means
    due_s: float
    contacts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What makes it the same message in another run."""
        return f"{self.occasion}/{self.means}"

    @property
    def by_hand(self) -> bool:
        """Nothing is sent: a person has to."""
        return self.means in BY_HAND


@dataclass(frozen=True)
class Sent:
    """What became of a notice. ``problem`` is empty when it was accepted; ``at_s`` counts from the decision."""

    notice: Notice
    at_s: float
    problem: str = ""

    @property
    def accepted(self) -> bool:
        """Somebody took it."""
        return not self.problem and not self.notice.by_hand

    def __str__(self) -> str:
        name = NAMES[self.notice.means]
        if self.notice.by_hand:
            return f"{name} is for a person, the text is ready"
        return f"{name} failed ({self.problem})" if self.problem else f"{name} after {self.at_s:.1f} s"


@dataclass(frozen=True)
class Level:
    """One line of the matrix, with its time as it is followed here."""

    id: str
    due_s: float
    who: tuple[str, ...]
    contacts: tuple[str, ...]
    means: tuple[Means, ...]
    customers: frozenset[Means] = frozenset()
    """Those of the means that customers read and that are sent from here."""


@dataclass(frozen=True)
class Ladder:
    """The matrix for one environment. ``left_out`` has the means that are not used here, each with the reason."""

    levels: tuple[Level, ...]
    left_out: Mapping[Means, str]
    outside: frozenset[Means]
    """The means whose audience is not the team: what is told there says nothing about how it is made."""

    @classmethod
    def of(cls, plan: Plan, *, abilities: Iterable[str], drill: bool, on_sandbox: bool, pace: float) -> "Ladder":
        """What an environment with these abilities can do. Raises ValueError for a pace that is none."""
        if pace < 1:
            raise ValueError(f"pace {pace:g}: expected 1 or more")
        audiences = {means: plan.channels[channel].audience for means, channel in PLAN_CHANNELS.items()}
        left_out = _left_out(frozenset(abilities), audiences, drill=drill, on_sandbox=on_sandbox)
        # What is sent from here goes before what waits for a person.
        ordered = sorted(audiences, key=lambda means: means in BY_HAND)
        outside = [means for means in ordered if audiences[means] != "internal"]
        inside = [means for means in ordered if audiences[means] == "internal"]
        levels = []
        for item in sorted(plan.escalation.values(), key=lambda item: item.from_s):
            usual = _TO_CONTACTS if item.contacts else _TO_ENGINEERING
            team = [means for means in (*usual, *inside) if means not in outside]
            asked = dict.fromkeys([*team, *(outside if CUSTOMERS in item.who else ())])
            used = tuple(means for means in asked if means not in left_out)
            customers = frozenset(used) & frozenset(outside) - frozenset(BY_HAND)
            levels.append(Level(item.id, item.from_s / pace, item.who, item.contacts, used, customers))
        return cls(tuple(levels), left_out, frozenset(outside))

    def due(self, elapsed_s: float, sent: Iterable[str]) -> tuple[Notice, ...]:
        """What has to be told by now and has not been, in order. ``sent`` has the keys of what was, whatever became of it."""
        known = frozenset(sent)
        return tuple(
            notice
            for level in self.levels
            if level.due_s <= elapsed_s
            for notice in self.notices_of(level)
            if notice.key not in known
        )

    def next_s(self, elapsed_s: float) -> float | None:
        """When the next level is due; None after the last one."""
        return min((level.due_s for level in self.levels if level.due_s > elapsed_s), default=None)

    def notices_of(self, level: Level) -> tuple[Notice, ...]:
        """Everything that a level asks for."""
        return tuple(Notice(level.id, means, level.due_s, level.contacts) for means in level.means)

    def closing(self, occasion: str, at_s: float, sent: Iterable[Sent]) -> tuple[Notice, ...]:
        """How it ends, for everybody who heard how it began; the contacts are those who got a mail."""
        told = [one for one in sent if one.accepted and one.notice.occasion not in NO_LEVEL]
        if occasion in _FOR_THE_TEAM:
            told = [one for one in told if one.notice.means in TO_TEAM]
        contacts = tuple(
            dict.fromkeys(contact for one in told if one.notice.means == "email" for contact in one.notice.contacts)
        )
        means = dict.fromkeys(one.notice.means for one in told)
        return tuple(Notice(occasion, one, at_s, contacts if one == "email" else ()) for one in means)

    def next_to_wake(self, sent: Iterable[Sent]) -> Level | None:
        """The level above the highest that heard of it, whatever the clock says; None where everybody did."""
        heard = {one.notice.occasion for one in sent if one.accepted}
        highest = max((number for number, level in enumerate(self.levels) if level.id in heard), default=-1)
        return next(iter(self.levels[highest + 1 :]), None)

    def level(self, level_id: str) -> Level:
        """Find a level. Raises KeyError."""
        return {level.id: level for level in self.levels}[level_id]


def last_step(entries: Iterable[Mapping[str, Any]]) -> str:
    """Give the journal's last step that does not only tell of others, and whether it is under way, done or failed."""
    words = {"step-started": "under way", "step-done": "done", "step-failed": "FAILED"}
    entries = list(entries)
    tell = {entry.get("step") for entry in entries if entry.get("tells")}
    for entry in reversed(entries):
        if entry.get("event") in words and entry.get("step") not in tell:
            return f"{entry.get('step', '?')} ({words[entry['event']]})"
    return "none yet"


def sent_before(entries: Iterable[Mapping[str, Any]]) -> tuple[Sent, ...]:
    """What a journal says of the levels, for a run that goes on with it. What was refused is not among it: it may be tried again.

    A message that was being sent when the run was killed counts as sent: it may have arrived, and the resumed run tells that it goes on.
    """
    found: dict[str, Sent] = {}
    for entry in entries:
        if entry.get("event") not in {NOTICE, NOTICE_BEGUN} or entry["occasion"] in NO_LEVEL:
            continue
        notice = Notice(entry["occasion"], entry["means"], entry["due_s"], tuple(entry["contacts"]))
        if entry.get("problem"):
            found.pop(notice.key, None)
        else:
            found[notice.key] = Sent(notice, at_s=entry["after_s"])
    return tuple(found.values())


def address_of(plan: Plan, means: Means) -> str:
    """Where that channel is, by the plan; empty where it does not say."""
    return plan.channels[PLAN_CHANNELS[means]].address or ""


def where_to_post(plan: Plan, means: Means) -> str:
    """Where a person posts what is ready for it."""
    address = address_of(plan, means)
    return f"{NAMES[means]}{f', {address}' if address else ''}"


def _left_out(
    abilities: frozenset[str], audiences: Mapping[Means, str], *, drill: bool, on_sandbox: bool
) -> dict[Means, str]:
    found: dict[Means, str] = {}
    for means in MEANS:
        if means in BY_HAND:
            continue
        if means not in abilities:
            found[means] = f"the environment does not declare {means}"
        elif drill and not on_sandbox and audiences.get(means, "internal") != "internal":
            found[means] = f"a drill never tells {_AUDIENCES[audiences[means]]} anything"
        elif drill and not on_sandbox and means == "statuspage":  # whatever the plan calls its audience
            found[means] = "a drill never tells customers anything"
    return found
