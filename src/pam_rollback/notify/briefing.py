"""In which words people are told of a rollback: the team, customers, and whoever posts where only a person can.

=====================  ==================  =======================================================================
the steps              users, as probed    what is told
=====================  ==================  =======================================================================
all done               not asked           done; the checks are running
stopped by a person    whatever they are   STOPPED, with how users are; resume it or undo it
none was begun         whatever they are   NOT BEGUN, nothing was changed; take another way
one failed             well again          HELPED: users are well, no stronger strategy is needed; what is left to do
one failed             not well            FAILED: take the next stronger strategy
one failed             not known           FAILED: look at users first; if they are not well, take the next stronger one
=====================  ==================  =======================================================================

*Well again* is said of users only where our own probes saw them suffer and then saw nothing bad for ``WELL_FOR_S``. Probes that never saw
the trouble cannot see its end either: that is not known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pam_rollback.core.errors import MeasurementFailed, StopRequested
from pam_rollback.core.figures import duration
from pam_rollback.core.outside_text import one_line
from pam_rollback.notify.escalation import FAILED, HELPED, STOPPED, Notice
from pam_rollback.probe.recovery import GAP_MAX_S, OutageRule, recovery
from pam_rollback.probe.samples import Sample


@dataclass(frozen=True)
class Briefing:
    """What is told of a rollback. ``link`` leads to whatever shows this run, if there is such a place."""

    environment: str
    strategy: str
    why: str
    run_id: str
    drill: bool
    link: str = ""
    news_at: str = ""
    """Where customers read on: the address of the plan's status page."""

    def internal(
        self,
        notice: Notice,
        *,
        who: Sequence[str],
        elapsed_s: float,
        last_step: str,
        news: str = "",
        steps_done: bool = False,
    ) -> str:
        """What the team reads: what is happening, for how long, how far it is, who has to do what, and where to look.

        ``news`` is what there is to say of an occasion that only its witness knows, such as how the action failed. ``steps_done``: all
        that is left is its verdict.
        """
        since = duration(elapsed_s)
        going = f"the rollback has been going on for {since}"
        if steps_done:
            going = f"the rollback was decided {since} ago, every step is done, and it is NOT verified yet"
        match notice.occasion:
            case _ if news:
                pass
            case "done":
                news = f"every step is done after {since}; NOT verified yet, the checks are running"
            case "failed":
                news = f"the rollback FAILED after {since}; look whether users are well; if not, take the next stronger strategy"
            case "over":
                news = f"the drill is over after {since}, nothing is left to do"
            case _:
                news = f"{going}; {', '.join(who)}: {_TASKS.get(notice.occasion, 'please help')}"
        return (
            f"{self.head}PAM on {self.environment}, rollback {self.strategy} ({self.why}): {news}. "
            f"Last step: {last_step}. Run {self.run_id}{self.link and ' · ' + self.link}"
        )

    def public(self, notice: Notice) -> str:
        """What customers read: nothing about how it is made."""
        match notice.occasion:
            case "done" | "helped":
                news = "We have put an earlier version of PAM back and are watching it closely."
            case "failed" | "stopped":
                news = "PAM is having trouble. We are working on it; until then its answers may be late or missing."
            case "over":
                news = "This is over. PAM works as usual."
            case _:
                news = "PAM is having trouble. We are putting an earlier version back; until then its answers may be late or missing."
        return self.head + news

    @property
    def tweet(self) -> str:
        """What a person may post; short enough for Twitter."""
        return (
            f"{self.head}PAM is having trouble. We are putting an earlier version back and will tell you here when it works again."
            f"{self.news_at and ' News: ' + self.news_at}"
        )

    @property
    def title(self) -> str:
        """One line for a subject, an incident or an alert."""
        return f"{self.head}PAM rollback {self.strategy} on {self.environment}"

    @property
    def public_title(self) -> str:
        """The name of the incident on the status page."""
        return f"{self.head}PAM answers late or not at all"

    @property
    def head(self) -> str:
        """Marks a drill, at the beginning of everything that is sent."""
        return "DRILL, nothing is wrong: " if self.drill else ""


_TASKS = {
    "EM-1": "you are rolling back, write here what you see",
    "EM-2": "please join now",
    "EM-3": "you are told so that you can decide about customers",
    "EM-4": "everybody helps, customers are told",
}


WELL_FOR_S = 10.0
"""So long nothing bad may have been probed. A service that flaps is not well: an outage of it ends after 3 s without a bad answer."""


class Users(StrEnum):
    """How they are."""

    WELL = "well"
    ILL = "not well"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class UsersNow:
    """How users are right now, and what says so."""

    state: Users
    words: str


def users_now(
    samples: Iterable[Sample], *, incident_s: float | None, decided_s: float, now_s: float, rule: OutageRule
) -> UsersNow:
    """How users are at ``now_s``, by the prober's samples; never raises for what they do not tell."""
    samples = tuple(samples)
    try:
        found = recovery(samples, incident_s=incident_s, decision_s=decided_s, rule=rule)
    except MeasurementFailed as error:
        return UsersNow(Users.UNKNOWN, str(error))
    measured = [sample for sample in samples if sample.measured()]
    silent_s = now_s - max(sample.due_s for sample in measured)
    if silent_s > GAP_MAX_S:
        return UsersNow(Users.UNKNOWN, f"the last usable probe was {silent_s:.0f} s ago")
    if found.onset_s is None:
        return UsersNow(Users.UNKNOWN, "our probes saw none of the trouble, so they cannot see its end")
    latest = [sample for sample in measured if sample.due_s >= now_s - WELL_FOR_S]
    bad = [sample for sample in latest if sample.bad(rule.slow_ms)]
    suffering = any(sample.due_s >= now_s - rule.merge_s for sample in bad)
    counted = f"{len(latest) - len(bad)} of {len(latest)} probes of the last {WELL_FOR_S:.0f} s were good"
    if found.recovered_s is not None and not bad and found.good_for_s >= WELL_FOR_S:
        return UsersNow(Users.WELL, f"{counted}, for {found.good_for_s:.0f} s nothing bad was seen")
    if suffering:
        return UsersNow(Users.ILL, counted)
    return UsersNow(Users.UNKNOWN, f"{counted}, the latest all were: that is too short to tell")


@dataclass(frozen=True)
class Ending:
    """What is told of an action that was not done to its end. ``goes_on``: the escalation goes on to the next levels."""

    occasion: str
    news: str
    goes_on: bool = True


def ending_of(
    error: BaseException, entries: Sequence[Mapping[str, Any]], users: UsersNow, *, run_id: str, after: str
) -> Ending:
    """What to tell of an action that ended with ``error``. ``entries``: its journal; ``after``: how long it went on, in words."""
    of_this_action = _since_the_action(entries)
    how_they_are = f"users are {users.state} ({users.words})"
    if users.state is Users.UNKNOWN:
        how_they_are = f"whether users are well is not known ({users.words})"
    if isinstance(error, StopRequested | KeyboardInterrupt):
        why = str(error) or "by a person"
        return Ending(
            STOPPED,
            f"the rollback was STOPPED after {after} ({why}); {how_they_are}; "
            f"finish it with --resume {run_id}, or put it back with --undo {run_id}",
        )
    problem = one_line(str(error) or repr(error))
    if not any(entry["event"] in {"step-started", "undo-owed"} for entry in of_this_action):
        return Ending(
            FAILED,
            f"the rollback was NOT BEGUN and nothing was changed: {problem}; "
            f"{how_they_are}; name another target or take another way, the escalation goes on",
        )
    if users.state is Users.WELL:
        return Ending(
            HELPED,
            f"users are well again ({users.words}), so no stronger strategy is needed; but not every step was done after {after}: "
            f"{problem}. Left to do: {_left(of_this_action)}; finish it with --resume {run_id}, or by hand",
            goes_on=False,
        )
    if users.state is Users.ILL:
        advice = f"{how_they_are}: take the next stronger strategy, the escalation goes on"
    else:
        advice = (
            f"{how_they_are}: look first, and if they are not, take the next stronger strategy; the escalation goes on"
        )
    return Ending(FAILED, f"the rollback FAILED after {after}: {problem}; {advice}")


def _since_the_action(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The latest action's lines; a resumed one begins with its first session."""
    starts = [place for place, entry in enumerate(entries) if entry["event"] == "action" and not entry.get("resumed")]
    return list(entries[starts[-1] :] if starts else entries)


def _left(entries: Iterable[Mapping[str, Any]]) -> str:
    """The steps that were begun or due and not done, in order; the last word on each counts."""
    state: dict[str, str] = {}
    for entry in entries:
        match entry["event"]:
            case "step-done":
                state[str(entry["step"])] = ""
            case "step-started":
                state[str(entry["step"])] = "not ended"
            case "step-failed" | "step-not-done":
                state[str(entry["step"])] = str(entry.get("problem") or "failed")
    left = [name for name, problem in state.items() if problem]
    return ", ".join(map(repr, left)) or "see the journal"
