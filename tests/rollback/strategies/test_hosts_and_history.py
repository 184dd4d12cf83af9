"""Hosts that say yes and do something else, and a history that does not let itself be rolled back: through the real clients and git.

What is the hosts' own doing is run for every strategy in memory (``tests/rollback/strategies/test_host_behaviours.py``); here on every
run is what only real parts show: what is served, git's own process, a real history.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback.engine.steps import StepsFailed
from pam_rollback.rollback.strategies import backend, frontend
from pam_rollback.rollback.strategies.frontend import revert_commit
from tests.rollback.strategies.behaviours import Case, history_cases, host_cases
from tests.rollback.strategies.conftest import MakeScene
from tests.rollback.strategies.performed import Ended
from tests.rollback.strategies.scene import STABLE, Scene

NETLIFY = "netlify-behaviour"


HOSTS, HISTORY = "hosts", "history"
SHORT = ("an old page that stays", "never live", "done-but-hangs")


def _named(cases: Iterator[Case], matrix: str) -> list[Any]:
    """The short run takes one strategy of what only real parts show, first."""
    seen: set[str] = set()
    named: list[Any] = []
    for case in sorted(cases, key=lambda case: case.name not in SHORT):
        short = case.name in SHORT and case.name not in seen
        # The first one is its matrix's one case: nothing else of that name runs on every commit.
        marks = () if short and named else pytest.mark.long_matrix(matrix)
        named.append(pytest.param(case, id=f"{case.strategy}: {case.name}", marks=marks))
        seen.add(case.name)
    return named


@pytest.mark.parametrize("case", _named(host_cases(), HOSTS))
def test_a_host_does_something_else(make_scene: MakeScene, case: Case) -> None:
    """Accepted is not done: what users get decides, and what a host left half done is not there after the undo."""
    # Short only for what never comes: a busy machine takes longer.
    scene = make_scene(
        live_within_s=2.0 if case.name == "never live" else 20.0,
        published_within_s=1.0 if case.name == "never published" else 20.0,
        served_within_s=3.0 if any(step.endswith(frontend.SERVED) for step in case.failed) else 20.0,
    )
    before = scene.world()
    for name, parameters in case.planted:
        scene.range.remote.plant(name, **parameters)

    ended = scene.perform(case.strategy)

    judge(scene, case, ended)
    if case.name != "never live":  # an undo stops what still may come to life
        scene.range.remote.clear_all()
    scene.undo()
    assert scene.under_way() == []
    scene.range.remote.clear_all()
    as_before = replace(before, main=scene.repository.head("main"))  # a colleague's push stays
    assert scene.until(as_before) == as_before


@pytest.mark.parametrize("case", _named(history_cases(), HISTORY))
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


@pytest.mark.long_matrix(HISTORY)
@pytest.mark.parametrize("strategy", ["frontend-revert", "backend-branch"])
def test_a_conflict_changes_nothing(scene: Scene, strategy: str) -> None:
    """Later changes touch the same lines: said with the file; main stays, and automatic deploys are off all the same."""
    files = {"backend/release.json": json.dumps({"version": "1.42.1"}, indent=2) + "\n"}
    colleagues = scene.range.remote.push(files, message="Release 1.42.1")
    before = scene.until(replace(scene.world(), api="1.42.1", main=colleagues))
    assert before.api == "1.42.1"

    ended = scene.perform(strategy)

    assert ended.exit_code is ExitCode.ACTION_FAILED
    assert "cannot be taken back" in str(ended.error)
    assert "backend/release.json" in str(ended.error)
    assert scene.repository.head("main") == colleagues
    assert ended.named("failed") == {backend.REVERT if strategy == "backend-branch" else frontend.REVERT}
    assert ended.named("done") >= ({backend.OFF, backend.CANCEL} if strategy == "backend-branch" else {frontend.CANCEL})
    assert (scene.site_release(), scene.api_release()) == (before.site, before.api)
    scene.undo()
    assert scene.until(before) == before


@pytest.mark.long_matrix(HISTORY)
def test_a_clone_that_is_behind_takes_no_work_away(scene: Scene) -> None:
    """A colleague pushed since the mirror was filled: the revert is made on top of it, and their file stays."""
    scene.repository.revert(scene.commits["candidate"], onto=scene.commits["candidate"], reason="fill the mirror")
    scene.range.remote.push(message="Opening hours")

    ended = scene.perform("frontend-revert")

    assert ended.exit_code is ExitCode.GO, ended.error
    with scene.repository.worktree(scene.repository.head("main")) as tree:
        assert (tree / "docs" / "note.md").exists()
        assert json.loads((tree / "backend" / "release.json").read_text(encoding="utf-8"))["version"] == STABLE


@pytest.mark.long_matrix(HISTORY)
def test_a_push_while_the_site_is_built_is_not_overwritten(scene: Scene) -> None:
    """The revert was made on top of what is not the newest any more: the push is refused, their work stays, visitors are helped."""
    sources = scene.sources
    pushed: list[str] = []

    def build_slowly(worktree: Path) -> Path:
        pushed.append(scene.range.remote.push(message="Opening hours"))
        return sources.build(worktree)

    with pytest.raises(StepsFailed, match="somebody pushed meanwhile, and nothing of theirs was touched") as failed:
        revert_commit(
            scene.frontend, replace(sources, build=build_slowly), scene.bad, reason="the new release fails", decided_s=0
        )

    assert scene.repository.head("main") == pushed[0]
    assert {step.name for step in failed.value.records if not step.done} == {frontend.PUSH, frontend.BACK_END}
    assert scene.site_release() == STABLE
