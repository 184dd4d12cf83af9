"""Kill -9 of real processes between the steps of the rollbacks of code: done again it is done, undone it is as before.

Every boundary is run in memory (``tests/rollback/engine/test_kills.py``); real processes are killed in the middle and at the first note.
"""

import subprocess
import sys
import time
from typing import Any

import pytest

from pam_rollback.report.verdict import ExitCode
from tests.rollback.strategies.boundaries import OWED, STRATEGIES, boundaries
from tests.rollback.strategies.conftest import MakeScene
from tests.rollback.strategies.scene import STABLE, Scene
from tests.sessions import ROOT, RunningSandbox

KILLED, WITHIN_S = -9, 60
STAYS_S = 1.0
"""What a host was asked for before the kill would come within this time."""


def cases() -> list[Any]:
    """The middle of it, where what is under way is the hardest, and each note of what is owed; the short run has the first of all."""
    chosen = [
        (strategy, at)
        for strategy in reversed(STRATEGIES)
        for at in list(boundaries(strategy))[: 1 + len(OWED[strategy])]
    ]
    return [
        pytest.param(strategy, at, id=f"{strategy}-{at}", marks=pytest.mark.long_matrix if number else ())
        for number, (strategy, at) in enumerate(chosen)
    ]


def killed_scene(make_scene: MakeScene, shared_range: RunningSandbox, strategy: str, at: str) -> Scene:
    """What a killed process left, for whoever goes on with its journal and its target."""
    scene = make_scene(live_within_s=30.0)
    killed = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.rollback.strategies.killed_action",
            shared_range.file,
            scene.journal.path,
            strategy,
            at,
        ],
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
    make_scene: MakeScene, shared_range: RunningSandbox, strategy: str, at: str
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
def test_undone_it_is_as_before(make_scene: MakeScene, shared_range: RunningSandbox, strategy: str, at: str) -> None:
    """Also what the killed run had asked for and nobody waited for comes to nothing."""
    before = make_scene().world()
    scene = killed_scene(make_scene, shared_range, strategy, at)

    scene.undo()

    scene.until_settled()
    assert scene.until(before) == before
    time.sleep(STAYS_S)
    assert scene.world() == before
    assert scene.journal.owed() == []
