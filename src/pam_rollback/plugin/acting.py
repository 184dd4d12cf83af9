"""What all strategies have in common: the decision in the journal, the target found once, the undo at the end of a drill, the evidence."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import allure
import pytest

from pam_rollback.actions.escalation import Escalation
from pam_rollback.actions.journal import ACTION, FINISHED, TARGET, Journal
from pam_rollback.actions.lock import WriterLock
from pam_rollback.actions.steps import Narrator
from pam_rollback.core.clock import Clock
from pam_rollback.core.ending import Ending, ending_of
from pam_rollback.core.environment import Environment
from pam_rollback.core.escalation import duration
from pam_rollback.core.incident import Incident
from pam_rollback.core.plan import Plan
from pam_rollback.core.plan_items import Strategy
from pam_rollback.core.run_files import JOURNAL
from pam_rollback.plugin.channels import UNDO_KINDS as TOLD_KINDS
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.stories import Story
from pam_rollback.plugin.undo_kinds import CLEAR_FAULTS
from pam_rollback.plugin.undoing import undo_all
from pam_rollback.plugin.users_seen import users_after
from pam_rollback.plugin.writer_lock import noting

EVALUATED_USERS = 200
"""How many users are asked what they get. With 200, a feature that 2 % of the users keep is found with 98 % probability."""


@dataclass(frozen=True)
class Decision:
    """What an action is told: why and since when, for whom, and what to say."""

    story: Story
    strategy: Strategy
    decided_s: float
    reason: str
    message: str
    initiated_by: str
    runbook: Runbook
    journal: Journal
    """This situation's."""
    clock: Clock
    narrate: Narrator
    """Shows each step in the report, and in the lock that other machines see."""
    followed: ExitStack
    """Who is told hears of the end when it is closed."""

    def target(self, find: Callable[[], Mapping[str, Any]], *, part: str = "") -> Mapping[str, Any]:
        """What to bring about: found once, shown in the journal before acting; a resumed run keeps the one that its first run found.

        ``part`` tells apart what has a target of its own.
        """
        journal = self.journal
        known = journal.latest(TARGET, part=part) if self.runbook.resumed is not None else None
        if known is not None:
            facts: Mapping[str, Any] = known["facts"]
            return facts
        found = dict(find())
        journal.append(TARGET, story=self.story.name, part=part, facts=found)
        return found

    def users(self, count: int = EVALUATED_USERS) -> list[str]:
        """User ids that are spread over the stable hash as real ones are; another set in each run."""
        return [hashlib.sha256(f"{self.runbook.id}:{number}".encode()).hexdigest()[:32] for number in range(count)]

    def finished(self) -> None:
        """Note that the action was done to its end."""
        self.journal.append(FINISHED, story=self.story.name)
        self.followed.close()


@contextmanager
def deciding(request: pytest.FixtureRequest, story: Story, incident: Incident) -> Iterator[Decision]:
    """Note the decision; when the situation ends, put back in a drill what the action changed, and attach the journal.

    A real rollback is undone by ``--undo`` only.
    """
    runbook: Runbook = request.getfixturevalue("runbook")
    environment: Environment = request.getfixturevalue("environment")
    plan: Plan = request.getfixturevalue("plan")
    clock: Clock = request.getfixturevalue("clock")
    options = runbook.options
    escalation: Escalation = request.getfixturevalue("escalation")
    lock: WriterLock = request.getfixturevalue("sole_writer_here")
    journal: Journal = request.getfixturevalue("journal")
    earlier = journal.entries() if runbook.resumed is not None else []
    strategy = plan.strategy(story.strategy)
    initiated_by = options.initiated_by or "pam-rollback-drill"
    reason = options.reason or incident.description
    if runbook.resumed is not None:
        decided_s, reason = runbook.resumed.decided_s, options.reason or runbook.resumed.reason
    else:
        decided_s = runbook.started_s if options.real else clock.monotonic_s()
    journal.append(
        ACTION,
        run=runbook.id,
        strategy=story.name,
        environment=environment.name,
        api=environment.urls.api,
        mode=options.mode,
        reason=reason,
        observed=list(incident.observed),
        initiated_by=initiated_by,
        decided_s=decided_s,
        resumed=runbook.resumed is not None,
    )
    head = "DRILL, nothing is wrong: " if not options.real else ""
    why = "; ".join([reason, *incident.observed])
    message = f"{head}{strategy.message(environment=environment.name, why=why, run=runbook.id)}"

    def how_it_ended(error: BaseException) -> Ending:
        after = duration(clock.monotonic_s() - decided_s)
        users = users_after(error, request, incident_s=incident.started_s, decided_s=decided_s)
        ending = ending_of(error, journal.entries(), users, run_id=runbook.id, after=after)
        return replace(ending, news=runbook.secrets.redact(ending.news))

    try:
        with ExitStack() as followed:
            followed.enter_context(escalation.following(earlier, how_it_ended=how_it_ended))
            narrate = noting(lock, allure.step)
            yield Decision(
                story, strategy, decided_s, reason, message, initiated_by, runbook, journal, clock, narrate, followed
            )
    finally:
        if not options.real:
            with allure.step("undo: everything as it was before the drill"):
                undo_all(journal, environment, initiated_by=initiated_by, left_to_others={CLEAR_FAULTS, *TOLD_KINDS})
        _attach_journal(journal, runbook)


def _attach_journal(journal: Journal, runbook: Runbook) -> None:
    lines = [json.dumps(entry, ensure_ascii=False) for entry in journal.entries()]
    if lines:
        allure.attach(
            runbook.secrets.redact("\n".join(lines) + "\n"),
            name=JOURNAL,
            attachment_type="application/x-ndjson",
            extension="jsonl",
        )
