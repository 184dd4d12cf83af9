"""A sandbox as at its start for each case."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.rollback.git import GitRepository, open_repository
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.journal import Journal
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.rollback.strategies.scene import Scene
from tests.sessions import ROOT, RunningSandbox

GIT_DEADLINE_S = 3.0
MakeScene = Callable[..., Scene]


@pytest.fixture(scope="module")
def environment(shared_range: RunningSandbox) -> Environment:
    """The sandbox as the suite reads it."""
    return load_environment(str(shared_range.file), ROOT / "environments", {})


@pytest.fixture(scope="module")
def repository(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitRepository]:
    """One mirror for all cases: it is behind as soon as somebody pushes."""
    assert environment.git is not None
    command = GitCommand(environment.git.remote, deadline_s=GIT_DEADLINE_S)
    with open_repository(command, cache=tmp_path_factory.mktemp("mirror")) as opened:
        yield opened


@pytest.fixture
def make_scene(
    shared_range: RunningSandbox, environment: Environment, repository: GitRepository, tmp_path: Path
) -> Iterator[MakeScene]:
    """A scene with limits of one's own."""
    shared_range.remote.reset()
    shared_range.as_it_was()

    def make(journal: str = "journal.jsonl", **options: Any) -> Scene:
        return Scene(shared_range, environment, repository, Journal(tmp_path / journal), tmp_path, **options)

    yield make
    shared_range.remote.reset()
    shared_range.as_it_was()


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    """The sandbox as at its start."""
    return make_scene()
