"""The back end under the hands of a rollback: another release runs, nothing is deployed over it, and it is put back as it was.

Strategy 3 of the plan. The plan's pushes move nothing or delete a colleague's work, and whatever is pushed next undoes them
(docs/plan-audit.md, G1 to G12). Done here: automatic deploys off first and checked after, wait until the new deploy is live, and believe
only what is served. The steps are in ``drills/``. Put back is what ran before, from its branch and with its automatic deploys.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.wait import Backoff, NotReached, Waiter
from pam_rollback.rollback.deploys import (
    LIVE,
    Deploy,
    Service,
    ServiceHost,
    cancelled,
    live_among,
    stopped,
    under_way,
)
from pam_rollback.rollback.git import GitRepository
from pam_rollback.rollback.journal import Journal, Undo
from pam_rollback.rollback.provider_access import served_api, worker_hosts
from pam_rollback.rollback.release_proof import MarksSeen
from pam_rollback.rollback.repository import Commit
from pam_rollback.rollback.settling import (
    ASKED,
    LOOKED,
    done_or_seen,
    looked_every_s,
    until_deploy,
    until_no_other_is_served,
    until_served,
)
from pam_rollback.rollback.step_list import ActionRecord, ListedStep, Owed
from pam_rollback.rollback.told_versions import ApiLook, VersionSources, marked_api
from pam_rollback.rollback.undoing import put_back
from pam_rollback.target.environment import Environment
from pam_rollback.target.served_release import Served

UNDO_KIND = "run-deploy"
WORKER_UNDO_KIND = "run-worker-deploy"
LISTED_WITHIN_S = 30.0
"""For so long a deploy that was only queued is looked for in the list."""
QUEUED = "deploy-queued"
"""The journal's event of a deploy that has no id yet: it may come later than anybody waits for it."""
Start = Callable[[Sequence[Deploy]], Deploy]
"""Asks for a deploy; told which ones are listed now."""
_ON = "automatic deploys are on: the next push deploys over the rollback"


@dataclass(frozen=True)
class ApiRestored(ActionRecord):
    """The facts of a rollback that had another release of the back end run."""

    live: Deploy
    """What the host says runs in the end."""
    served: Served
    """Which release answers."""


@dataclass(frozen=True)
class Running:
    """What runs, and how the service is set; ``unreadable`` is why that is not known."""

    deploy: Deploy
    service: Service | None
    unreadable: ActionFailed | None = None

    @property
    def settings(self) -> Service:
        """Return how the service is set. Raises ActionFailed: what could not be put back is not changed."""
        if self.service is None:
            raise self.unreadable or ActionFailed("where the service deploys from was not looked at")
        return self.service

    def __str__(self) -> str:
        if self.service is None:
            return f"running is {self.deploy}; where it deploys from is not known"
        state = "on" if self.service.auto_deploy else "off"
        return f"running is {self.deploy}; automatic deploys from {self.service.branch} are {state}"


def run_again(before: ListedStep[Running]) -> Owed:
    """Return what is owed for another deploy, or other settings: what ran before, with its branch and its automatic deploys."""

    def facts() -> dict[str, Any]:
        deploy, service = before.result.deploy, before.result.service
        owed: dict[str, Any] = {"deploy": deploy.id, "commit": deploy.commit}
        if service is not None:
            owed |= {"auto_deploy": service.auto_deploy, "trigger": service.trigger, "branch": service.branch}
        return owed

    return Owed(UNDO_KIND, facts)


@dataclass(frozen=True)
class ApiService:
    """The back end's service: each change is read back, and only what answers counts. All of it raises ActionFailed.

    ``look`` says which release answers right now, held against a commit.
    """

    host: ServiceHost
    look: Callable[[Commit], Served]
    waiter: Waiter
    journal: Journal
    workers: tuple[ServiceHost, ...] = ()
    """The other services that a deploy of the back end covers, each as a host of its own."""
    every_s: float | Backoff = ASKED
    looked_every_s: float | Backoff = LOOKED
    live_within_s: float = 600.0
    served_within_s: float = 60.0
    seen_within_s: float = 10.0
    """For so long a change is looked for whose answer was lost, before it is asked for again."""

    def on(self, host: ServiceHost) -> "ApiService":
        """Return the same for another service of the host."""
        return replace(self, host=host)

    def deploy(self, deploy_id: str) -> Deploy:
        """Return the deploy as its host has it."""
        return self.host.deploy(deploy_id)

    def running(self) -> Running:
        """Return what runs now. That its settings cannot be read keeps users from nothing: the step that needs them tells, and fails."""
        deploy = self.host.live()
        try:
            return Running(deploy, self.host.service())
        except ActionFailed as error:
            return Running(deploy, None, error)

    def off_already(self, before: Running) -> str | None:
        """Return so when automatic deploys are off, else None."""
        return None if before.settings.auto_deploy else "they were off"

    def switch_off(self) -> str:
        """Switch automatic deploys off."""
        return _off(
            done_or_seen(
                lambda: self.host.set_auto_deploy(on=False), lambda: self._set(lambda seen: not seen.auto_deploy)
            )
        )

    def still_off(self) -> str:
        """See that they are."""
        return _off(self.host.service())

    def follows_already(self, before: Running, branch: str) -> str | None:
        """Return so when it deploys from the branch, else None."""
        return f"it deploys from {branch}" if before.settings.branch == branch else None

    def follow(self, branch: str) -> str:
        """Point the service at the branch. That alone deploys nothing."""
        service = done_or_seen(
            lambda: self.host.set_branch(branch), lambda: self._set(lambda seen: seen.branch == branch)
        )
        if service.branch != branch:
            raise ActionFailed(f"accepted, but the service still deploys from {service.branch}")
        return f"it deploys from {branch}"

    def stop_deploys(self, wanted: Commit, owe: Callable[[], None]) -> str:
        """Stop the deploys that are under way, but for those of the wanted commit; return which. ``owe`` is called before the first."""
        running = under_way(self.host, self.host.deploys(), but=wanted)
        if running:
            owe()
        return stopped(self.host, running)

    def runs_already(self, wanted: Commit) -> Deploy | None:
        """Return what runs when it is the wanted commit, else None."""
        now = self.host.live()
        return now if wanted and now.commit == wanted else None

    def run(self, start: Start) -> Deploy:
        """Ask for a deploy; return it when it is live."""
        return self.until_live(start(self.host.deploys()))

    def roll_back(self, target: Deploy, listed: Sequence[Deploy]) -> Deploy:
        """Ask the provider for an earlier deploy; a rollback to its commit that is under way already is waited for instead."""
        started = next(
            (
                deploy
                for deploy in under_way(self.host, listed)
                if deploy.trigger == "rollback" and target.commit and deploy.commit == target.commit
            ),
            None,
        )
        return started or self.begin(target.commit, listed, lambda: self.host.restore(target.id))

    def deploy_commit(self, commit: Commit, listed: Sequence[Deploy]) -> Deploy:
        """Ask for the commit to be built and run."""
        return self.begin(commit, listed, lambda: self.host.deploy_commit(commit))

    def wait_until_served(self, wanted: Commit) -> Served:
        """Wait until the wanted commit answers. That users contradict the host is for the checks to judge: all was done by then."""
        seen: list[Served] = []

        def look() -> Served:
            seen.append(self.look(wanted))
            return seen[-1]

        try:
            return until_served(look, self.waiter, within_s=self.served_within_s, every_s=self.looked_every_s)
        except ActionFailed:
            if not seen or not seen[-1].contradicted:
                raise
            return seen[-1]

    def until_live(self, started: Deploy) -> Deploy:
        """Wait for a deploy that was asked for. Raises ActionFailed when it fails, is superseded, or takes too long."""
        return until_deploy(
            lambda: self.host.deploy(started.id),
            holds=lambda seen: seen.state == LIVE,
            # One that was live and is not any more was superseded by something else.
            failed=lambda seen: seen.state not in self.host.rules.under_way,
            waiter=self.waiter,
            within_s=self.live_within_s,
            every_s=self.every_s,
            what=f"the deploy {started.id} is live",
        )

    def begin(self, commit: Commit, listed: Sequence[Deploy], ask: Callable[[], Deploy | None]) -> Deploy:
        """Ask for a deploy; one that was only queued, or whose answer was lost, is found by what is not among those listed before."""
        known = {deploy.id for deploy in listed}

        def new(within_s: float) -> Deploy:
            found = self.waiter.until(
                lambda: [
                    deploy for deploy in self.host.deploys() if deploy.id not in known and deploy.commit == commit
                ],
                holds=bool,
                within_s=within_s,
                what=f"a new deploy of {commit[:12]} is listed",
                every_s=self.every_s,
            )
            return found[0]

        asked = done_or_seen(lambda: (ask(),), lambda: (new(self.seen_within_s),))[0]
        if asked is not None:
            return asked
        self.journal.append(QUEUED, commit=commit)
        try:
            return new(LISTED_WITHIN_S)
        except NotReached as error:
            raise ActionFailed(f"the deploy was queued and never listed: {error}") from error

    def _set(self, holds: Callable[[Service], bool]) -> Service | None:
        seen = self.host.service()
        return seen if holds(seen) else None


@dataclass(frozen=True)
class BackEnd:
    """How the back end of an environment is looked at and rolled back, whichever its host; nothing is asked before it is needed."""

    environment: Environment
    waiter: Waiter
    versions: VersionSources
    marks_seen: Callable[[], Iterable[MarksSeen]] = tuple

    def look(self, host: ServiceHost) -> ApiLook:
        """Say which release answers, held against a commit."""
        return ApiLook(served_api(self.environment), host, self.versions, marked_api(self.environment), self.marks_seen)

    def service(self, host: ServiceHost, journal: Journal, *, live_within_s: float = 600.0) -> ApiService:
        """Put it under the hands of a rollback, or of an undo."""
        return ApiService(
            host=host,
            look=self.look(host),
            waiter=self.waiter,
            journal=journal,
            workers=worker_hosts(self.environment, self.waiter),
            live_within_s=live_within_s,
            looked_every_s=self.looked_every_s,
        )

    @property
    def looked_every_s(self) -> Backoff:
        """How often it may be asked."""
        return looked_every_s(limited=self.environment.contract.limits.by_rate)


def _off(service: Service) -> str:
    if service.auto_deploy:
        raise ActionFailed(f"{_ON}; switch them off at the back end's host")
    return "they are off"


@dataclass(frozen=True)
class TakenBack:
    """The commit that is to run, on a branch of its own; ``stays`` when what runs takes something back itself."""

    commit: Commit
    said: str
    stays: bool = False

    def __str__(self) -> str:
        return self.said


def take_back_on_branch(repository: GitRepository, bad: Commit, *, onto: str, branch: str, reason: str) -> TakenBack:
    """Make the commit that takes ``bad`` back, on a branch of its own: main is left alone. Raises ActionFailed."""
    taken_back = repository.taken_back_by(bad)
    if taken_back is not None:
        # Reverting a revert would bring the bad commit back.
        return TakenBack(bad, f"{bad} stays: it is what takes {taken_back} back", stays=True)
    with suppress(ActionFailed):  # there is none, or it cannot be told: the push will say which
        if made := repository.head(branch):
            return TakenBack(made, f"{branch} is there already, at {made}")
    head = repository.head(onto)
    commit = repository.revert(bad, onto=head, reason=reason)
    repository.push(commit, branch, seen=None)
    return TakenBack(commit, f"{commit} takes {bad} back, on top of {head}, as {branch}")


def undo_running(undo: Undo, api: ApiService, *, seen: bool = False) -> None:
    """Run what ran before, from the branch and with the automatic deploys that it had. Raises UndoFailed.

    ``seen``: users get no other release than that, as far as what answers names one.
    """
    facts = undo.facts

    def run_before() -> None:
        _run_again(str(facts["deploy"]), str(facts["commit"]), api)
        if seen:
            until_no_other_is_served(
                lambda: api.look(str(facts["commit"])),
                api.waiter,
                within_s=api.served_within_s,
                every_s=api.looked_every_s,
            )

    parts: list[Callable[[], None]] = [run_before]
    person = f"a person must run the deploy {facts['deploy']}"
    if "branch" in facts:
        branch, on, trigger = str(facts["branch"]), bool(facts["auto_deploy"]), str(facts.get("trigger", ""))
        parts += [lambda: _follow_again(branch, api), lambda: _deploy_by_push_again(api, on=on, trigger=trigger)]
        person += f" from the branch {branch} with automatic deploys {'on' if on else 'off'}"
    put_back("the back end is not as it was before the rollback", person, *parts)


def _run_again(deploy_id: str, commit: Commit, api: ApiService) -> None:
    """What the rollback left under way would come live later: it is stopped, or run over."""

    def is_back(listed: Sequence[Deploy]) -> bool:
        now = live_among(listed)
        return bool(now.id == deploy_id or (commit and now.commit == commit))

    left = cancelled(api.host, _ours(_as_asked_for(is_back, api), api))
    listed = api.host.deploys()
    if not left and is_back(listed):
        return
    api.until_live(api.begin(commit, listed, lambda: api.host.restore(deploy_id)))


def _as_asked_for(is_back: Callable[[Sequence[Deploy]], bool], api: ApiService) -> Sequence[Deploy]:
    """The deploys, once what the rollback may have asked for is among them: what is only queued is listed later."""
    listed, journal = api.host.deploys(), api.journal
    if journal.latest(QUEUED) is None and not any(map(journal.left_open, (UNDO_KIND, WORKER_UNDO_KIND))):
        return listed
    with suppress(NotReached):
        listed = api.waiter.until(
            api.host.deploys,
            holds=lambda seen: bool(_ours(seen, api)) or not is_back(seen),
            within_s=LISTED_WITHIN_S,
            what="what the rollback asked for is listed",
            every_s=api.every_s,
        )
    return listed


def _ours(listed: Sequence[Deploy], api: ApiService) -> list[Deploy]:
    return [one for one in under_way(api.host, listed) if one.trigger in api.host.rules.ours]


def _follow_again(branch: str, api: ApiService) -> None:
    if api.host.service().branch != branch and api.host.set_branch(branch).branch != branch:
        raise ActionFailed(f"the service does not deploy from {branch} again")


def _deploy_by_push_again(api: ApiService, *, on: bool, trigger: str) -> None:
    now = api.host.service()
    if now.auto_deploy != on or (on and trigger and now.trigger != trigger):
        host = api.host
        changed = host.set_auto_deploy(on=on, trigger=trigger) if trigger else host.set_auto_deploy(on=on)
        if changed.auto_deploy != on:
            raise ActionFailed(f"automatic deploys are not {'on' if on else 'off'} again")
