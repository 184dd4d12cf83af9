"""Kill -9 at each boundary between the steps of the rollbacks of code: done again it is done, undone it is as before."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pam_rollback.actions import backend, frontend, full_system
from pam_rollback.actions.full_system import BACK, FRONT
from pam_rollback.core.verdict import ExitCode
from pam_rollback.plugin.stories import STORIES
from tests.sessions import ROOT, Range
from tests.strategies.conftest import MakeScene
from tests.strategies.scene import STABLE, Scene

STRATEGIES = ("frontend-restore", "backend-provider", "full-system")
CHANGING = {
    "frontend-restore": (frontend.RESTORE, frontend.LOCK),
    "backend-provider": (backend.OFF, backend.DEPLOY),
    "full-system": (full_system.FLAGS, FRONT + frontend.RESTORE, BACK + backend.OFF, BACK + backend.DEPLOY),
}
OWED = {
    "frontend-restore": ("publish-deploy",),
    "backend-provider": ("run-deploy",),
    "full-system": ("set-flags", "publish-deploy", "run-deploy"),
}
KILLED, WITHIN_S = -9, 60
STAYS_S = 1.0
"""What a host was asked for before the kill would come within this time."""


def boundaries(strategy: str) -> Iterator[str]:
    """The middle of it first: what is under way there is the hardest."""
    changing = CHANGING[strategy]
    yield f"step-done {changing[-1]}"
    yield from (f"undo-owed {kind}" for kind in OWED[strategy])
    yield from (f"step-started {step}" for step in STORIES[strategy].steps)
    yield from (f"step-done {step}" for step in changing[:-1])


def cases() -> list[Any]:
    """Every boundary; the short run has the first of each strategy."""
    return [
        pytest.param(strategy, at, id=f"{strategy}-{at}", marks=pytest.mark.long_matrix if number else ())
        for strategy in STRATEGIES
        for number, at in enumerate(boundaries(strategy))
    ]


def killed_scene(make_scene: MakeScene, shared_range: Range, strategy: str, at: str) -> Scene:
    """What a killed process left, for whoever goes on with its journal and its target."""
    scene = make_scene(live_within_s=30.0)
    killed = subprocess.run(
        [sys.executable, "-m", "tests.strategies.killed_action", shared_range.file, scene.journal.path, strategy, at],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert killed.returncode == KILLED, killed.stderr
    return scene


@pytest.mark.parametrize(("strategy", "at"), cases())
def test_done_again_it_is_done_and_can_be_undone(
    make_scene: MakeScene, shared_range: Range, strategy: str, at: str
) -> None:
    """Users get the target, and what is owed is how it was before the run that was killed."""
    before = make_scene().world()
    scene = killed_scene(make_scene, shared_range, strategy, at)
    killed_with = scene.journal.entries()

    ended = scene.perform(strategy)

    assert ended.exit_code is ExitCode.GO, ended.error
    assert scene.journal.entries()[: len(killed_with)] == killed_with
    assert scene.unowed == []
    world = scene.world()
    if strategy != "backend-provider":
        assert (world.site, world.locked) == (STABLE, True)
    if strategy != "frontend-restore":
        assert (world.api, world.auto_deploy) == (STABLE, "off")
    assert world.flags_on is (strategy != "full-system")
    kinds = [undo.kind for undo in scene.journal.owed()]
    assert sorted(kinds) == sorted(OWED[strategy])
    scene.undo()
    assert scene.until(before) == before
    assert scene.under_way() == []


@pytest.mark.parametrize(("strategy", "at"), cases())
def test_undone_it_is_as_before(make_scene: MakeScene, shared_range: Range, strategy: str, at: str) -> None:
    """Also what the killed run had asked for and nobody waited for comes to nothing."""
    before = make_scene().world()
    scene = killed_scene(make_scene, shared_range, strategy, at)

    scene.undo()

    scene.until_settled()
    assert scene.until(before) == before
    time.sleep(STAYS_S)
    assert scene.world() == before
    assert scene.journal.owed() == []
