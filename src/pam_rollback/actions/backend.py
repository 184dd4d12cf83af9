"""Strategy 3 of the plan, back end: the last stable release runs again. Objective: 5 to 10 minutes (RTO-3).

Three ways: the provider runs an earlier deploy's build again; a previous commit is deployed; the bad commit is reverted on an emergency
branch that the service then deploys from. The plan's pushes move nothing or delete a colleague's work, and whatever is pushed next undoes
them (docs/plan-audit.md, G1 to G12). The correct form, done here: automatic deploys off first and checked after, wait until the new deploy
is live, and believe only what is served.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pam_rollback.actions.feature_flag import TELL
from pam_rollback.actions.journal import Undo
from pam_rollback.actions.settling import ASKED, LOOKED, done_or_seen, until_deploy, until_served
from pam_rollback.actions.steps import Step, StepRecord
from pam_rollback.actions.telling import Telling, notice_problem
from pam_rollback.core.deploys import BackendHost, CommitDeploys, Deploy, Service, ServiceSettings
from pam_rollback.core.errors import ActionFailed, UndoFailed
from pam_rollback.core.repository import Commit, Repository
from pam_rollback.core.served_release import Served
from pam_rollback.core.wait import NotReached, Rarer, Waiter

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

LIVE = "live"
_UNDER_WAY = frozenset({"created", "queued", "build_in_progress", "update_in_progress", "pre_deploy_in_progress"})
"""Render's words for a deploy that is not over; all others but ``live`` mean that it is not what runs. ``deactivated`` is no success: it
was superseded by something else."""
_OURS = frozenset({"rollback", "api"})
"""Render's words for a deploy that a rollback from here has asked for."""
_LISTED_WITHIN_S = 30.0
Start = Callable[[Sequence[Deploy]], Deploy]
"""Asks for a deploy; told which ones are listed now."""


class Backend(BackendHost, CommitDeploys, ServiceSettings, Protocol):
    """All that the ways of this strategy need of the host."""


@dataclass(frozen=True)
class BackendTools:
    """What the action works with. ``look`` says which release answers right now, held against a commit."""

    host: Backend
    look: Callable[[Commit], Served]
    waiter: Waiter
    telling: Telling
    every_s: float | Rarer = ASKED
    looked_every_s: float | Rarer = LOOKED
    live_within_s: float = 600.0
    served_within_s: float = 60.0
    seen_within_s: float = 10.0
    """For so long a change is looked for whose answer was lost, before it is asked for again."""


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
            ),
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
                if deploy.state in _UNDER_WAY
                and deploy.trigger == "rollback"
                and target.commit
                and deploy.commit == target.commit
            ),
            None,
        )
        return started or _begin(self._tools, target.commit, listed, lambda: self._host.roll_back(target.id))

    def deployed(self, listed: Sequence[Deploy]) -> Deploy:
        """Ask for the commit."""
        return _begin(self._tools, self._commit, listed, lambda: self._host.deploy_commit(self._commit))

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
                "automatic deploys are on: the next push deploys over the rollback; switch them off in Render"
            )
        return "they are off"

    def _cancel_deploys(self) -> str:
        running = [
            deploy
            for deploy in self._host.deploys()
            if deploy.state in _UNDER_WAY and not (self._commit and deploy.commit == self._commit)
        ]
        if running:
            self._owe()
        problems = _cancelled(self._host, running)
        if problems:
            raise problems[0]
        return f"stopped {', '.join(map(str, running))}" if running else "none was under way"

    def _run(self, start: Start) -> str:
        listed = self._host.deploys()
        now = _live_in(listed)
        if self._commit and now.commit == self._commit:
            self._live = now
            return f"{now} ran already"
        self._owe()
        self._live = until_live(start(listed), self._tools)
        return str(self._live)

    def _see(self) -> str:
        tools = self._tools
        self._served = until_served(
            lambda: tools.look(self._commit), tools.waiter, within_s=tools.served_within_s, every_s=tools.looked_every_s
        )
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


def undo_running(undo: Undo, tools: BackendTools) -> None:
    """Run what ran before, from the branch and with the automatic deploys that it had. Raises UndoFailed."""
    facts = undo.facts
    problems: list[str] = []
    parts: list[Callable[[], None]] = [lambda: _run_again(str(facts["deploy"]), str(facts["commit"]), tools)]
    if "branch" in facts:
        parts += [
            lambda: _follow_again(str(facts["branch"]), tools),
            lambda: _deploy_by_push_again(tools, on=bool(facts["auto_deploy"]), trigger=str(facts.get("trigger", ""))),
        ]
    for part in parts:
        try:
            part()
        except ActionFailed as error:
            problems.append(str(error))  # one that fails must not keep the others from being put back
    if problems:
        wanted = f"run the deploy {facts['deploy']}"
        if "branch" in facts:
            state = "on" if facts["auto_deploy"] else "off"
            wanted += f" from the branch {facts['branch']} with automatic deploys {state}"
        raise UndoFailed(
            f"the back end is not as it was before the rollback: {'; '.join(problems)}; a person must {wanted}"
        )


def live_of(host: BackendHost) -> Deploy:
    """The deploy that runs now. Raises ActionFailed when none is live."""
    return _live_in(host.deploys())


def _live_in(deploys: Sequence[Deploy]) -> Deploy:
    live = next((deploy for deploy in deploys if deploy.state == LIVE), None)
    if live is None:
        raise ActionFailed(f"no deploy is live; the newest are {', '.join(map(str, deploys[:3])) or 'none'}")
    return live


def until_live(started: Deploy, tools: BackendTools) -> Deploy:
    """Wait for a deploy that was asked for. Raises ActionFailed when it fails, is superseded, or takes too long."""
    return until_deploy(
        lambda: tools.host.deploy(started.id),
        holds=lambda seen: seen.state == LIVE,
        failed=lambda seen: seen.state not in _UNDER_WAY,
        waiter=tools.waiter,
        within_s=tools.live_within_s,
        every_s=tools.every_s,
        what=f"the deploy {started.id} is live",
    )


def _head(repository: Repository, branch: str) -> Commit:
    """Where the branch is; empty when there is none, or when it cannot be told: the push will say which."""
    try:
        return repository.head(branch)
    except ActionFailed:
        return ""


def _begin(tools: BackendTools, commit: Commit, listed: Sequence[Deploy], ask: Callable[[], Deploy | None]) -> Deploy:
    """Ask for a deploy; one that was only queued, or whose answer was lost, is found by what is not among those listed before."""
    known = {deploy.id for deploy in listed}

    def new(within_s: float) -> Deploy:
        found = tools.waiter.until(
            lambda: [deploy for deploy in tools.host.deploys() if deploy.id not in known and deploy.commit == commit],
            holds=bool,
            within_s=within_s,
            what=f"a new deploy of {commit[:12]} is listed",
            every_s=tools.every_s,
        )
        return found[0]

    asked = done_or_seen(lambda: (ask(),), lambda: (new(tools.seen_within_s),))[0]
    if asked is not None:
        return asked
    try:
        return new(_LISTED_WITHIN_S)
    except NotReached as error:
        raise ActionFailed(f"the deploy was queued and never listed: {error}") from error


def _cancelled(host: Backend, deploys: Sequence[Deploy]) -> list[ActionFailed]:
    """Stop each of them; gives what went wrong, after all were tried."""
    problems = []
    for deploy in deploys:
        try:
            host.cancel(deploy.id)
        except ActionFailed as error:
            problems.append(error)
    return problems


def _run_again(deploy_id: str, commit: Commit, tools: BackendTools) -> None:
    """What the rollback left under way would come live later: it is stopped, or run over."""
    ours = [deploy for deploy in tools.host.deploys() if deploy.state in _UNDER_WAY and deploy.trigger in _OURS]
    left = _cancelled(tools.host, ours)
    listed = tools.host.deploys()
    now = _live_in(listed)
    if not left and (now.id == deploy_id or (commit and now.commit == commit)):
        return
    until_live(_begin(tools, commit, listed, lambda: tools.host.roll_back(deploy_id)), tools)


def _follow_again(branch: str, tools: BackendTools) -> None:
    if tools.host.service().branch != branch and tools.host.set_branch(branch).branch != branch:
        raise ActionFailed(f"the service does not deploy from {branch} again")


def _deploy_by_push_again(tools: BackendTools, *, on: bool, trigger: str) -> None:
    now = tools.host.service()
    if now.auto_deploy != on or (on and trigger and now.trigger != trigger):
        host = tools.host
        changed = host.set_auto_deploy(on=on, trigger=trigger) if trigger else host.set_auto_deploy(on=on)
        if changed.auto_deploy != on:
            raise ActionFailed(f"automatic deploys are not {'on' if on else 'off'} again")
