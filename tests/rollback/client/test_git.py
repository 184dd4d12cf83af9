"""The history is read and moved on a real bare repository, with colleagues who push meanwhile and hosts that refuse."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.core.errors import ActionFailed, ProviderError
from pam_rollback.core.wait import Waiter
from pam_rollback.rollback.git import GitRepository, open_repository
from pam_rollback.rollback.git_command import GitCommand
from tests.bare_repository import Origin, git, make_origin


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The product's repository, made once."""
    return make_origin(tmp_path_factory.mktemp("made"))


@pytest.fixture
def origin(made: Origin, tmp_path: Path) -> Origin:
    """A copy of it for each test."""
    return made.copied(tmp_path / "origin.git")


@pytest.fixture
def repository(origin: Origin) -> Iterator[GitRepository]:
    """It, as the suite sees it."""
    with open_repository(GitCommand(str(origin.folder))) as opened:
        yield opened


def state_of(pid: str) -> str:
    """The letter of the process's state; Z is dead and not yet fetched, nothing is gone."""
    return subprocess.run(
        ["ps", "-o", "stat=", "-p", pid.strip()], capture_output=True, text=True, check=False
    ).stdout.strip()[:1]


def files_of(folder: Path) -> list[str]:
    """What is there, without git's own."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".git")


def test_the_head_is_asked_for_now(repository: GitRepository, origin: Origin, tmp_path: Path) -> None:
    """A push that came a moment ago is seen, although the mirror was filled before."""
    with repository.worktree(repository.head("main")):
        pass
    fix = origin.clone(tmp_path / "colleague").commit("A fix", app_txt="fixed\n")
    git(tmp_path / "colleague", "push", "--quiet", "origin", "HEAD:refs/heads/main")

    assert repository.head("main") == fix
    with repository.worktree(fix) as folder:
        assert (folder / "app.txt").read_text(encoding="utf-8") == "fixed\n"


def test_a_worktree_holds_the_commit_and_nothing_else(repository: GitRepository, origin: Origin) -> None:
    """Not what a build left behind in the last one, and it is gone afterwards."""
    with repository.worktree(origin.stable) as folder:
        (folder / "left over").write_text("x", encoding="utf-8")
        assert (folder / "version.txt").read_text(encoding="utf-8") == "1.41.3\n"
    assert not folder.exists()

    with repository.worktree(origin.stable) as again:
        assert files_of(again) == ["app.txt", "other.txt", "version.txt"]
    assert git(repository.mirror, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize("commit", ["", "main", "-h", "--upload-pack=touch x", "1" * 39, "HEAD~1", "abc1234"])
def test_only_a_full_hash_is_a_commit(commit: str, repository: GitRepository) -> None:
    """An empty variable or an option never gets as far as git."""
    with pytest.raises(ActionFailed, match="expected a commit's full hash"), repository.worktree(commit):
        pass


@pytest.mark.parametrize(
    "branch", ["", "-f", "--all", "a b", "main:other", "+main", "../main", "refs//heads", "x.lock"]
)
def test_only_a_name_is_a_branch(branch: str, repository: GitRepository, origin: Origin) -> None:
    """A refspec or an option never gets as far as git."""
    with pytest.raises(ActionFailed, match="expected the name of a branch"):
        repository.push(origin.stable, branch, seen=origin.merge)


# ------------------------------------------------------------------ reverts


def test_a_merge_is_taken_back_on_its_main_line(repository: GitRepository, origin: Origin) -> None:
    """The content is the stable release's, in a commit of its own, and the remote is untouched until it is pushed."""
    before = origin.refs()
    revert = repository.revert(origin.merge, onto=origin.merge, reason="errors since 1.42.0")

    assert git(repository.mirror, "diff", "--stat", origin.stable, revert) == ""
    assert git(repository.mirror, "rev-parse", f"{revert}^") == origin.merge
    message = git(repository.mirror, "log", "-1", "--format=%B", revert)
    assert "Why: errors since 1.42.0" in message
    assert f"This reverts commit {origin.merge}, reversing changes made to {origin.stable}." in message
    assert "Before that branch is merged again, revert this commit" in message
    assert origin.refs() == before


def test_a_revert_is_the_same_commit_whenever_it_is_made(repository: GitRepository, origin: Origin) -> None:
    """A run that goes on after a kill finds what it built of it, and publishes nothing a second time."""
    made = repository.revert(origin.merge, onto=origin.merge, reason="errors")
    Waiter().pause(1.1)  # git's moments are whole seconds

    assert repository.revert(origin.merge, onto=origin.merge, reason="errors") == made


def test_an_ordinary_commit_is_taken_back_and_later_ones_stay(
    repository: GitRepository, origin: Origin, tmp_path: Path
) -> None:
    """A colleague's fix that came after it survives."""
    colleague = origin.clone(tmp_path / "colleague")
    bad = colleague.commit("Wrong", app_txt="wrong\n")
    fix = colleague.commit("A fix elsewhere", other_txt="fixed\n")
    colleague.push()
    revert = repository.revert(bad, onto=fix, reason="")

    assert git(repository.mirror, "diff", "--name-only", fix, revert) == "app.txt"
    assert git(repository.mirror, "show", f"{revert}:other.txt") == "fixed"


def test_done_twice_it_changes_nothing(repository: GitRepository, origin: Origin) -> None:
    """What has been taken back already gives the commit it was asked to build on."""
    revert = repository.revert(origin.merge, onto=origin.merge, reason="")
    repository.push(revert, "main", seen=origin.merge)

    assert repository.revert(origin.merge, onto=revert, reason="") == revert


def test_a_conflict_names_the_files_and_leaves_nothing_behind(
    repository: GitRepository, origin: Origin, tmp_path: Path
) -> None:
    """No marker is ever in a commit, no folder stays, and the remote is where it was."""
    colleague = origin.clone(tmp_path / "colleague")
    later = colleague.commit("Changed again", app_txt="one\nTWO, OTHERWISE\nthree\n")
    colleague.push()
    before = origin.refs()
    with pytest.raises(ProviderError, match=r"later changes touch the same lines of app\.txt; nothing was changed"):
        repository.revert(origin.merge, onto=later, reason="")

    assert origin.refs() == before
    assert git(repository.mirror, "worktree", "list").count("\n") == 0
    assert git(repository.mirror, "for-each-ref", "refs/heads/main").startswith(later)


def test_a_merge_within_a_branch_is_not_taken_back(repository: GitRepository, origin: Origin, tmp_path: Path) -> None:
    """That would take the main line's own changes back; the merge to be reverted instead is named."""
    colleague = origin.clone(tmp_path / "colleague")
    git(colleague.folder, "checkout", "--quiet", "-b", "topic", origin.stable)
    colleague.commit("On the branch", topic_txt="x\n")
    git(colleague.folder, "merge", "--quiet", "--no-edit", "origin/main")
    inner = git(colleague.folder, "rev-parse", "HEAD")
    git(colleague.folder, "checkout", "--quiet", "main")
    git(colleague.folder, "merge", "--quiet", "--no-ff", "--no-edit", "topic")
    colleague.push()
    outer = origin.head()

    with pytest.raises(
        ProviderError, match=f"is a merge within a branch: .* revert the merge that brought it in, {outer}"
    ):
        repository.revert(inner, onto=outer, reason="")


# ------------------------------------------------------------------ pushes


def test_a_push_moves_the_branch_that_was_seen(repository: GitRepository, origin: Origin) -> None:
    """And a second one of the same finds it done."""
    revert = repository.revert(origin.merge, onto=origin.merge, reason="")
    repository.push(revert, "main", seen=origin.merge)
    repository.push(revert, "main", seen=origin.merge)

    assert origin.head() == revert
    assert origin.content("version.txt") == "1.41.3"


def test_a_new_branch_is_made_once(repository: GitRepository, origin: Origin) -> None:
    """Where there is one of that name, somebody else's work is not replaced."""
    repository.push(origin.stable, "emergency/2026-11-25", seen=None)
    assert origin.head("emergency/2026-11-25") == origin.stable

    with pytest.raises(ProviderError, match="is not where it was seen \\(no commit\\)"):
        repository.push(origin.merge, "emergency/2026-11-25", seen=None)
    assert origin.head("emergency/2026-11-25") == origin.stable


def test_a_colleagues_push_is_never_undone(repository: GitRepository, origin: Origin, tmp_path: Path) -> None:
    """They were faster: refused, with where the branch is now."""
    revert = repository.revert(origin.merge, onto=origin.merge, reason="")
    colleague = origin.clone(tmp_path / "colleague")
    fix = colleague.commit("A fix", other_txt="fixed\n")
    colleague.push()
    with pytest.raises(
        ProviderError, match=f"not where it was seen \\({origin.merge[:12]}\\) but at {fix[:12]}: somebody pushed"
    ):
        repository.push(revert, "main", seen=origin.merge)

    assert origin.head() == fix


def test_a_protected_branch_is_told_in_the_hosts_words(repository: GitRepository, origin: Origin) -> None:
    """With the way that does not need git."""
    origin.hook("pre-receive", "echo 'GH006: Protected branch update failed for refs/heads/main.' >&2; exit 1")
    revert = repository.revert(origin.merge, onto=origin.merge, reason="")
    with pytest.raises(
        ProviderError, match=r"pre-receive hook declined.*GH006: Protected branch update failed.*backend-rollback"
    ) as told:
        repository.push(revert, "main", seen=origin.merge)

    assert (told.value.provider, told.value.operation) == ("git", "push to main")
    assert origin.head() == origin.merge


def test_a_push_whose_answer_was_lost_counts_as_done(origin: Origin) -> None:
    """The host took it and then fell silent; where the branch is decides."""
    origin.hook("post-receive", "exec sleep 60")
    with open_repository(GitCommand(str(origin.folder), deadline_s=2)) as repository:
        repository.push(origin.stable, "main", seen=origin.merge)

    assert origin.head() == origin.stable


def test_a_push_that_only_claims_to_be_done_is_not(origin: Origin) -> None:
    """The host says yes and moves the branch back."""
    origin.hook("post-receive", f"git update-ref refs/heads/main {origin.merge}")
    with (
        open_repository(GitCommand(str(origin.folder))) as repository,
        pytest.raises(ProviderError, match="git says that it is done, but"),
    ):
        repository.push(origin.stable, "main", seen=origin.merge)


# ------------------------------------------------------------------ limits and surroundings


def test_a_host_that_hangs_is_left_and_nothing_keeps_running(origin: Origin, tmp_path: Path) -> None:
    """The whole process group ends: also what the host side started here."""
    marker = tmp_path / "pid"
    origin.hook("pre-receive", f"echo $$ > {marker}; exec sleep 60")
    started_s = time.monotonic()
    with (
        open_repository(GitCommand(str(origin.folder), deadline_s=2)) as repository,
        pytest.raises(
            ProviderError, match=r"no end after 2 s, so it was stopped; main is still at [0-9a-f]{12}; is the host up"
        ),
    ):
        repository.push(origin.stable, "main", seen=origin.merge)

    assert time.monotonic() - started_s < 15
    assert state_of(marker.read_text(encoding="utf-8")) in {"", "Z"}
    assert origin.head() == origin.merge


def test_nothing_of_the_machines_configuration_counts(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a hook, not a redirection of addresses, not a forced signature of whoever is on call."""
    seen = tmp_path / "hook ran"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "pre-push", "commit-msg", "pre-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{seen}'\nexit 1\n", encoding="utf-8")
        (hooks / name).chmod(0o755)
    (tmp_path / ".gitconfig").write_text(
        f'[core]\n hooksPath = {hooks}\n[commit]\n gpgSign = true\n[url "/elsewhere"]\n insteadOf = {origin.folder}\n'
        "[push]\n gpgSign = true\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'alias.push=!false'")
    with open_repository(GitCommand(str(origin.folder))) as repository:
        revert = repository.revert(origin.merge, onto=origin.merge, reason="")
        repository.push(revert, "main", seen=origin.merge)

    assert origin.head() == revert
    assert not seen.exists()


@pytest.mark.parametrize("remote", ["", "-oProxyCommand=touch x", "--upload-pack=x"])
def test_an_option_is_no_address(remote: str) -> None:
    """Refused before git sees it."""
    with pytest.raises(ProviderError, match="expected the address of a repository"):
        GitCommand(remote)


def test_a_helper_program_is_no_address(tmp_path: Path) -> None:
    """``ext::`` would run a command of the address."""
    with (
        open_repository(GitCommand(f"ext::touch% {tmp_path / 'ran'}")) as repository,
        pytest.raises(ProviderError, match="transport 'ext' not allowed"),
    ):
        repository.head("main")

    assert not (tmp_path / "ran").exists()


# ------------------------------------------------------------------ the mirror


def test_a_kept_mirror_serves_the_next_session(origin: Origin, tmp_path: Path) -> None:
    """And a branch of it that is behind does not matter."""
    cache = tmp_path / "cache"
    with open_repository(GitCommand(str(origin.folder)), cache=cache) as first, first.worktree(origin.merge):
        pass
    fix = origin.clone(tmp_path / "colleague").commit("A fix", app_txt="fixed\n")
    git(tmp_path / "colleague", "push", "--quiet", "origin", "HEAD:refs/heads/main")
    with open_repository(GitCommand(str(origin.folder)), cache=cache) as second:
        assert second.mirror == first.mirror
        assert second.head("main") == fix


def test_a_mirror_in_use_is_left_alone(origin: Origin, tmp_path: Path) -> None:
    """The second session works with one of its own."""
    command = GitCommand(str(origin.folder))
    with open_repository(command, cache=tmp_path) as first, open_repository(command, cache=tmp_path) as second:
        assert first.mirror != second.mirror
        assert second.head("main") == origin.merge


@pytest.mark.parametrize("damage", ["a lock that a killed session left", "an object that is gone"])
def test_a_damaged_mirror_is_thrown_away(damage: str, origin: Origin, tmp_path: Path) -> None:
    """It never keeps a rollback from happening."""
    command = GitCommand(str(origin.folder))
    with open_repository(command, cache=tmp_path / "cache") as first, first.worktree(origin.merge):
        mirror = first.mirror
    if damage.startswith("a lock"):
        (mirror / "packed-refs.lock").touch()
    else:
        for path in [*mirror.glob("objects/??/*"), *mirror.glob("objects/pack/*.pack")]:
            path.unlink()
    with open_repository(command, cache=tmp_path / "cache") as second, second.worktree(origin.stable) as folder:
        assert (folder / "version.txt").read_text(encoding="utf-8") == "1.41.3\n"
