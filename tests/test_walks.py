"""Count what has to be read to follow one health check, one restore with its undo, and one acknowledged write."""

import json
from collections.abc import Mapping

import pytest

from tests.sessions import ONLY_HEALTH, ROOT, Project, RunningSandbox
from tests.walk_tracer import HEALTH, NOTED_IN, RESTORE, WRITE

REACHED = {HEALTH: (34, 1850), RESTORE: (47, 2600), WRITE: (19, 1400)}
"""Files, and lines of the functions that are called: as they stand, with room for a retry. Lower them with a change."""
STORY = "drills/test_frontend_restore.py"


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """One health check, and what the drill brings along."""
    return ONLY_HEALTH


def walked(project: Project, sandbox: RunningSandbox, *args: str) -> Mapping[str, Mapping[str, int]]:
    """Return how many lines of each file of the project a session executes, by walk."""
    noted = project.folder / "walks.json"
    project.environment.update({"PYTHONPATH": str(ROOT), NOTED_IN: str(noted)})
    ended = project.run_apart("-p", "tests.walk_tracer", "--env", str(sandbox.file), *args)
    assert noted.exists(), ended.out
    found: Mapping[str, Mapping[str, int]] = json.loads(noted.read_text(encoding="utf-8"))
    assert found, ended.out
    return found


def test_no_walk_gets_longer(project: Project, running_sandbox: RunningSandbox) -> None:
    """Neither in files nor in lines."""
    health = walked(project, running_sandbox, "checks/test_health.py", "-k", "back_end_is_healthy")
    drill = walked(project, running_sandbox, STORY, "--pace=600", "-k", "visitors_get_the_target or acknowledged_write")
    walks = {**health, **drill}
    found = {walk: (len(files), sum(files.values())) for walk, files in walks.items()}
    print(json.dumps(walks, indent=2), found)  # noqa: T201 - shown when it fails: where a walk goes

    assert {*found} == {*REACHED}
    longer = {
        walk: (now, REACHED[walk])
        for walk, now in found.items()
        if any(a > b for a, b in zip(now, REACHED[walk], strict=True))
    }
    assert not longer, "files and lines, found and allowed"
