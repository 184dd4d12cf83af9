"""How a rollback of the back end is put back: what ran before runs again, from its branch and with its automatic deploys."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from pam_rollback.base.errors import ActionFailed, UndoFailed
from pam_rollback.base.wait import NotReached
from pam_rollback.journal.journal import Undo
from pam_rollback.rollback.backend import UNDO_KIND
from pam_rollback.rollback.backend_host import (
    LISTED_WITHIN_S,
    QUEUED,
    BackendTools,
    begin,
    cancelled,
    live_in,
    until_live,
)
from pam_rollback.rollback.backend_workers import UNDO_KIND as WORKER_UNDO_KIND
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.repository import Commit
from pam_rollback.rollback.settling import until_no_other_is_served


def undo_running(undo: Undo, tools: BackendTools, *, seen: bool = False) -> None:
    """Run what ran before, from the branch and with the automatic deploys that it had. Raises UndoFailed.

    ``seen``: users get no other release than that, as far as what answers names one.
    """
    facts = undo.facts
    problems: list[str] = []

    def run_again() -> None:
        _run_again(str(facts["deploy"]), str(facts["commit"]), tools)
        if seen:
            until_no_other_is_served(
                lambda: tools.look(str(facts["commit"])),
                tools.waiter,
                within_s=tools.served_within_s,
                every_s=tools.looked_every_s,
            )

    parts: list[Callable[[], None]] = [run_again]
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


def _run_again(deploy_id: str, commit: Commit, tools: BackendTools) -> None:
    """What the rollback left under way would come live later: it is stopped, or run over."""

    def is_back(listed: Sequence[Deploy]) -> bool:
        now = live_in(listed)
        return bool(now.id == deploy_id or (commit and now.commit == commit))

    left = cancelled(tools.host, _ours(_as_asked_for(is_back, tools), tools))
    listed = tools.host.deploys()
    if not left and is_back(listed):
        return
    until_live(begin(tools, commit, listed, lambda: tools.host.roll_back(deploy_id)), tools)


def _as_asked_for(is_back: Callable[[Sequence[Deploy]], bool], tools: BackendTools) -> Sequence[Deploy]:
    """The deploys, once what the rollback may have asked for is among them: what is only queued is listed later."""
    listed, journal = tools.host.deploys(), tools.telling.journal
    if journal.latest(QUEUED) is None and not any(map(journal.left_open, (UNDO_KIND, WORKER_UNDO_KIND))):
        return listed
    with suppress(NotReached):
        listed = tools.waiter.until(
            tools.host.deploys,
            holds=lambda seen: bool(_ours(seen, tools)) or not is_back(seen),
            within_s=LISTED_WITHIN_S,
            what="what the rollback asked for is listed",
            every_s=tools.every_s,
        )
    return listed


def _ours(listed: Sequence[Deploy], tools: BackendTools) -> list[Deploy]:
    rules = tools.host.rules
    return [one for one in listed if one.state in rules.under_way and one.trigger in rules.ours]


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
