"""The product's repository: a real one, told of each push, and broken on purpose."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.sandbox.fault_catalogue import REPOSITORY_OUTAGES
from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.repository import Push, Repository

NOBODY = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@b.example",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@b.example",
}
NONE = "0" * 40


def git(*arguments: str, at: Path, within_s: float = 10) -> str:
    """Run git as somebody with a clone; raises CalledProcessError."""
    done = subprocess.run(
        ["git", *arguments], cwd=at, env=NOBODY, capture_output=True, text=True, timeout=within_s, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """As a sandbox has it."""
    return Repository.create(tmp_path / "repository.git")


@pytest.fixture
def clone(repository: Repository, tmp_path: Path) -> Path:
    """Somebody's copy of it."""
    git("clone", "--quiet", str(repository.path), "clone", at=tmp_path)
    return tmp_path / "clone"


@pytest.fixture
def mended(repository: Repository) -> Iterator[None]:
    """No hook waits for the end of an outage when the test is over."""
    yield
    for how in REPOSITORY_OUTAGES:
        repository.mend(how)


def told_of(repository: Repository, *, within_s: float = 1) -> list[Push]:
    """What `watch` tells until nothing comes any more."""
    told: list[Push] = []
    repository.on_push(told.append)

    async def listen() -> None:
        watch = asyncio.create_task(repository.watch())
        end_s = time.monotonic() + within_s
        while not told and time.monotonic() < end_s:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        watch.cancel()

    asyncio.run(listen())
    return told


def test_the_candidate_is_a_merge_on_top_of_the_stable_release(repository: Repository, clone: Path) -> None:
    """Names stand for real commits, main is the candidate, and the merge has the stable release as its first parent."""
    commits = repository.commits

    assert set(commits) == {"stable", "candidate", "merge", "feature"}
    assert all(len(commit) == 40 for commit in commits.values())
    assert git("rev-parse", "origin/main", at=clone) == commits["candidate"] == commits["merge"]
    parents = git("show", "--no-patch", "--format=%P", commits["merge"], at=clone).split()
    assert parents == [commits["stable"], commits["feature"]]
    git("fsck", "--strict", at=clone)


def test_every_range_has_the_same_history(repository: Repository, tmp_path: Path) -> None:
    """Hashes depend on the content alone: two sandboxes can be compared."""
    assert Repository.create(tmp_path / "another.git").commits == repository.commits


def test_the_merge_reverted_is_the_stable_release_again(repository: Repository, clone: Path) -> None:
    """Content for content, as a new commit."""
    git("revert", "--mainline", "1", "--no-edit", "HEAD", at=clone)

    assert git("diff", "--stat", repository.commits["stable"], at=clone) == ""
    assert git("rev-parse", "HEAD", at=clone) not in repository.commits.values()


def test_a_checkout_is_the_commit_and_nothing_else(repository: Repository, clone: Path, tmp_path: Path) -> None:
    """The same files as a clone has, side by side for two commits."""
    for name, version in (("stable", "1.41.3"), ("candidate", "1.42.0")):
        repository.checkout(repository.commits[name], tmp_path / name)
        git("checkout", "--quiet", repository.commits[name], at=clone)
        found = {path.relative_to(tmp_path / name): path.read_bytes() for path in files(tmp_path / name)}
        assert found == {path.relative_to(clone): path.read_bytes() for path in files(clone)}
        assert version in (tmp_path / name / "frontend/package.json").read_text(encoding="utf-8")


def files(folder: Path) -> list[Path]:
    """All of them, without git's own."""
    return [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]


def test_an_unknown_commit_is_one_clear_error(repository: Repository, tmp_path: Path) -> None:
    """It says what git said."""
    with pytest.raises(
        SandboxError, match=r"(?s)repository, git checkout: expected exit code 0, found exit code \d+: "
    ):
        repository.checkout("f" * 40, tmp_path / "nothing")
    assert repository.resolve("f" * 40) is None
    assert repository.resolve("--all") is None
    assert repository.resolve(repository.commits["stable"][:8]) == repository.commits["stable"]


def test_each_push_is_told(repository: Repository, clone: Path) -> None:
    """Old, new and reference, also of a new branch and of a deleted one."""
    git("commit", "--quiet", "--allow-empty", "--message", "a", at=clone)
    new = git("rev-parse", "HEAD", at=clone)
    git("push", "--quiet", "origin", "HEAD:main", "HEAD:refs/heads/hotfix", at=clone)
    git("push", "--quiet", "origin", ":hotfix", at=clone)

    told = told_of(repository)

    assert {*told} == {
        Push(repository.commits["candidate"], new, "refs/heads/main"),
        Push(NONE, new, "refs/heads/hotfix"),
        Push(new, NONE, "refs/heads/hotfix"),
    }
    assert told[-1].is_deletion


def test_a_push_is_done_although_nobody_listens(repository: Repository, clone: Path) -> None:
    """A busy range keeps nobody waiting, and hears of each push when it has the time; nonsense between them is passed over."""
    for number in range(3):
        git("commit", "--quiet", "--allow-empty", "--message", str(number), at=clone)
        git("push", "--quiet", "origin", "HEAD:main", at=clone, within_s=5)
        with (repository.path / "pushes").open("ab") as spool:
            spool.write(b"\xff\xfe nonsense\n")

    assert [push.ref for push in told_of(repository)] == ["refs/heads/main"] * 3


def test_a_colleague_pushes(repository: Repository) -> None:
    """What others do meanwhile is a push like each other."""
    commit = repository.push_as_a_colleague({"NOTES.md": "a note\n"}, "Notes")

    assert repository.head("main") == commit
    assert repository.read(commit, "NOTES.md") == b"a note\n"
    assert repository.read(commit, "backend/release.json") == repository.read("main", "backend/release.json")
    assert told_of(repository) == [Push(repository.commits["candidate"], commit, "refs/heads/main")]


def test_a_branch_that_moved_is_a_change_and_a_new_one_is_history(repository: Repository, clone: Path) -> None:
    """Each drill leaves its emergency branch behind: the next one must not be refused for it."""
    candidate = repository.commits["candidate"]
    git("commit", "--quiet", "--allow-empty", "--message", "a", at=clone)
    git("push", "--quiet", "origin", "HEAD:refs/heads/emergency-rollback-1", at=clone)
    assert repository.moved() == {}

    git("push", "--quiet", "origin", "HEAD:main", ":refs/heads/pam-refresh", at=clone)
    new = git("rev-parse", "HEAD", at=clone).strip()
    assert repository.moved() == {
        "refs/heads/main": (candidate[:12], new[:12]),
        "refs/heads/pam-refresh": (repository.commits["feature"][:12], "none"),
    }


def test_a_reset_forgets_what_was_pushed(repository: Repository, clone: Path) -> None:
    """Branches are as at the start, and no push is told afterwards that was made before."""
    git("commit", "--quiet", "--allow-empty", "--message", "a", at=clone)
    git("push", "--quiet", "origin", "HEAD:main", "HEAD:refs/heads/hotfix", "HEAD:refs/locks/a", at=clone)
    repository.reset()

    refs = git("for-each-ref", "--format=%(refname) %(objectname)", at=repository.path).splitlines()
    assert refs == [
        f"refs/heads/main {repository.commits['candidate']}",
        f"refs/heads/pam-refresh {repository.commits['feature']}",
    ]
    assert told_of(repository, within_s=0.2) == []


@pytest.mark.usefixtures("mended")
class TestOutages:
    """The remote does not do what it is asked."""

    def test_a_protected_branch_refuses_in_the_usual_words(self, repository: Repository, clone: Path) -> None:
        """Nothing is moved, and nobody hears of it."""
        git("commit", "--quiet", "--allow-empty", "--message", "a", at=clone)
        repository.break_down("refused")
        with pytest.raises(subprocess.CalledProcessError) as refused:
            git("push", "origin", "HEAD:main", at=clone)

        assert "GH006: Protected branch update failed" in refused.value.stderr
        assert "pre-receive hook declined" in refused.value.stderr
        assert repository.head("main") == repository.commits["candidate"]
        assert told_of(repository, within_s=0.2) == []
        repository.mend("refused")
        git("push", "--quiet", "origin", "HEAD:main", at=clone)

    def test_a_push_that_hangs_moves_nothing_even_later(self, repository: Repository, clone: Path) -> None:
        """Whoever gave up is not surprised afterwards."""
        git("commit", "--quiet", "--allow-empty", "--message", "a", at=clone)
        repository.break_down("hangs")
        with pytest.raises(subprocess.TimeoutExpired):
            git("push", "origin", "HEAD:main", at=clone, within_s=0.5)
        repository.mend("hangs")
        time.sleep(0.4)

        assert repository.head("main") == repository.commits["candidate"]

    def test_a_push_can_be_done_without_an_answer(self, repository: Repository, clone: Path) -> None:
        """The ambiguous end: the branch has moved, the deploys begin, and the pusher knows nothing of it."""
        git("commit", "--quiet", "--allow-empty", "--message", "a", at=clone)
        new = git("rev-parse", "HEAD", at=clone)
        repository.break_down("done-but-hangs")
        with pytest.raises(subprocess.TimeoutExpired):
            git("push", "origin", "HEAD:main", at=clone, within_s=0.5)

        assert repository.head("main") == new
        assert [push.new for push in told_of(repository)] == [new]

    def test_a_remote_that_is_gone_and_back(self, repository: Repository, clone: Path) -> None:
        """Neither read nor written; afterwards as before."""
        repository.break_down("gone")
        with pytest.raises(subprocess.CalledProcessError) as gone:
            git("ls-remote", "origin", at=clone)
        assert "does not appear to be a git repository" in gone.value.stderr
        with pytest.raises(SandboxError):
            repository.about(repository.commits["stable"])
        repository.mend("gone")

        assert repository.commits["candidate"] in git("ls-remote", "origin", "main", at=clone)
