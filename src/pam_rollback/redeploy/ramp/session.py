"""What one session's ramp works with: the world as it is asked here, and the rollback that answers a breach."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.run_files import RAMP_JOURNAL
from pam_rollback.plan.flags import FlagAdmin, TeamNotice
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.redeploy.ramp.due import World
from pam_rollback.redeploy.ramp.facts import Answers, wanted_at
from pam_rollback.redeploy.ramp.hooks import newest_gate, note
from pam_rollback.redeploy.ramp.invocation import RampJournal, RampRun, RampTools, Yes, go_on
from pam_rollback.redeploy.ramp.state import rules_of
from pam_rollback.redeploy.ramp.watch import RampWatch
from pam_rollback.rollback.asked_users import EVALUATED_USERS, asked_users
from pam_rollback.rollback.flags import FlagRollback, Flags, answers_of, switched_off
from pam_rollback.rollback.journal import ACTION, FINISHED, Journal, Undo
from pam_rollback.rollback.step_list import Telling
from pam_rollback.target.served_release import Wanted
from pam_rollback.target.served_release_reader import ServedApi


class _OwesNothing(Journal):
    """What a breach took from users is not put back by an undo: they are let in again by a new ramp."""

    def owe(self, kind: str, facts: Mapping[str, Any], *, place: str = "") -> Undo:
        """Remember nothing."""
        return Undo(0, kind, facts, place)


@dataclass(frozen=True)
class RampSession:
    """One invocation, with all that a session has for it."""

    runbook: Runbook
    root: Path
    watch: RampWatch
    admin: FlagAdmin
    channel: TeamNotice | None
    step: Callable[[str], Any]
    """Shows a step in the report."""

    @property
    def _journal(self) -> RampJournal:
        """The ramp's journal of this environment. A sandbox that ends with the session takes its ramp with it."""
        runbook = self.runbook
        where = runbook.options.state_dir or self.root / "reports" / "state"
        folder = runbook.folder / "state" if runbook.own_sandbox else where / runbook.environment.name
        return RampJournal(folder / RAMP_JOURNAL, lambda: self.watch.clock.wall().timestamp(), runbook.secrets.redact)

    def go_on(self) -> RampRun:
        """Do what is due. Raises Refused, MeasurementFailed when it could not look, ActionFailed when a change was not made."""
        watch, plan = self.watch, self.watch.plan
        flags = sorted(plan.strategies[plan.ramp_terms.rollback].flag_changes)
        if self.runbook.own_sandbox:
            # As after the rollback that the ramp leads back from: a sandbox begins with everything on.
            self.admin.set_flags(wanted_at(flags, 0))
        tools = RampTools(
            journal=self._journal,
            admin=self.admin,
            flags=flags,
            world=self._world,
            users=self._users,
            look=watch.look,
            roll_back=self._roll_back,
            tell=self._tell,
            say=watch.progress.announce,
            waiter=watch.waiter,
        )
        rules = rules_of(plan.ramp, plan.ramp_terms, pace=self.runbook.pace, approvals=watch.environment.ramp.approvals)
        done = go_on(tools, rules, by=self._by, approvals=[_yes(text) for text in self.runbook.options.approve])
        note(self.runbook.folder, [*done.progressed.did, f"next: {done.progressed.next}"])
        watch.progress.announce(f"  next: {done.progressed.next}")
        return done

    @property
    def _by(self) -> str:
        return self.runbook.options.initiated_by or "pam-rollback-drill"

    def _world(self) -> World:
        # The release that answers now, not the one that answered when the session began.
        environment, runbook = self.watch.environment, self.runbook
        served = ServedApi(environment.url_of("version"), environment.probing.request_deadline_s).look(Wanted())
        runbook.saw_release(served.version)
        return World(
            now_s=self.watch.clock.wall().timestamp(),
            release=served.version,
            commit=served.commit,
            # A sandbox that ends with its session is another one at each gate.
            host="" if runbook.own_sandbox else runbook.host,
            shares_pct={},
            gate=newest_gate(self.root / "reports" / "out", environment.name),
        )

    def _users(self, sample: int) -> Answers:
        """User ids that are spread over the stable hash as real ones are; others in each run and sample."""
        spread = (f"{self.runbook.id}:{sample}:{number}" for number in range(EVALUATED_USERS))
        ids = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in spread]
        return answers_of(self.watch.evaluation, ids)

    def _tell(self, text: str) -> None:
        if self.channel is None:
            return
        if problem := self.channel.post(f"{text} · {self.runbook.environment.name} · run {self.runbook.id}"):
            self.runbook.journal.warn("the team was not told of the ramp", problem)

    def _roll_back(self, why: str) -> str:
        """Switch the features off. Raises ActionFailed when the flags are not off in the end, or users still have the features."""
        watch, runbook, decided_s = self.watch, self.runbook, self.watch.clock.monotonic_s()
        environment, strategy = watch.environment, watch.plan.strategies[watch.plan.ramp_terms.rollback]
        journal = _OwesNothing(runbook.journal.path, others=runbook.journal.others)
        journal.append(
            ACTION,
            run=runbook.id,
            strategy=strategy.name,
            environment=environment.name,
            api=environment.urls.api,
            mode=runbook.options.mode,
            reason=why,
            observed=[],
            initiated_by=self._by,
            decided_s=decided_s,
            resumed=False,
        )
        why = f"breach during the ramp: {why}"
        message = strategy.message(environment=environment.name, why=why, run=runbook.id)
        telling = Telling(self.channel, message, journal, watch.clock, self.step)
        flags = Flags(self.admin, watch.evaluation, journal, watch.waiter)
        users: Sequence[str] = asked_users(environment, runbook.id)
        found = _users_get(switched_off(flags, strategy.flag_changes, users, telling, decided_s))
        journal.append(FINISHED, story=strategy.name)
        return f"by {strategy.name}: {found}"


def _users_get(done: FlagRollback) -> str:
    """Say what users get, or that it is not known, as where the product itself is down. The flags were read back as off."""
    try:
        if done.evaluated.everyone_off:
            return str(done.evaluated)
    except MeasurementFailed as unknown:
        return f"the flags are off as read back; whether users lost the features is not known: {unknown}"
    raise ActionFailed(f"the flags are off, and users still have the features: {done.evaluated}")


def _yes(text: str) -> Yes:
    stage, _, statement = text.partition("=")
    who, _, why = statement.partition(":")
    return Yes(stage.strip(), who.strip().strip('"'), why.strip().strip('"'))
