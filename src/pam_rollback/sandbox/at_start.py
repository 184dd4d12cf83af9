"""What of a sandbox is not as it was when it started: faults, what users get, where it comes from, and what is under way.

Histories grow and are not compared: a sandbox whose hosts deployed and went back is as it was. What the database holds is not either.
"""

from collections.abc import Iterator

from pam_rollback.sandbox.backend_deploys import BackendDeploys, ServiceDeploys
from pam_rollback.sandbox.faults import PlantedFaults
from pam_rollback.sandbox.fleet import Fleet
from pam_rollback.sandbox.providers.netlify_deploys import Deploys
from pam_rollback.sandbox.repository import Repository

Change = dict[str, str]
"""``what``, ``expected``, ``found``; ``planted`` is the name of the fault where it is one, else empty."""


def changes(
    *,
    fleet: Fleet,
    deploys: BackendDeploys,
    worker: ServiceDeploys | None,
    repository: Repository,
    site: Deploys,
    faults: PlantedFaults,
) -> Iterator[Change]:
    """Each difference. Runs git, so it blocks for some milliseconds."""
    for fault in faults:
        yield {
            **_change("faults", "none", f"{fault.kind.name} {dict(fault.settings) or ''}".strip()),
            "planted": fault.kind.name,
        }
    yield from _back_end(fleet, deploys)
    if worker is not None and worker.running != worker.at_start:
        first, now = worker.at_start, worker.running
        yield _change("worker, live release", _named(first.version, first.commit), _named(now.version, now.commit))
    yield from _front_end(site)
    for ref, (expected, found) in repository.moved().items():
        yield _change(f"repository, {ref}", expected, found)


def _back_end(fleet: Fleet, deploys: BackendDeploys) -> Iterator[Change]:
    first, live = deploys.at_start, fleet.live.spec
    if (live.version, live.commit) != (first.version, first.commit):
        yield _change("back end, live release", _named(first.version, first.commit), _named(live.version, live.commit))
    usual, now = type(deploys.settings)(), deploys.settings
    if now.branch != usual.branch:
        yield _change("back end, branch", usual.branch, now.branch)
    if now.auto_deploy != usual.auto_deploy:
        yield _change("back end, autodeploy", usual.auto_deploy, now.auto_deploy)
    if any(text != "false" for text in deploys.variables.values()):
        yield _change("back end, variables", "none, or false", str(deploys.variables))
    running = [deploy.id for deploy in deploys.deploys if deploy.is_running]
    if running:
        yield _change("back end, deploys under way", "none", ", ".join(running))


def _front_end(site: Deploys) -> Iterator[Change]:
    first, now = site.at_start, site.published
    if now.commit != first.commit:
        yield _change("front end, published commit", first.commit[:12], now.commit[:12])
    if site.locked:
        yield _change("front end, auto-publishing", "on", "locked")
    if site.stop_builds:
        yield _change("front end, builds", "on", "stopped")
    running = [deploy.id for deploy in site.kept() if not deploy.is_done]
    if running:
        yield _change("front end, deploys under way", "none", ", ".join(running))


def _named(version: str, commit: str) -> str:
    return f"{version} ({commit[:12]})"


def _change(what: str, expected: str, found: str) -> Change:
    return {"what": what, "expected": expected, "found": found, "planted": ""}
