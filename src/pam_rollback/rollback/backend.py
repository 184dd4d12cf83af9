"""Strategy 3 of the plan, back end: the last stable release runs again. Objective: 5 to 10 minutes (RTO-3).

Three ways: the provider runs an earlier deploy's build again; a previous commit is deployed; the bad commit is reverted on an emergency
branch that the service then deploys from. The plan's pushes move nothing or delete a colleague's work, and whatever is pushed next undoes
them (docs/plan-audit.md, G1 to G12). The correct form, done here: automatic deploys off first and checked after, wait until the new deploy
is live, and believe only what is served.

In one module: the three ways are lists of the same steps.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pam_rollback.base.errors import ActionFailed
from pam_rollback.product.served_release import Served
from pam_rollback.rollback import backend_workers
from pam_rollback.rollback.backend_host import (
    BackendTools,
    begin,
    cancelled,
    live_in,
    live_of,
    until_live,
)
from pam_rollback.rollback.deploys import Deploy, Service
from pam_rollback.rollback.repository import Commit, Repository
from pam_rollback.rollback.settling import done_or_seen, until_served
from pam_rollback.rollback.steps import Step, StepRecord
from pam_rollback.rollback.telling import TELL, notice_problem

UNDO_KIND = "run-deploy"

LOOK = "see what runs"
OFF = "switch automatic deploys off"
CANCEL = "stop the deploys that are under way"
REVERT = "take the bad commit back on an emergency branch"
BRANCH = "let the service deploy from the emergency branch"
DEPLOY = "run the target"
STILL_OFF = "see that automatic deploys are still off"
SERVED = "see which release answers"
DEPLOY_STEPS = (LOOK, OFF, CANCEL, DEPLOY, STILL_OFF, SERVED, TELL)
BRANCH_STEPS = (LOOK, OFF, CANCEL, REVERT, BRANCH, DEPLOY, STILL_OFF, SERVED, TELL)

Start = Callable[[Sequence[Deploy]], Deploy]
"""Asks for a deploy; told which ones are listed now."""


@dataclass(frozen=True)
class BackendRollback:
    """The facts of one rollback of the back end. Times are monotonic seconds; ``decided_s`` is when acting was decided."""

    decided_s: float
    finished_s: float
    replaced: Deploy
    """What was there before, and is what an undo brings back."""
    live: Deploy
    """What the host says runs in the end."""
    service: Service
    """Where it deploys from in the end, and whether a push does so."""
    served: Served
    changed: bool
    """False: it ran already with automatic deploys off, and nothing was touched."""
    notice_problem: str | None
    steps: tuple[StepRecord, ...]


class BackendAction:
    """One rollback under way: its steps, and what they find. Each step looks first and leaves alone what is right already."""

    def __init__(self, tools: BackendTools, *, commit: Commit = "") -> None:
        self._tools = tools
        self._host = tools.host
        self._commit = commit
        self._before: Deploy | None = None
        self._service: Service | None = None
        self._unreadable: ActionFailed | None = None
        self._stays = False
        self._live: Deploy | None = None
        self._served: Served | None = None
        self._changed = False
        self._workers = backend_workers.WorkersAction(tools, lambda: self._live.commit if self._live else "")

    def looking(self, prefix: str = "") -> list[Step]:
        """The first steps of all ways. What would deploy over the rollback is kept from it, as far as the provider lets us."""
        return [
            Step(prefix + LOOK, self._look),
            Step(prefix + OFF, self._switch_off, needs=(prefix + LOOK,)),
            Step(prefix + CANCEL, self._cancel_deploys, essential=False, needs=(prefix + LOOK,), after=(prefix + OFF,)),
        ]

    def running(
        self,
        start: Start,
        prefix: str = "",
        *,
        needs: tuple[str, ...] = (),
        after: tuple[str, ...] = (),
    ) -> list[Step]:
        """The steps from a request to what answers users. Automatic deploys that could not be switched off do not keep users waiting."""
        return [
            Step(
                prefix + DEPLOY,
                lambda: self._run(start),
                needs=(prefix + LOOK, *needs),
                after=(prefix + OFF, prefix + CANCEL, *after),
                changes=True,
                owes=UNDO_KIND,
            ),
            *self._workers.running(prefix, needs=(prefix + DEPLOY,)),
            Step(prefix + STILL_OFF, self._still_off, needs=(prefix + DEPLOY,)),
            Step(prefix + SERVED, self._see, needs=(prefix + DEPLOY,)),
        ]

    def facts(self, steps: tuple[StepRecord, ...], decided_s: float) -> BackendRollback:
        """What came of it. Raises ActionFailed when a step was left out."""
        if self._before is None or self._live is None or self._service is None or self._served is None:
            raise ActionFailed("the rollback of the back end was not seen to the end")
        return BackendRollback(
            decided_s=decided_s,
            finished_s=self._tools.telling.clock.monotonic_s(),
            replaced=self._before,
            live=self._live,
            service=self._service,
            served=self._served,
            changed=self._changed,
            notice_problem=notice_problem(steps),
            steps=steps,
        )

    def rolled_back(self, target: Deploy, listed: Sequence[Deploy]) -> Deploy:
        """Ask the provider for it; a rollback to the same commit that is under way already is waited for instead."""
        started = next(
            (
                deploy
                for deploy in listed
                if deploy.state in self._host.rules.under_way
                and deploy.trigger == "rollback"
                and target.commit
                and deploy.commit == target.commit
            ),
            None,
        )
        return started or begin(self._tools, target.commit, listed, lambda: self._host.roll_back(target.id))

    def deployed(self, listed: Sequence[Deploy]) -> Deploy:
        """Ask for the commit."""
        return begin(self._tools, self._commit, listed, lambda: self._host.deploy_commit(self._commit))

    def revert(self, repository: Repository, bad: Commit, *, onto: str, branch: str, reason: str) -> str:
        """Make the commit that takes ``bad`` back, on a branch of its own: main is left alone."""
        taken_back = repository.taken_back_by(bad)
        if taken_back is not None:
            # Reverting a revert would bring the bad commit back.
            self._commit, self._stays = bad, True
            return f"{bad} stays: it is what takes {taken_back} back"
        made = _head(repository, branch)
        if made:
            self._commit = made
            return f"{branch} is there already, at {made}"
        head = repository.head(onto)
        self._commit = repository.revert(bad, onto=head, reason=reason)
        repository.push(self._commit, branch, seen=None)
        return f"{self._commit} takes {bad} back, on top of {head}, as {branch}"

    def follow(self, branch: str) -> str:
        """Point the service at the branch. That alone deploys nothing."""
        service = self._settings()
        if self._stays or service.branch == branch:
            return f"it deploys from {service.branch} already"
        self._owe()
        self._service = done_or_seen(
            lambda: self._host.set_branch(branch), lambda: self._seen_service(lambda seen: seen.branch == branch)
        )
        if self._service.branch != branch:
            raise ActionFailed(f"accepted, but the service still deploys from {self._service.branch}")
        return f"it deploys from {branch}"

    def _look(self) -> str:
        self._before = live_of(self._host)
        try:
            self._service = self._host.service()
        except ActionFailed as error:
            # Users do not wait for it: the step that needs it tells, and fails.
            self._unreadable = error
            return f"running is {self._before}; where it deploys from is not known"
        state = "on" if self._service.auto_deploy else "off"
        return f"running is {self._before}; automatic deploys from {self._service.branch} are {state}"

    def _settings(self) -> Service:
        """Where it deploys from. Raises what kept it from being read: what could not be put back is not changed."""
        if self._service is None:
            raise self._unreadable or ActionFailed("where the service deploys from was not looked at")
        return self._service

    def _seen_service(self, holds: Callable[[Service], bool]) -> Service | None:
        seen = self._host.service()
        return seen if holds(seen) else None

    def _owe(self) -> None:
        if self._before is None:
            raise ActionFailed("what ran before is not known: nothing is changed that could not be put back")
        before, service = self._before, self._service
        settings = (
            {"auto_deploy": service.auto_deploy, "trigger": service.trigger, "branch": service.branch}
            if service is not None
            else {}
        )
        self._tools.telling.journal.owe(UNDO_KIND, {"deploy": before.id, "commit": before.commit, **settings})
        self._changed = True

    def _switch_off(self) -> str:
        if not self._settings().auto_deploy:
            return "they were off already"
        self._owe()
        self._service = done_or_seen(
            lambda: self._host.set_auto_deploy(on=False),
            lambda: self._seen_service(lambda seen: not seen.auto_deploy),
        )
        return self._off(self._service)

    def _still_off(self) -> str:
        self._service = self._host.service()
        return self._off(self._service)

    @staticmethod
    def _off(service: Service) -> str:
        if service.auto_deploy:
            raise ActionFailed(
                "automatic deploys are on: the next push deploys over the rollback; switch them off at the back end's host"
            )
        return "they are off"

    def _cancel_deploys(self) -> str:
        running = [
            deploy
            for deploy in self._host.deploys()
            if deploy.state in self._host.rules.under_way and not (self._commit and deploy.commit == self._commit)
        ]
        if running:
            self._owe()
        problems = cancelled(self._host, running)
        if problems:
            raise problems[0]
        return f"stopped {', '.join(map(str, running))}" if running else "none was under way"

    def _run(self, start: Start) -> str:
        listed = self._host.deploys()
        now = live_in(listed)
        if self._commit and now.commit == self._commit:
            self._live = now
            return f"{now} ran already"
        self._owe()
        self._live = until_live(start(listed), self._tools)
        return str(self._live)

    def _see(self) -> str:
        tools = self._tools
        seen: list[Served] = []

        def look() -> Served:
            seen.append(tools.look(self._commit))
            return seen[-1]

        try:
            self._served = until_served(
                look, tools.waiter, within_s=tools.served_within_s, every_s=tools.looked_every_s
            )
        except ActionFailed:
            if not seen or not seen[-1].contradicted:
                raise
            # All that a rollback can do was done; that users do not get it is for the checks to judge.
            self._served = seen[-1]
        return str(self._served)


def roll_back_to_deploy(tools: BackendTools, target: Deploy, *, decided_s: float) -> BackendRollback:
    """Run an earlier deploy's build again, with automatic deploys off. Raises ActionFailed when that was not done or does not answer."""
    action = BackendAction(tools, commit=target.commit)
    steps = [*action.looking(), *action.running(lambda listed: action.rolled_back(target, listed))]
    return action.facts(tools.telling.run(steps), decided_s)


def deploy_commit(tools: BackendTools, commit: Commit, *, decided_s: float) -> BackendRollback:
    """Build and run a previous commit, with automatic deploys off. Raises ActionFailed as ``roll_back_to_deploy`` does."""
    action = BackendAction(tools, commit=commit)
    steps = [*action.looking(), *action.running(action.deployed)]
    return action.facts(tools.telling.run(steps), decided_s)


@dataclass(frozen=True)
class EmergencyBranch:
    """What is taken back, where, and why."""

    repository: Repository
    bad: Commit
    onto: str
    """The branch whose newest commit it is taken back from."""
    name: str
    """The new branch: one that no other run has."""
    reason: str


def deploy_emergency_branch(tools: BackendTools, emergency: EmergencyBranch, *, decided_s: float) -> BackendRollback:
    """Take the bad commit back on a branch of its own and run that. Raises ActionFailed as ``roll_back_to_deploy`` does."""
    action = BackendAction(tools)
    steps = [
        *action.looking(),
        Step(
            REVERT,
            lambda: action.revert(
                emergency.repository, emergency.bad, onto=emergency.onto, branch=emergency.name, reason=emergency.reason
            ),
        ),
        Step(BRANCH, lambda: action.follow(emergency.name), needs=(LOOK, REVERT)),
        # The commit is asked for by name: that the service still follows another branch does not keep users waiting.
        *action.running(action.deployed, needs=(REVERT,), after=(BRANCH,)),
    ]
    return action.facts(tools.telling.run(steps), decided_s)


def _head(repository: Repository, branch: str) -> Commit:
    """Where the branch is; empty when there is none, or when it cannot be told: the push will say which."""
    try:
        return repository.head(branch)
    except ActionFailed:
        return ""


def with_workers(steps: Iterable[str]) -> Iterator[str]:
    """The names of a story's steps, with those of the workers where they are done."""
    for step in steps:
        yield step
        if step == DEPLOY or step.endswith(f": {DEPLOY}"):
            yield from (step.removesuffix(DEPLOY) + name for name in backend_workers.STEPS)
