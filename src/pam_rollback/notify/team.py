"""Tells the team what became of a rollback: its verdict, and that it is taken back.

It goes to those who were told of the run, by the same means, and to engineering in any case. A thread of its own sends,
so that no channel delays what is put back; the end waits for it within limits.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pam_rollback.notify.briefing import Briefing
from pam_rollback.notify.channels import Channels
from pam_rollback.notify.escalating import END_WITHIN_S, Message, Sender
from pam_rollback.notify.escalation import (
    NAMES,
    TO_TEAM,
    UNDO_FAILED,
    UNDOING,
    UNDONE,
    Ladder,
    Level,
    Means,
    Notice,
    sent_before,
)
from pam_rollback.plan.plan import Plan
from pam_rollback.rollback.journal import ACTION, Journal, Undo
from pam_rollback.target.environment import Environment

_ENGINEERING: tuple[Means, ...] = ("slack", "pagerduty")


@dataclass
class TeamMessages:
    """Messages to those who heard of one rollback. ``means`` says who is told how: the contacts of each."""

    briefing: Briefing
    sender: Sender
    means: Mapping[Means, Sequence[str]]
    next_level: Level | None = None
    """Who hears of it next by the plan's matrix."""
    emails: Mapping[str, str] = field(default_factory=dict)
    """Of each contact."""
    _sending: threading.Thread | None = field(default=None, init=False)

    @property
    def problems(self) -> list[str]:
        """What went wrong with telling people."""
        return self.sender.problems

    @contextmanager
    def following(
        self, owed: Sequence[Undo], *, who: str, reason: str, redact: Callable[[str], str] = str
    ) -> Iterator[None]:
        """Tell of the undo that is done in the block, and how it ended. ``redact`` takes secrets out of why it failed."""
        kinds = ", ".join(dict.fromkeys(undo.kind for undo in owed)) or "nothing"
        by = f" by {who}" if who else ""
        why = f" ({reason})" if reason else ""
        changes = f"{len(owed)} change{'' if len(owed) == 1 else 's'}"
        self._tell(UNDOING, f"UNDO begun{by}{why}: {changes} of the rollback will be put back ({kinds})")
        try:
            yield
        except BaseException as error:
            left = f"{len(self.sender.journal.owed())} of {changes} NOT put back"
            problem = " ".join(str(error).split()) or repr(error)
            self.say(UNDO_FAILED, redact(f"UNDO FAILED{by}: {left}, a person is needed: {problem}"))
            raise
        in_effect = "what the rollback brought about is no longer in effect"
        self.say(UNDONE, f"UNDONE{by}: {changes} put back and read back; {in_effect}")

    def say(self, occasion: str, news: str) -> None:
        """Tell one thing, after what is being told, within limits."""
        sending = self._tell(occasion, news)
        sending.join(END_WITHIN_S)
        if sending.is_alive():
            self.problems.append(f"not everybody was told within {END_WITHIN_S:g} s; tell them yourself")

    def wake(self, news: str) -> str:
        """Tell the level above those who were told: the rollback was done, and it did not help. Gives its id; "" where there is none.

        The team only: what customers read of it is for a person to say.
        """
        level = self.next_level
        if level is None:
            return ""
        contacts = tuple(self.emails[one] for one in level.contacts)
        means = {one: contacts if one == "email" else () for one in level.means if one in TO_TEAM}
        woken = replace(self, means={one: people for one, people in means.items() if one in self.sender.channels})
        woken.say(level.id, f"{', '.join(level.who)}: please join now, the rollback is NOT verified. {news}")
        return level.id

    def _tell(self, occasion: str, news: str) -> threading.Thread:
        before = self._sending

        def send_all() -> None:
            if before is not None:
                before.join()
            for means, contacts in self.means.items():
                self._send(occasion, means, tuple(contacts), news)

        self._sending = threading.Thread(target=send_all, name="telling the team", daemon=True)
        self._sending.start()
        return self._sending

    def _send(self, occasion: str, means: Means, contacts: tuple[str, ...], news: str) -> None:
        briefing = self.briefing
        text = (
            f"{briefing.head}PAM on {briefing.environment}, rollback {briefing.strategy}: {news}. Run {briefing.run_id}"
            f"{briefing.link and ' · ' + briefing.link}"
        )
        message = Message(
            occasion, f"{briefing.title}: {occasion}", text, briefing.run_id, briefing.drill, contacts, briefing.link
        )
        if problem := self.sender.send(Notice(occasion, means, 0.0), message, lambda: 0.0).problem:
            self.problems.append(f"{NAMES[means]} was not told: {problem}")


def link_to_job() -> str:
    """The page of the CI job that this session runs in; empty anywhere else."""
    parts = [os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*parts) if all(parts) else ""


def team_of(
    plan: Plan,
    environment: Environment,
    journal: Journal,
    *,
    pace: float,
    redact: Callable[[str], str],
    link: str = "",
) -> TeamMessages | None:
    """Who heard of this journal's rollback; None where no rollback was begun, or there is nobody to tell.

    ``redact`` takes secrets out of a text. ``link``: what shows this session, where there is such a place.
    """
    entries = journal.entries()
    action: Mapping[str, Any] | None = next((one for one in entries if one["event"] == ACTION), None)
    if action is None:
        return None
    channels = Channels(environment, journal).by_means()
    emails = plan.emails
    heard: dict[Means, list[str]] = {}
    for sent in sent_before(entries):
        if sent.notice.means in TO_TEAM and sent.notice.means in channels:
            people = heard.setdefault(sent.notice.means, [])
            if sent.notice.means == "email":
                people += [emails[one] for one in sent.notice.contacts if one in emails and emails[one] not in people]
    # A channel that failed before may take this: engineering is always tried.
    means: dict[Means, list[str]] = {one: [] for one in _ENGINEERING if one in channels} | heard
    if not means:
        return None
    briefing = Briefing(
        environment=environment.name,
        strategy=str(action["strategy"]),
        why=redact(str(action.get("reason", ""))),
        run_id=str(action.get("run", journal.path.parent.name)),
        drill=action.get("mode") != "real",
        link=link,
    )
    ladder = Ladder.of(
        plan,
        abilities=environment.abilities,
        drill=briefing.drill,
        on_sandbox=environment.is_sandbox,
        pace=pace,
    )
    return TeamMessages(briefing, Sender(channels, journal), means, ladder.next_to_wake(sent_before(entries)), emails)
