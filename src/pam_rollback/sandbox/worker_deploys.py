"""The deploys of the worker, the second service that a push of today's product deploys."""

from collections.abc import Callable

from pam_rollback.sandbox.backend_deploys import ServiceDeploys
from pam_rollback.sandbox.faults import Fault, PlantedFaults
from pam_rollback.sandbox.latencies import BackendLatencies
from pam_rollback.sandbox.releases import ReleaseSpec
from pam_rollback.sandbox.repository import Repository

FAULT = "worker-left-behind"


class WorkerDeploys(ServiceDeploys):
    """The worker: no address, and nothing that this sandbox needs done. Which release it runs, only the host can say.

    What goes wrong with the API's deploys does not go wrong with its own.
    """

    def __init__(self, repository: Repository, faults: PlantedFaults, *, latencies: BackendLatencies) -> None:
        super().__init__(repository, faults, latencies=latencies)
        self._running = self.at_start

    @property
    def running(self) -> ReleaseSpec:
        """The release that does the work."""
        return self._running

    async def go_live(self, name: str) -> None:
        """As the API, unless it is to be left behind."""
        if self.planted("update-fails") is None:
            await super().go_live(name)

    async def _started(self, spec: ReleaseSpec) -> Callable[[], None]:
        return lambda: setattr(self, "_running", spec)

    def planted(self, what: str) -> Fault | None:
        """That its deploys fail, if it is to be left behind."""
        left_behind = self._faults.named(FAULT)
        return left_behind[-1] if left_behind and what == "update-fails" else None
