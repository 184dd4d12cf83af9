"""The plan's git commands as they stand there, on a real bare repository, beside the form that the suite uses."""

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.base.errors import ActionFailed, ProviderError
from pam_rollback.rollback.client.git import GitRepository, open_repository
from pam_rollback.rollback.client.git_command import GitCommand
from tests.bare_repository import VARIABLES, Clone, Origin, git, make_origin
from tests.plan_audit.shell import run

BY_FORCE = "git checkout $PREVIOUS_STABLE_COMMIT\ngit push origin main --force"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The product's repository, made once."""
    return make_origin(tmp_path_factory.mktemp("made"))


@pytest.fixture
def origin(made: Origin, tmp_path: Path) -> Origin:
    """A copy of it for each test."""
    return made.copied(tmp_path / "origin.git")


@pytest.fixture
def laptop(origin: Origin, tmp_path: Path) -> Clone:
    """The clone of whoever is on call, as of now."""
    return origin.clone(tmp_path / "laptop")


@pytest.fixture
def repository(origin: Origin) -> Iterator[GitRepository]:
    """The repository as the suite sees it."""
    with open_repository(GitCommand(str(origin.folder))) as opened:
        yield opened


@pytest.fixture
def fix(origin: Origin, laptop: Clone, tmp_path: Path) -> str:
    """A colleague pushed a fix after that clone was made."""
    colleague = origin.clone(tmp_path / "colleague")
    made = colleague.commit("An urgent fix", other_txt="fixed\n")
    colleague.push()
    return made


@pytest.fixture
def later(origin: Origin, laptop: Clone) -> str:
    """A commit after the bad one that touches the same lines."""
    made = laptop.commit("Changed again", app_txt="one\nTWO, OTHERWISE\nthree\n")
    laptop.push()
    return made


def test_g1_a_forced_push_pushes_nothing(origin: Origin, laptop: Clone, repository: GitRepository) -> None:
    """It pushes the branch main, not what was checked out: up to date, 0, and the bad release stays."""
    ran = run(laptop.folder, BY_FORCE, PREVIOUS_STABLE_COMMIT=origin.stable)
    assert ran.code == 0
    assert "Everything up-to-date" in ran.said
    assert origin.content("version.txt") == "1.42.0"

    repository.push(origin.stable, "main", seen=origin.merge)
    assert origin.content("version.txt") == "1.41.3"


def test_g1_the_form_by_hand_works(origin: Origin, laptop: Clone) -> None:
    """The one that the audit and the runbook show."""
    ran = run(
        laptop.folder,
        'git push --force-with-lease="main:$OLD" origin "$C:refs/heads/main"',
        OLD=origin.merge,
        C=origin.stable,
    )

    assert (ran.code, origin.head()) == (0, origin.stable)


def test_g2_an_old_clone_deletes_a_colleagues_fix(
    origin: Origin, laptop: Clone, fix: str, repository: GitRepository
) -> None:
    """And ends with 0. The lease refuses, by hand and here."""
    by_hand = run(
        laptop.folder,
        'git push --force-with-lease="main:$OLD" origin "$C:refs/heads/main"',
        OLD=origin.merge,
        C=origin.stable,
    )
    assert (by_hand.code, "stale info" in by_hand.said) == (1, True)
    with pytest.raises(ProviderError, match="somebody pushed meanwhile"):
        repository.push(origin.stable, "main", seen=origin.merge)
    assert origin.head() == fix

    assert run(laptop.folder, BY_FORCE, PREVIOUS_STABLE_COMMIT=origin.stable).code == 0
    assert origin.head() == origin.merge


def test_g3_an_empty_variable_is_no_obstacle(
    origin: Origin, laptop: Clone, fix: str, repository: GitRepository
) -> None:
    """The checkout does nothing, says so with 0, and the forced push follows: the fix is gone. Here it is refused."""
    safe = run(laptop.folder, f': "${{PREVIOUS_STABLE_COMMIT:?}}"\n{BY_FORCE}')
    assert safe.code != 0
    with pytest.raises(ActionFailed, match="expected a commit's full hash"), repository.worktree(""):
        pass
    assert origin.head() == fix

    assert run(laptop.folder, BY_FORCE).code == 0
    assert origin.head() == origin.merge


def test_g4_a_protected_branch_is_not_noticed(
    origin: Origin, laptop: Clone, fix: str, repository: GitRepository
) -> None:
    """The push is refused and the script goes on to its last line. Here it is a failed step, in the host's words."""
    origin.hook("pre-receive", "echo 'protected branch' >&2; exit 1")
    ran = run(laptop.folder, f'{BY_FORCE}\necho "Full rollback completed"', PREVIOUS_STABLE_COMMIT=origin.stable)
    assert ran.code == 0
    assert "pre-receive hook declined" in ran.said
    assert ran.said.endswith("Full rollback completed\n")

    with pytest.raises(ProviderError, match=r"pre-receive hook declined.*protected branch"):
        repository.push(origin.stable, "main", seen=fix)


def test_g5_a_merge_is_not_reverted(origin: Origin, laptop: Clone, repository: GitRepository) -> None:
    """The revert stops with 128, and what would be deployed next is the bad release."""
    ran = run(laptop.folder, "git revert $PROBLEMATIC_COMMIT_HASH", PROBLEMATIC_COMMIT_HASH=origin.merge)
    assert ran.code == 128
    assert "is a merge but no -m option was given" in ran.said
    assert (laptop.folder / "version.txt").read_text(encoding="utf-8") == "1.42.0\n"

    made = repository.revert(origin.merge, onto=origin.merge, reason="")
    assert git(repository.mirror, "show", f"{made}:version.txt") == "1.41.3"


def test_g5_a_later_merge_leaves_the_reverted_change_out(origin: Origin, laptop: Clone) -> None:
    """Nothing is told then: the repaired branch arrives without what was reverted."""
    git(laptop.folder, "revert", "--no-edit", "-m", "1", origin.merge)
    git(laptop.folder, "checkout", "--quiet", "-b", "repaired", origin.candidate)
    laptop.commit("Repaired", repair_txt="x\n")
    git(laptop.folder, "checkout", "--quiet", "main")
    git(laptop.folder, "merge", "--quiet", "--no-edit", "repaired")

    assert (laptop.folder / "repair.txt").exists()
    assert not (laptop.folder / "new.txt").exists()


def test_g6_conflict_marks_are_built(origin: Origin, laptop: Clone, later: str, repository: GitRepository) -> None:
    """Nobody looks at the 1 that git ends with. Here it raises, and no commit has the marks."""
    ran = run(
        laptop.folder,
        "git revert $PROBLEMATIC_COMMIT_HASH\nmkdir dist && cp app.txt dist/",
        PROBLEMATIC_COMMIT_HASH=origin.candidate,
    )
    assert ran.code == 0
    assert "<<<<<<<" in (laptop.folder / "dist" / "app.txt").read_text(encoding="utf-8")

    with pytest.raises(ProviderError, match=r"later changes touch the same lines of app\.txt"):
        repository.revert(origin.candidate, onto=later, reason="")


def test_g7_an_editor_opens_in_a_terminal(laptop: Clone, tmp_path: Path, repository: GitRepository) -> None:
    """At a terminal the revert waits for somebody to close it. With ``--no-edit``, and here, none opens."""
    bad = laptop.commit("Wrong", other_txt="wrong\n")
    laptop.push()
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\ntouch '{tmp_path / 'opened'}'\nexit 1\n", encoding="utf-8")
    editor.chmod(0o755)
    ours, theirs = pty.openpty()
    for options in ([], ["--no-edit"]):
        subprocess.run(
            ["git", "revert", *options, bad],
            cwd=laptop.folder,
            env={**VARIABLES, "GIT_EDITOR": str(editor), "TERM": "dumb"},
            stdin=theirs,
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert (tmp_path / "opened").exists() is (not options)
        (tmp_path / "opened").unlink(missing_ok=True)
        git(laptop.folder, "reset", "--quiet", "--hard", bad)
    os.close(ours)
    os.close(theirs)

    assert repository.revert(bad, onto=bad, reason="") != bad


def test_g8_the_third_method_after_the_second(origin: Origin, laptop: Clone, repository: GitRepository) -> None:
    """It starts from an old commit, reverts nothing, pushes that all the same, and cannot be done twice."""
    third = "git checkout -b emergency-rollback\ngit revert $BAD\ngit push origin emergency-rollback"
    run(laptop.folder, BY_FORCE, PREVIOUS_STABLE_COMMIT=origin.stable)
    first = run(laptop.folder, third, BAD=origin.candidate)
    assert "nothing to commit" in first.said
    assert origin.head("emergency-rollback") == origin.stable
    again = run(laptop.folder, third.partition("\n")[0])
    assert (again.code, "already exists" in again.said) == (128, True)

    made = repository.revert(origin.merge, onto=repository.head("main"), reason="")
    for _ in range(2):
        repository.push(made, "emergency/run-1", seen=None)
    assert origin.content("version.txt", "emergency/run-1") == "1.41.3"


def test_f5_uncommitted_files_keep_the_bad_release(origin: Origin, laptop: Clone, repository: GitRepository) -> None:
    """The checkout fails, and what is built is what was there. Here each commit has a folder of its own."""
    (laptop.folder / "version.txt").write_text("half an experiment\n", encoding="utf-8")
    ran = run(
        laptop.folder,
        "git checkout $PREVIOUS_STABLE_COMMIT\nmkdir dist && cp new.txt dist/",
        PREVIOUS_STABLE_COMMIT=origin.stable,
    )
    assert "would be overwritten by checkout" in ran.said
    assert ran.code == 0
    assert (laptop.folder / "dist" / "new.txt").exists()

    with repository.worktree(origin.stable) as folder:
        assert not (folder / "new.txt").exists()


def test_f6_the_revert_stays_on_the_laptop(origin: Origin, laptop: Clone) -> None:
    """The plan builds and publishes it, and pushes nothing: the next deployment brings the bad commit back."""
    bad = laptop.commit("Wrong", other_txt="wrong\n")
    laptop.push()
    ran = run(laptop.folder, "git checkout main\ngit revert $PROBLEMATIC_COMMIT_HASH", PROBLEMATIC_COMMIT_HASH=bad)

    assert ran.code == 0
    assert origin.head() == bad
