"""The other services that a deploy of the back end covers: workers of the API's commit, which go back with it.

The API goes first, the workers when its deploy is live. Users wait for the API and for nobody else. And API and worker share a database and
a queue: a newer worker was deployed to understand what the older API left there, but no older worker was made to read what the newer API
writes, and it does so until it is gone. Putting a rollback back goes the other way round for the same reason: workers first.

A worker that stays behind does not undo what helps users: its step tells, and what it runs is judged afterwards (checks/test_deployed.py).
"""

from collections.abc import Callable, Mapping
from typing import Any

from pam_rollback.core.errors import ActionFailed
from pam_rollback.rollback.backend import WORKER_UNDO_KIND, ApiService
from pam_rollback.rollback.deploys import Deploy, Service, ServiceHost, cancelled, live_among, under_way
from pam_rollback.rollback.repository import Commit
from pam_rollback.rollback.settling import done_or_seen


class Workers:
    """The workers' part of a rollback of the back end. All of it raises ActionFailed, after each worker had its turn."""

    def __init__(self, api: ApiService) -> None:
        self._api = api
        self._before: dict[str, tuple[Service, Deploy]] = {}

    def switch_off(self) -> str:
        """Switch the automatic deploys of all workers off."""
        return self._each(self._switch_off)

    def run(self, commit: Commit) -> str:
        """Run the commit on all workers, which is what the API was taken back to."""
        return self._each(lambda host: self._run(host, commit))

    def _each(self, do: Callable[[ServiceHost], str]) -> str:
        """One that fails keeps no other from going back. Raises ActionFailed with all that failed."""
        told, problems = [], []
        for host in self._api.workers:
            try:
                told.append(do(host))
            except ActionFailed as error:
                problems.append(str(error))
        if problems:
            raise ActionFailed("; ".join([*problems, *told]))
        return "; ".join(told)

    def _switch_off(self, host: ServiceHost) -> str:
        service = self._look(host)
        if not service.auto_deploy:
            return f"{service.name}: they were off already"
        self._owe(service.id)
        off = done_or_seen(lambda: host.set_auto_deploy(on=False), lambda: _seen_off(host))
        if off.auto_deploy:
            raise ActionFailed(f"{service.name}: automatic deploys are on: the next push deploys over the rollback")
        return f"{service.name}: they are off"

    def _run(self, host: ServiceHost, commit: Commit) -> str:
        service = self._look(host)
        if not commit:
            raise ActionFailed(f"{service.name}: which commit the API runs is not known, so the worker stays as it is")
        listed = host.deploys()
        now = live_among(listed)
        others = under_way(host, listed, but=commit)
        if now.commit == commit and not others:
            return f"{service.name}: {now} ran already"
        self._owe(service.id)
        problems = cancelled(host, others)
        if now.commit == commit and not problems:
            return f"{service.name}: {now} ran already; stopped {', '.join(map(str, others))}"
        worker = self._api.on(host)
        earlier = next((one for one in listed if one.commit == commit and one.state in host.rules.restorable), None)

        def ask() -> Deploy | None:
            return host.deploy_commit(commit) if earlier is None else host.restore(earlier.id)

        return f"{service.name}: {worker.until_live(worker.begin(commit, listed, ask))}"

    def _look(self, host: ServiceHost) -> Service:
        service = host.service()
        if service.id not in self._before:
            self._before[service.id] = (service, host.live())
        return service

    def _owe(self, service_id: str) -> None:
        service, deploy = self._before[service_id]
        self._api.journal.owe(WORKER_UNDO_KIND, _facts(service, deploy), place=service_id)


def _facts(service: Service, deploy: Deploy) -> Mapping[str, Any]:
    return {
        "service": service.id,
        "deploy": deploy.id,
        "commit": deploy.commit,
        "auto_deploy": service.auto_deploy,
        "trigger": service.trigger,
        "branch": service.branch,
    }


def _seen_off(host: ServiceHost) -> Service | None:
    seen = host.service()
    return None if seen.auto_deploy else seen
