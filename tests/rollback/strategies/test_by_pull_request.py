"""A revert on a protected main: a real repository, GitHub's pull requests as its description has them, and the ways in which it stops."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pam_rollback.base.errors import ActionFailed, UndoFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.journal.journal import Journal
from pam_rollback.rollback.client.git import GitRepository, open_repository
from pam_rollback.rollback.client.git_command import GitCommand
from pam_rollback.rollback.providers.github.github import GitHubPulls, github_api
from pam_rollback.rollback.strategies import frontend
from pam_rollback.rollback.strategies.by_pull_request import ByPullRequest, undo_pull_request
from tests.bare_repository import Origin, git, make_origin
from tests.github_pulls import TOKEN, StandIn, stand_in
from tests.rollback.strategies.hosts import CANDIDATE
from tests.rollback.strategies.stage import MemoryStage
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

    def bring_in(self) -> tuple[str, str]:
        """Take the merge back, as a session does."""
        revert = self.repository.revert(self.origin.merge, onto=self.repository.head("main"), reason=WHY)
        return self.by.bring_in(revert, of=self.origin.merge, reason=WHY)

    @property
    def head(self) -> str:
        """The name of the branch with the revert."""
        return f"rollback/{self.origin.merge[:12]}"

    def refused(self, words: str) -> None:
        """It stops in one line; main is as it was, and it can be gone on with."""
        before = self.origin.head()
        with pytest.raises(ActionFailed) as stopped:
            self.bring_in()
        assert words in str(stopped.value)
        assert "main is as it was" in str(stopped.value)
        assert "\n" not in str(stopped.value)
        assert self.origin.head() == before


@pytest.fixture
def scene(made: Origin, tmp_path: Path) -> Iterator[Scene]:
    """As it is when a rollback begins."""
    origin = made.copied(tmp_path / "origin.git")
    origin.hook("pre-receive", PROTECTED)
    with stand_in(origin) as github, open_repository(GitCommand(str(origin.folder))) as repository:
        waiter = Waiter(VirtualClock(together=True))
        pulls = GitHubPulls(github_api(github.settings(), TOKEN, waiter=waiter), github.settings())
        journal = Journal(tmp_path / "journal.jsonl")
        by = ByPullRequest(pulls, repository, "main", journal, waiter, within_s=120, every_s=5)
        yield Scene(origin, github, repository, journal, by)
        assert github.problems == []


def test_the_hook_is_one(scene: Scene) -> None:
    """A push of main is refused, with what to do."""
    revert = scene.repository.revert(scene.origin.merge, onto=scene.origin.merge, reason=WHY)

    with pytest.raises(ActionFailed, match=r"name its host in \[github\], and the revert is brought in by one"):
        scene.repository.push(revert, "main", seen=scene.origin.merge)


def test_what_it_costs_is_told_beforehand(scene: Scene) -> None:
    """The checks that it needs, how long they took last, and whether a person has to say yes."""
    scene.github.approvals = 1

    assert scene.by.rules().told("main") == (
        "main is protected: it takes a change by pull request only, with an approval, for which a person is needed and "
        "good checks (build, test); the checks of its newest commit took 6 min 20 s"
    )
    scene.github.by_rule_set = False
    assert "good checks (build, test)" in scene.by.rules().told("main")
    scene.github.conclusions = {}
    assert scene.by.rules().told("main").endswith("how long checks take there is not known")
    scene.github.protected = False
    assert scene.by.rules().told("main") == "main takes pushes"


def test_a_revert_is_brought_in(scene: Scene) -> None:
    """A branch, a request, good checks, and a merge of exactly that."""
    commit, said = scene.bring_in()

    assert said == f"pull request #1 (https://github.example/wheels/wins/pull/1) is merged: main is at {commit}"
    assert scene.origin.head() == commit
    assert scene.origin.content("app.txt") == "one\ntwo\nthree"
    assert scene.origin.content("other.txt") == "other"
    assert [undo.kind for undo in scene.journal.owed()] == ["pull-request"]


def test_it_waits_for_checks_that_run(scene: Scene) -> None:
    """And for an approval; then it merges."""
    scene.github.conclusions["test"] = None
    looks: list[int] = []

    def look(number: int) -> object:
        looks.append(number)
        if len(looks) == 3:
            scene.github.conclusions["test"] = "success"
        return GitHubPulls.look(scene.by.pulls, number)  # type: ignore[arg-type]

    pulls = GitHubPulls(scene.by.pulls.api, scene.by.pulls.settings)  # type: ignore[attr-defined]
    object.__setattr__(pulls, "look", look)
    patient = replace(scene.by, pulls=pulls)
    revert = scene.repository.revert(scene.origin.merge, onto=scene.origin.merge, reason=WHY)
    commit, _ = patient.bring_in(revert, of=scene.origin.merge, reason=WHY)

    assert scene.origin.head() == commit
    assert len(looks) >= 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conclusions": {"build": "success", "test": "failure"}}, "are red: test (failure)"),
        ({"conclusions": {"build": "success", "test": "timed_out"}}, "are red: test (timed_out)"),
        ({"conclusions": {"build": "success", "test": None}}, "within 120 s: checks are not over: test; it stays open"),
        ({"conclusions": {"build": "success"}}, "within 120 s: checks are not over: test; it stays open"),
        ({"approvals": 1, "state": "blocked"}, "within 120 s: it waits for 1 approval; it stays open"),
        ({"state": "dirty"}, "conflicts with what was merged meanwhile"),
        ({"state": "behind"}, "is behind its branch"),
        ({"refuses_merge": "Required deployment is missing"}, "was not merged"),
    ],
    ids=["red", "timed out", "never ending", "never begun", "nobody approves", "conflict", "behind", "merge refused"],
)
def test_what_keeps_it_from_being_merged_is_one_line(scene: Scene, change: dict[str, object], words: str) -> None:
    """Nothing of main is touched; the request stays for a person, and the same session goes on where it stopped."""
    healthy = {name: getattr(scene.github, name) for name in change}
    for name, value in change.items():
        setattr(scene.github, name, value)

    scene.refused(words)

    assert scene.github.open_pulls() == [1]
    for name, value in healthy.items():
        setattr(scene.github, name, value)
    commit, _ = scene.bring_in()
    assert scene.origin.head() == commit
    assert list(scene.github.pulls) == [1]
    assert len(scene.journal.owed()) == 1


def test_a_check_that_nobody_requires_is_none(scene: Scene) -> None:
    """It may be red. Where none is named, each one counts."""
    scene.github.conclusions["lint"] = "failure"
    scene.bring_in()

    scene.github.required = ()
    git(scene.origin.folder, "update-ref", "refs/heads/main", scene.origin.merge)
    git(scene.origin.folder, "update-ref", "-d", f"refs/heads/{scene.head}")
    scene.refused("are red: lint (failure)")


def test_an_answer_that_is_lost_is_looked_for(scene: Scene) -> None:
    """What was opened, and what was merged, is not done a second time."""
    scene.github.loses = {"POST /pulls", "PUT /pulls/1/merge"}

    commit, _ = scene.bring_in()

    assert scene.origin.head() == commit
    assert list(scene.github.pulls) == [1]
    assert scene.github.asked.count("PUT /pulls/1/merge") == 1


def test_what_a_killed_session_left_is_gone_on_with(scene: Scene) -> None:
    """A branch without a request; a request that somebody merged by hand."""
    revert = scene.repository.revert(scene.origin.merge, onto=scene.origin.merge, reason=WHY)
    scene.repository.push(revert, scene.head, seen=None)

    commit, _ = scene.bring_in()

    assert scene.origin.head(scene.head) == revert
    assert scene.origin.head() == commit


def test_somebody_elses_branch_is_left_alone(scene: Scene) -> None:
    """One of this name that takes something else back."""
    git(scene.origin.folder, "update-ref", f"refs/heads/{scene.head}", scene.origin.candidate)
    colleague = scene.origin.clone(scene.origin.folder.parent / "colleague")
    work = colleague.commit("Work", other_txt="work\n")
    git(colleague.folder, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{scene.head}")

    with pytest.raises(ActionFailed, match="look whose it is"):
        scene.bring_in()

    assert scene.origin.head(scene.head) == work
    assert scene.github.pulls == {}


def test_a_second_rollback_of_the_same_commit_has_a_branch_of_its_own(scene: Scene) -> None:
    """The first one is in the history."""
    scene.bring_in()
    colleague = scene.origin.clone(scene.origin.folder.parent / "colleague")
    colleague.commit("Again", app_txt="one\nTWO, WRONG\nthree\n", new_txt="new\n", version_txt="1.42.0\n")
    git(colleague.folder, "push", "--quiet", "origin", "HEAD:refs/heads/again")
    git(scene.origin.folder, "update-ref", "refs/heads/main", "refs/heads/again")

    scene.bring_in()

    assert scene.origin.head(f"{scene.head}-2")
    assert [pull["merged"] for pull in scene.github.pulls.values()] == [True, True]


def test_a_push_to_its_branch_is_not_merged(scene: Scene) -> None:
    """What was not checked is not what was asked for."""
    colleague = scene.origin.clone(scene.origin.folder.parent / "colleague")
    work = colleague.commit("Work", other_txt="work\n")
    git(colleague.folder, "push", "--quiet", "origin", "HEAD:refs/heads/work")

    def moved() -> None:
        git(scene.origin.folder, "update-ref", f"refs/heads/{scene.head}", work)

    scene.github.moved_before_merge = moved

    scene.refused("somebody pushed to its branch meanwhile")


def test_an_undo_closes_what_is_open(scene: Scene) -> None:
    """What is merged is a person's to take back."""
    scene.github.conclusions["test"] = "failure"
    scene.refused("red")

    undo_pull_request(scene.head, "main", scene.by.pulls)
    assert scene.github.open_pulls() == []
    undo_pull_request("rollback/never", "main", scene.by.pulls)

    scene.github.conclusions["test"] = "success"
    scene.bring_in()
    with pytest.raises(UndoFailed, match="is merged, and main takes changes by pull request only"):
        undo_pull_request(scene.head, "main", scene.by.pulls)


def test_a_token_that_github_does_not_know_is_told(scene: Scene) -> None:
    """By where it comes from; it is in no message."""
    pulls = GitHubPulls(github_api(scene.github.settings(), "ghp_old"), scene.github.settings())

    with pytest.raises(ActionFailed, match="does not know the token") as refused:
        replace(scene.by, pulls=pulls).rules()
    assert "ghp_old" not in str(refused.value)


def test_visitors_have_the_site_before_that(scene: Scene, tmp_path: Path) -> None:
    """The whole strategy: the cost is told first, the site is published and locked, then main follows, and the back end with it."""
    stage = MemoryStage(Journal(tmp_path / "strategy.jsonl"))
    followed: list[str] = []
    merged = "c" * 40

    class Brings(ByPullRequest):
        def bring_in(self, revert: str, *, of: str, reason: str) -> tuple[str, str]:
            assert (of, reason) == (CANDIDATE, stage.why)
            assert stage.hosts.state.locked
            return merged, f"merged {revert}"

    def see(commit: str) -> object:
        followed.append(commit)
        return commit

    by = Brings(scene.by.pulls, scene.repository, "main", stage.journal)
    sources = replace(stage.sources, by_pull_request=by, see_back_end=see)  # type: ignore[arg-type]
    facts = frontend.revert_commit(stage.frontend, sources, stage.bad, reason=stage.why, decided_s=0)

    names = [step.name for step in facts.steps]
    assert "visitors have the site before that" in facts.steps[names.index(frontend.ASKS)].result
    assert names.index(frontend.ASKS) < names.index(frontend.RESTORE) < names.index(frontend.PUSH)
    assert facts.steps[names.index(frontend.PUSH)].result.startswith("merged ")
    assert followed == [merged]

    scene.github.protected = False
    plain = MemoryStage(Journal(tmp_path / "plain.jsonl"))
    done = frontend.revert_commit(
        plain.frontend, replace(plain.sources, by_pull_request=by), plain.bad, reason=plain.why, decided_s=0
    )
    assert plain.hosts.state.heads["main"] == done.commit
