"""What only real parts show of a host or a history that does something else: what is served, git's own process, a real history.

All the rest is run in memory (``tests/rollback/strategies/test_host_behaviours.py``).
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback.steps import StepsFailed
from tests.rollback.strategies.behaviours import THROUGH_CLIENTS, Case, history_cases, host_cases
from tests.rollback.strategies.conftest import MakeScene
from tests.rollback.strategies.performed import Ended
from tests.rollback.strategies.scene import STABLE, Scene
from tests.rollback.strategies.titles import frontend


def _cases(cases: Iterator[Case]) -> list[Any]:
    """On every commit one strategy of each; the others at night."""
    seen: set[str] = set()
    named: list[Any] = []
    for case in cases:
        if case.name in THROUGH_CLIENTS:
            marks = pytest.mark.nightly if case.name in seen else ()
            named.append(pytest.param(case, id=f"{case.strategy}: {case.name}", marks=marks))
            seen.add(case.name)
    return named


@pytest.mark.parametrize("case", _cases(host_cases()))
def test_a_host_does_something_else(make_scene: MakeScene, case: Case) -> None:
    """Accepted is not done: what users get decides, and what a host left half done is not there after the undo."""
    scene = make_scene(served_within_s=3.0 if any(step.endswith(frontend.SERVED) for step in case.failed) else 20.0)
    before = scene.world()
    for name, parameters in case.planted:
        scene.range.remote.plant(name, **parameters)

    ended = scene.perform(case.strategy)

    judge(scene, case, ended)
    scene.range.remote.clear_all()
    scene.undo()
    assert scene.under_way() == []
    assert scene.until(before) == before


@pytest.mark.parametrize("case", _cases(history_cases()))
def test_the_repository_does_something_else(make_scene: MakeScene, case: Case) -> None:
    """A revert that was not pushed is no success, also where visitors have the stable site already."""
    scene = make_scene()
    before = scene.world()
    for name, parameters in case.planted:
        scene.range.remote.plant(name, **parameters)

    ended = scene.perform(case.strategy)

    judge(scene, case, ended)
    scene.range.remote.clear_all()
    if case.failed:
        assert scene.repository.head("main") == before.main
    scene.undo()
    assert scene.until(before) == before


def judge(scene: Scene, case: Case, ended: Ended) -> None:
    """Hold what came of it against the case."""
    if case.failed:
        assert isinstance(ended.error, StepsFailed)
        assert ended.exit_code is ExitCode.ACTION_FAILED
        assert case.words in str(ended.error)
        assert ended.named("failed") - non_essential(ended) == case.failed - non_essential(ended), ended.error
        assert ended.named("not done") == case.left_out, ended.error
    else:
        assert ended.exit_code is ExitCode.GO, ended.error
    assert scene.open_steps() == {}
    assert scene.unowed == []
    for release, expected in ((scene.site_release(), case.site), (scene.api_release(), case.api)):
        assert expected in {None, release}


def non_essential(ended: Ended) -> set[str]:
    """Steps whose failure fails nothing."""
    return {step.name for step in ended.steps if not step.essential}


@pytest.mark.nightly
def test_a_clone_that_is_behind_takes_no_work_away(scene: Scene) -> None:
    """A colleague pushed since the mirror was filled: the revert is made on top of it, and their file stays."""
    scene.repository.revert(scene.commits["candidate"], onto=scene.commits["candidate"], reason="fill the mirror")
    scene.range.remote.push(message="Opening hours")

    ended = scene.perform("frontend-revert")

    assert ended.exit_code is ExitCode.GO, ended.error
    with scene.repository.worktree(scene.repository.head("main")) as tree:
        assert (tree / "docs" / "note.md").exists()
        assert json.loads((tree / "backend" / "release.json").read_text(encoding="utf-8"))["version"] == STABLE


@pytest.mark.nightly
def test_a_push_while_the_site_is_built_is_not_overwritten(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The revert was made on top of what is not the newest any more: the push is refused, their work stays, visitors are helped."""
    sources = scene.sources
    pushed: list[str] = []

    def build_slowly(worktree: Path) -> Path:
        pushed.append(scene.range.remote.push(message="Opening hours"))
        return sources.build(worktree)

    monkeypatch.setattr(Scene, "sources", replace(sources, build=build_slowly))
    ended = scene.perform("frontend-revert")

    assert "somebody pushed meanwhile, and nothing of theirs was touched" in str(ended.error)
    assert scene.repository.head("main") == pushed[0]
    assert ended.named("failed") | ended.named("not done") == {frontend.PUSH, frontend.BACK_END}
    assert scene.site_release() == STABLE
