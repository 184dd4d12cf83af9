"""A revert on a protected main: a real repository, GitHub's pull requests as its description has them, and the ways in which it stops."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed, UndoFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.rollback.frontend import ByPullRequest, undo_pull_request
from pam_rollback.rollback.git import GitRepository, open_repository
from pam_rollback.rollback.git_command import GitCommand
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.providers.github import GitHubPulls, github_api
from pam_rollback.rollback.repository import PullRequest
from pam_rollback.rollback.step_list import Owed, StepList
from tests.bare_repository import Origin, git, make_origin
from tests.github_pulls import TOKEN, StandIn, stand_in
from tests.rollback.strategies.hosts import CANDIDATE
from tests.rollback.strategies.performed import as_drilled
from tests.rollback.strategies.stage import MemoryStage
from tests.rollback.strategies.titles import frontend
from tests.virtual_clock import VirtualClock

PROTECTED = """while read old new ref; do
  if [ "$ref" = refs/heads/main ]; then echo "error: GH006: Protected branch update failed for $ref." >&2; exit 1; fi
done"""
WHY = "errors since noon"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The product's repository, made once."""
    return make_origin(tmp_path_factory.mktemp("made"))


@dataclass(frozen=True)
class Scene:
    """A repository whose main takes pull requests only, and who brings changes in."""

    origin: Origin
    github: StandIn
    repository: GitRepository
    journal: Journal
    by: ByPullRequest

    def ask(self) -> PullRequest:
        """Take the merge back, as a session does."""
        revert = self.repository.revert(self.origin.merge, onto=self.repository.head("main"), reason=WHY)
        return self.by.ask(revert, of=self.origin.merge, reason=WHY, owe=StepList(self.journal).owe)

    @property
    def head(self) -> str:
        """The name of the branch with the revert."""
        return f"rollback/{self.origin.merge[:12]}"


@pytest.fixture
def scene(made: Origin, tmp_path: Path) -> Iterator[Scene]:
    """As it is when a rollback begins."""
    origin = made.copied(tmp_path / "origin.git")
    origin.hook("pre-receive", PROTECTED)
    with stand_in(origin) as github, open_repository(GitCommand(str(origin.folder))) as repository:
        waiter = Waiter(VirtualClock(together=True))
        pulls = GitHubPulls(github_api(github.settings(), TOKEN, waiter=waiter), github.settings())
        journal = Journal(tmp_path / "journal.jsonl")
        by = ByPullRequest(pulls, repository, "main")
        yield Scene(origin, github, repository, journal, by)
        assert github.problems == []


def test_the_hook_is_one(scene: Scene) -> None:
    """A push of main is refused, with what to do."""
    revert = scene.repository.revert(scene.origin.merge, onto=scene.origin.merge, reason=WHY)

    with pytest.raises(ActionFailed, match=r"name its host in \[github\], and the revert is brought in by one"):
        scene.repository.push(revert, "main", seen=scene.origin.merge)


def test_a_protected_main_is_known_as_one(scene: Scene) -> None:
    """By a rule set, or by the branch's own protection."""
    found = []
    for scene.github.by_rule_set, scene.github.protected in ((True, True), (False, True), (True, False)):
        found.append(scene.by.pulls.protects("main"))

    assert found == [True, True, False]


def test_a_request_is_opened_and_main_is_left_alone(scene: Scene) -> None:
    """With its address; an undo closes it. A second look finds the one that is open."""
    before = scene.origin.head()
    opened = scene.ask()

    assert str(opened) == "pull request #1 (https://github.example/wheels/wins/pull/1)"
    assert scene.origin.head() == before
    assert [undo.kind for undo in scene.journal.owed()] == ["pull-request"]
    assert scene.ask() == opened
    undo_pull_request(scene.head, "main", scene.by.pulls)
    assert scene.github.open_pulls() == []
    undo_pull_request("rollback/never", "main", scene.by.pulls)


def test_an_answer_that_is_lost_is_looked_for(scene: Scene) -> None:
    """What was opened is not opened a second time."""
    scene.github.loses = {"POST /pulls"}
    scene.ask()

    assert list(scene.github.pulls) == [1]


def test_what_a_killed_session_left_is_gone_on_with(scene: Scene) -> None:
    """A branch without a request."""
    revert = scene.repository.revert(scene.origin.merge, onto=scene.origin.merge, reason=WHY)
    scene.repository.push(revert, scene.head, seen=None)
    scene.ask()

    assert scene.origin.head(scene.head) == revert
    assert scene.github.open_pulls() == [1]


def test_somebody_elses_branch_is_left_alone(scene: Scene) -> None:
    """One of this name that takes something else back."""
    git(scene.origin.folder, "update-ref", f"refs/heads/{scene.head}", scene.origin.candidate)
    colleague = scene.origin.clone(scene.origin.folder.parent / "colleague")
    work = colleague.commit("Work", other_txt="work\n")
    git(colleague.folder, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{scene.head}")

    with pytest.raises(ActionFailed, match="look whose it is"):
        scene.ask()

    assert scene.origin.head(scene.head) == work
    assert scene.github.pulls == {}


def test_what_a_person_merged_is_theirs_to_take_back(scene: Scene) -> None:
    """A second rollback of the same commit has a branch of its own."""
    scene.github.merge(scene.ask().number)
    with pytest.raises(UndoFailed, match="is merged, and main takes changes by pull request only"):
        undo_pull_request(scene.head, "main", scene.by.pulls)
    colleague = scene.origin.clone(scene.origin.folder.parent / "colleague")
    colleague.commit("Again", app_txt="one\nTWO, WRONG\nthree\n", new_txt="new\n", version_txt="1.42.0\n")
    git(colleague.folder, "push", "--quiet", "origin", "HEAD:refs/heads/again")
    git(scene.origin.folder, "update-ref", "refs/heads/main", "refs/heads/again")

    scene.ask()

    assert scene.origin.head(f"{scene.head}-again")


def test_a_token_that_github_does_not_know_is_told(scene: Scene) -> None:
    """By where it comes from; it is in no message."""
    pulls = GitHubPulls(github_api(scene.github.settings(), "ghp_old"), scene.github.settings())

    with pytest.raises(ActionFailed, match="does not know the token") as refused:
        pulls.protects("main")
    assert "ghp_old" not in str(refused.value)


def test_visitors_have_the_site_before_that(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole strategy: told first, then the site is published and locked, then the request is opened; no back end is waited for."""
    stage = MemoryStage(Journal(tmp_path / "strategy.jsonl"))

    class Asks(ByPullRequest):
        def ask(self, revert: str, *, of: str, reason: str, owe: Callable[[Owed], None]) -> PullRequest:
            assert (bool(revert), of, reason, callable(owe)) == (True, CANDIDATE, stage.why, True)
            assert stage.hosts.state.locked
            return PullRequest(7, "https://github.example/7", is_open=True)

    by = Asks(scene.by.pulls, scene.repository, "main")
    sources = replace(stage.sources, by_pull_request=by, see_back_end=lambda _: pytest.fail("nothing was pushed"))
    monkeypatch.setattr(MemoryStage, "sources", sources)
    facts = as_drilled("frontend-revert", stage)

    said = {step.name: step.result for step in facts.steps}
    names = list(said)
    assert said[frontend.ASKS].endswith("a person has to merge it; visitors have the site before that")
    assert names.index(frontend.ASKS) < names.index(frontend.RESTORE) < names.index(frontend.PUSH)
    assert said[frontend.PUSH].startswith(
        "pull request #7 (https://github.example/7) is open: main has the bad commit until"
    )
    assert said[frontend.BACK_END] == "it follows when pull request #7 (https://github.example/7) is merged"

    scene.github.protected = False
    plain = MemoryStage(Journal(tmp_path / "plain.jsonl"))
    monkeypatch.undo()
    monkeypatch.setattr(MemoryStage, "sources", replace(plain.sources, by_pull_request=by))
    done = as_drilled("frontend-revert", plain)
    assert plain.hosts.state.heads["main"] == done.commit
