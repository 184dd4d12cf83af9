"""Hosts that say yes and do something else, and a history that does not let itself be rolled back: nothing of it is ever a success."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.actions import backend, frontend, full_system
from pam_rollback.actions.frontend import revert_commit
from pam_rollback.actions.full_system import BACK, FRONT
from pam_rollback.actions.steps import StepsFailed
from pam_rollback.core.verdict import ExitCode
from tests.strategies.conftest import MakeScene
from tests.strategies.scene import CANDIDATE, STABLE, Ended, Scene

NETLIFY, RENDER, GIT = "netlify-behaviour", "render-deploys", "repository"
Planted = tuple[str, dict[str, str]]


@dataclass(frozen=True)
class Case:
    """What is planted, which steps fail and are left out, what the message says, and what users get."""

    name: str
    strategy: str
    planted: tuple[Planted, ...]
    failed: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    words: str = ""
    site: str | None = None
    api: str | None = None


def _plant(name: str, what: str, operation: str = "") -> Planted:
    return name, {"what": what, **({"operation": operation} if operation else {})}


_B, _F = backend, frontend
_AFTER_DEPLOY = {_B.STILL_OFF, _B.SERVED}
_AFTER_RESTORE = {_F.LOCK, _F.SERVED}
_NO_LOCK = _plant("netlify-answers", "error-403", "lock")
_NO_SWITCH = _plant(RENDER, "error-403", "patch")
_BACKEND = ("backend-provider", "backend-commit", "backend-branch")


def _cases() -> Iterator[Case]:
    for strategy in _BACKEND:
        yield Case(
            "never live",
            strategy,
            (_plant(RENDER, "never-live"),),
            {_B.DEPLOY},
            _AFTER_DEPLOY,
            "is live: not reached after 2 s",
            api=CANDIDATE,
        )
        yield Case(
            "does not start",
            strategy,
            (_plant(RENDER, "update-fails"),),
            {_B.DEPLOY},
            _AFTER_DEPLOY,
            "it failed",
            api=CANDIDATE,
        )
        yield Case("pushed meanwhile", strategy, (_plant(RENDER, "superseded"),), api=STABLE)
        yield Case(
            "pushed meanwhile, and automatic deploys stay on",
            strategy,
            (_plant(RENDER, "superseded"), _NO_SWITCH),
            {_B.OFF, _B.DEPLOY} | ({_B.BRANCH} if strategy == "backend-branch" else set()),
            _AFTER_DEPLOY,
            "it failed",
            api=CANDIDATE,
        )
    for strategy in _BACKEND[1:]:
        yield Case(
            "is not built",
            strategy,
            (_plant(RENDER, "build-fails"),),
            {_B.DEPLOY},
            _AFTER_DEPLOY,
            "build_failed",
            api=CANDIDATE,
        )
        yield Case("only queued", strategy, (_plant(RENDER, "queued"),), api=STABLE)
    yield Case(
        "target expired",
        "backend-provider",
        (_plant(RENDER, "expired"),),
        {_B.DEPLOY},
        _AFTER_DEPLOY,
        "build may also be gone",
        api=CANDIDATE,
    )
    yield Case(
        "target expired",
        "frontend-restore",
        (_plant(NETLIFY, "deploy-expired"),),
        {_F.RESTORE},
        _AFTER_RESTORE,
        "may also have expired",
        site=CANDIDATE,
    )
    yield Case(
        "never published",
        "frontend-restore",
        (_plant(NETLIFY, "restore-never-published"),),
        {_F.RESTORE},
        _AFTER_RESTORE,
        "is published: not reached after 1 s",
        site=CANDIDATE,
    )
    yield Case("built over, unless locked", "frontend-restore", (_plant(NETLIFY, "restore-superseded"),), site=STABLE)
    yield Case(
        "built over, and not locked",
        "frontend-restore",
        (_plant(NETLIFY, "restore-superseded"), _NO_LOCK),
        {_F.LOCK},
        words="lock the deploy",
    )
    yield Case(
        "an old page in the cache",
        "frontend-restore",
        (("old-page-served", {"release": "candidate"}),),
        {_F.SERVED},
        words="a page with SHA-256",
    )
    yield Case(
        "an old page in the cache",
        "full-system",
        (("old-page-served", {"release": "candidate"}),),
        site=STABLE,
        api=STABLE,
    )
    yield Case(
        "an old page that stays",
        "full-system",
        (("old-page-served", {"release": "candidate"}), _plant(NETLIFY, "purge-without-effect")),
        {FRONT + _F.SERVED},
        words="a page with SHA-256",
        api=STABLE,
    )
    yield Case(
        "features cannot be switched off by the bad release",
        "full-system",
        (("admin-refuses", {}),),
        site=STABLE,
        api=STABLE,
    )
    yield Case(
        "features cannot be switched off, and the service not be rolled back",
        "full-system",
        (("admin-refuses", {}), _plant(RENDER, "update-fails")),
        {full_system.FLAGS, full_system.FLAGS_OFF, BACK + _B.DEPLOY},
        {BACK + step for step in _AFTER_DEPLOY} | {full_system.API_CACHE},
        "it failed",
        site=STABLE,
        api=CANDIDATE,
    )


def _history_cases() -> Iterator[Case]:
    for what, words in (("refused", "Protected branch"), ("hangs", "no end after 3 s")):
        yield Case(
            what,
            "frontend-revert",
            (_plant(GIT, what),),
            {_F.PUSH},
            {_F.BACK_END},
            words,
            site=STABLE,
            api=CANDIDATE,
        )
        yield Case(
            what,
            "backend-branch",
            (_plant(GIT, what),),
            {_B.REVERT},
            {_B.BRANCH, _B.DEPLOY, *_AFTER_DEPLOY},
            words,
            api=CANDIDATE,
        )
    for strategy in ("frontend-revert", "backend-branch"):
        yield Case("done-but-hangs", strategy, (_plant(GIT, "done-but-hangs"),), api=STABLE)
    yield Case(
        "gone",
        "frontend-revert",
        (_plant(GIT, "gone"),),
        {_F.REVERT},
        {_F.BUILD, _F.RESTORE, _F.PUSH, _F.BACK_END, *_AFTER_RESTORE},
        "git",
        site=CANDIDATE,
        api=CANDIDATE,
    )
    yield Case(
        "gone",
        "backend-branch",
        (_plant(GIT, "gone"),),
        {_B.REVERT},
        {_B.BRANCH, _B.DEPLOY, *_AFTER_DEPLOY},
        "git",
        api=CANDIDATE,
    )


def _named(cases: Iterator[Case]) -> list[Any]:
    """The short run takes one strategy of each name."""
    seen: set[str] = set()
    named = []
    for case in cases:
        marks = (pytest.mark.long_matrix,) if case.name in seen else ()
        named.append(pytest.param(case, id=f"{case.strategy}: {case.name}", marks=marks))
        seen.add(case.name)
    return named


@pytest.mark.parametrize("case", _named(_cases()))
def test_a_host_does_something_else(make_scene: MakeScene, case: Case) -> None:
    """Accepted is not done: what users get decides, and what a host left half done is not there after the undo."""
    scene = make_scene(live_within_s=2.0 if case.name == "never live" else 20.0, published_within_s=1.0)
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


@pytest.mark.parametrize("case", _named(_history_cases()))
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


def test_a_clone_that_is_behind_takes_no_work_away(scene: Scene) -> None:
    """A colleague pushed since the mirror was filled: the revert is made on top of it, and their file stays."""
    scene.repository.revert(scene.commits["candidate"], onto=scene.commits["candidate"], reason="fill the mirror")
    scene.range.remote.push(message="Opening hours")

    ended = scene.perform("frontend-revert")

    assert ended.exit_code is ExitCode.GO, ended.error
    with scene.repository.worktree(scene.repository.head("main")) as tree:
        assert (tree / "docs" / "note.md").exists()
        assert json.loads((tree / "backend" / "release.json").read_text(encoding="utf-8"))["version"] == STABLE


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


def test_a_locked_site_that_refuses_is_unlocked_first(scene: Scene) -> None:
    """And locked again afterwards, also by the undo."""
    scene.site.lock(scene.site.published().id)
    before = scene.world()
    scene.range.remote.plant(NETLIFY, what="restore-refused-when-locked")

    ended = scene.perform("frontend-restore")

    assert ended.exit_code is ExitCode.GO, ended.error
    assert ended.facts.published.locked
    assert scene.site_release() == STABLE
    scene.undo()
    assert scene.until(before) == before


def test_a_lock_that_cannot_be_opened_does_not_stop_the_restore(scene: Scene) -> None:
    """Whether a locked site refuses is not documented: it is tried; here it works."""
    scene.site.lock(scene.site.published().id)
    scene.range.remote.plant("netlify-answers", what="error-500", operation="lock")

    ended = scene.perform("frontend-restore")

    assert scene.site_release() == STABLE
    assert ended.exit_code is ExitCode.GO, ended.error


def test_the_trigger_of_automatic_deploys_comes_back(scene: Scene) -> None:
    """A service that waited for checks does so again."""
    scene.service.set_auto_deploy(on=True, trigger="checksPass")
    before = scene.world()
    assert before.auto_deploy == "checksPass"

    assert scene.perform("backend-provider").exit_code is ExitCode.GO

    assert not scene.service.service().auto_deploy
    scene.undo()
    assert scene.until(before) == before
