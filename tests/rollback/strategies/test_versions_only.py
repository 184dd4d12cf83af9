"""A product that names its version and no commit, as the real one does: the version proves the target where no other deploy has it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.core.wait import Waiter
from pam_rollback.report.verdict import ExitCode
from pam_rollback.rollback.deploys import LIVE
from pam_rollback.rollback.provider_access import served_api
from pam_rollback.rollback.release_proof import Sighting
from pam_rollback.rollback.steps import StepsFailed
from pam_rollback.rollback.told_versions import ApiLook, VersionSources
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.rollback.strategies.conftest import MakeScene
from tests.rollback.strategies.scene import STABLE, Scene
from tests.rollback.strategies.titles import backend
from tests.sessions import ROOT, RunningSandbox


def names_versions_only(running_sandbox: RunningSandbox) -> None:
    """From now on nobody is told the commit."""
    running_sandbox.remote.plant("answers-without-commit", path="/version", server="api")


@pytest.fixture(autouse=True)
def as_at_the_start(shared_range: RunningSandbox) -> Iterator[None]:
    """The hosts, too."""
    shared_range.remote.reset()
    yield
    shared_range.remote.reset()
    shared_range.as_it_was()


@pytest.fixture
def without_file(environment: Environment, shared_range: RunningSandbox, tmp_path: Path) -> Environment:
    """The same environment; nobody said in which file a commit names its version."""
    text = shared_range.file.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("version_file")]
    file = tmp_path / "no-version-file.toml"
    file.touch(mode=0o600)
    file.write_text("\n".join(lines), encoding="utf-8")
    assert environment.git is not None
    return load_environment(str(file), ROOT / "environments", {})


@pytest.mark.long_matrix
@pytest.mark.parametrize(
    "strategy", ["full-system", "backend-provider", "backend-commit", "backend-branch", "frontend-revert"]
)
def test_the_version_proves_the_target(scene: Scene, strategy: str) -> None:
    """The commit's own file says which version it has, and what ran before has another."""
    before = scene.world()
    names_versions_only(scene.range)

    ended = scene.perform(strategy)

    assert ended.exit_code is ExitCode.GO, ended.error
    assert scene.api_release() == STABLE or strategy == "backend-branch"
    scene.range.remote.clear_all()
    scene.undo()
    assert scene.until(before) == before


@pytest.mark.long_matrix("a version proves less")
def test_a_version_that_both_have_proves_nothing(scene: Scene) -> None:
    """A colleague changed a text and counted nothing up: going back from there cannot be seen, and is not claimed."""
    live = scene.commits["candidate"]
    pushed = scene.range.remote.push()
    deploys = Waiter().until(
        lambda: {deploy.commit: deploy for deploy in scene.service.deploys()},
        holds=lambda listed: pushed in listed and listed[pushed].state == LIVE,
        within_s=20,
        what="the colleague's commit is live",
    )
    names_versions_only(scene.range)

    object.__setattr__(scene, "targets", replace(scene.targets, backend=deploys[live]))
    ended = scene.perform("backend-provider")

    assert isinstance(ended.error, StepsFailed)
    assert ended.exit_code is ExitCode.ACTION_FAILED
    assert ended.named("failed") == {backend.SERVED}
    assert "whether it is that cannot be told, dep-" in str(ended.error)
    assert "has the version 1.42.0, too; see at the provider what is live" in str(ended.error)


@pytest.mark.long_matrix("a version proves less")
def test_without_a_file_it_says_what_to_set(make_scene: MakeScene, without_file: Environment) -> None:
    """The action was done; that it was cannot be seen."""
    scene = make_scene()
    names_versions_only(scene.range)

    ended = replace(scene, environment=without_file).perform("backend-provider")

    assert ended.exit_code is ExitCode.ACTION_FAILED
    assert ended.named("failed") == {backend.SERVED}
    assert "is not known (sandbox names no [git] version_file)" in str(ended.error)


@pytest.mark.long_matrix("a version proves less")
def test_what_answered_before_tells_the_version_without_a_file(scene: Scene, without_file: Environment) -> None:
    """A baseline of yesterday saw the stable release, and the session's start the one that is bad."""
    now = datetime.now(UTC)
    seen = [Sighting(now - timedelta(days=1), STABLE), Sighting(now, "1.42.0")]
    look = ApiLook(served_api(without_file), scene.service, VersionSources(without_file, lambda: seen))
    commit = scene.commits["stable"]
    names_versions_only(scene.range)

    assert not look(commit).is_wanted
    assert scene.perform("backend-provider").exit_code is ExitCode.GO
    assert look(commit).is_wanted
    assert str(look(commit)) == "the back end serves release 1.41.3"


def test_a_repository_that_is_out_of_reach_is_asked_again(scene: Scene) -> None:
    """It is no proof meanwhile, and one afterwards."""
    assert scene.perform("backend-provider").exit_code is ExitCode.GO
    names_versions_only(scene.range)
    look = ApiLook(served_api(scene.environment), scene.service, VersionSources(scene.environment))
    commit = scene.commits["stable"]
    scene.range.remote.plant("repository", what="gone")

    assert look(commit).cannot_be_told
    assert "is not known (git fetch at " in str(look(commit))
    scene.range.remote.clear("repository")
    assert look(commit).is_wanted
