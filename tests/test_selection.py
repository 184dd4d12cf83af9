"""Which tests a change asks for: pure rules, and git asked in repositories made for it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fault_rows.matrix import names_in
from tests.selection import (
    GROUPS,
    LATER,
    LOAD_ENGINE,
    OFFICIAL_CLIENTS,
    PAGES_AND_WINDOWS,
    QUICK,
    QUICK_PATHS,
    REPORT_PAGES,
    REST,
    ROOT,
    SANDBOX,
    STAND_INS,
    UNLEASH,
    Comparison,
    NoSuchBaseError,
    compare,
    select,
    selection,
    wanted,
)

ALL = frozenset(group.name for group in GROUPS)


@pytest.mark.parametrize(
    ("changed", "run"),
    [
        ("src/pam_rollback/session/verdict.py", frozenset()),
        ("src/pam_rollback/report/html_report.py", {REPORT_PAGES.name}),
        ("docs/runbook.md", frozenset()),
        ("load/locustfile.py", {LOAD_ENGINE.name}),
        ("src/pam_rollback/observation/client/jsonl.py", {LOAD_ENGINE.name, PAGES_AND_WINDOWS.name}),
        ("checks/test_journeys.py", {PAGES_AND_WINDOWS.name}),
        ("src/pam_rollback/browser/client/axe.py", {PAGES_AND_WINDOWS.name}),
        ("src/pam_rollback/sandbox/site/chat.js", {SANDBOX.name, PAGES_AND_WINDOWS.name}),
        ("tests/sandbox/test_edge.py", {SANDBOX.name}),
        ("src/pam_rollback/rollback/providers/netlify/netlify_files.py", {OFFICIAL_CLIENTS.name}),
        (
            "src/pam_rollback/sandbox/providers/render/api.py",
            {SANDBOX.name, OFFICIAL_CLIENTS.name, PAGES_AND_WINDOWS.name},
        ),
        ("src/pam_rollback/product/client/unleash.py", {UNLEASH.name, PAGES_AND_WINDOWS.name}),
        ("tests/product/client/unleash_scenes.py", {UNLEASH.name}),
        ("tests/netlify_cli/package-lock.json", {OFFICIAL_CLIENTS.name}),
        ("requirements.lock", ALL),
    ],
)
def test_a_change_asks_for_the_tests_of_what_it_changes(changed: str, run: frozenset[str]) -> None:
    """And for no others; those are named, with the command that runs them."""
    found = select(Comparison("origin/main", frozenset({changed, "README.md"})))

    assert found.groups == run
    base, *not_run = found.told
    assert base.startswith("what has changed: compared with origin/main")
    assert [line.split(": ")[1] for line in not_run] == [group.name for group in GROUPS if group.name not in run]
    assert all("has changed; `make " in line for line in not_run)


def test_nothing_to_compare_with_is_said() -> None:
    """A first commit, a shallow clone, an archive: not run, and named."""
    found = select(Comparison())

    assert found.groups == frozenset()
    assert "no commit to compare with" in found.told[0]
    assert [line.startswith("not run: ") for line in found.told[1:]] == [True] * len(GROUPS)


def test_what_git_could_not_say_leaves_nothing_out() -> None:
    """Not known is not unchanged."""
    found = select(Comparison(problem="fatal: bad object HEAD"))

    assert found.groups == ALL
    assert "fatal: bad object HEAD" in found.told[0]


def test_a_whole_run_has_all_of_them() -> None:
    """So has one that names what it wants."""
    assert selection(REST, {"PAM_WHOLE_MATRIX": "1"}).groups == ALL
    assert selection("", {}).groups == ALL


def test_each_test_is_in_one_part() -> None:
    """Quick and rest together are everything; what was moved away from a part is missed."""
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
    tests = [*(f"{file}::test_any" for file in files), *LATER]

    assert len(tests) > 200
    assert [test for test in tests if wanted(test, QUICK, ALL) == wanted(test, REST, ALL)] == []
    by_night = (*PAGES_AND_WINDOWS.tests, *REPORT_PAGES.tests, *LOAD_ENGINE.tests)
    assert {test for test in tests if not wanted(test, REST, ())} == {
        test for test in tests if wanted(test, QUICK, ()) or wanted(test, STAND_INS, ()) or test.startswith(by_night)
    }
    assert [test for test in LATER if not wanted(test.partition("::")[0], REST, ())] == []


def test_what_is_named_is_there() -> None:
    """A renamed file would silently leave its part."""
    tests = {test for test in LATER if test.partition("::")[2] in names_in(ROOT / test.partition("::")[0])}
    paths = [*QUICK_PATHS, *(path for group in GROUPS for path in (*group.tests, *group.tested))]

    assert tests == set(LATER)
    assert [path for path in paths if not list(ROOT.glob(f"{path}*"))] == []


def git(folder: Path, *arguments: str) -> str:
    """In a repository of somebody who has no settings of their own."""
    who = ("-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", folder, *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def commit(tmp_path: Path) -> Callable[[str], str]:
    """Commit a file, in a repository that begins with one."""

    def made(name: str) -> str:
        (tmp_path / name).write_text(name, encoding="utf-8")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-m", name)
        return git(tmp_path, "rev-parse", "HEAD")

    git(tmp_path, "init", "-q", "-b", "main")
    made("first")
    return made


def test_a_branch_is_compared_with_where_it_left(tmp_path: Path, commit: Callable[[str], str]) -> None:
    """All of its commits, and what is not committed yet; not what others did meanwhile."""
    git(tmp_path, "checkout", "-q", "-b", "mine")
    commit("mine")
    commit("mine, too")
    git(tmp_path, "checkout", "-q", "main")
    commit("theirs")
    git(tmp_path, "checkout", "-q", "mine")
    (tmp_path / "mine").write_text("other", encoding="utf-8")
    (tmp_path / "ne w\n").touch()

    assert compare(tmp_path) == Comparison("main", frozenset({"mine", "mine, too", "ne w\n"}))


def test_the_main_branch_is_compared_with_what_it_was_before(tmp_path: Path, commit: Callable[[str], str]) -> None:
    """All that landed at once, and no less; a base that is named says it better. The first commit has nothing before it."""
    assert compare(tmp_path) == Comparison()
    first = git(tmp_path, "rev-parse", "HEAD")
    commit("second")
    git(tmp_path, "checkout", "-q", "-b", "mine")
    commit("third")
    commit("fourth")
    git(tmp_path, "checkout", "-q", "main")
    git(tmp_path, "merge", "-q", "--ff-only", "mine")

    assert compare(tmp_path) == Comparison("main as it was before it last moved", frozenset({"third", "fourth"}))
    assert compare(tmp_path, first) == Comparison(first, frozenset({"second", "third", "fourth"}))


def test_what_was_pulled_at_once_is_compared_with_what_was_there_before(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, commit: Callable[[str], str]
) -> None:
    """The same for a branch of a server: the commit before would hide all that landed with it."""
    commit("second")
    mine = tmp_path_factory.mktemp("clone") / "mine"
    git(tmp_path, "clone", "-q", str(tmp_path), str(mine))
    commit("third")
    commit("fourth")
    git(mine, "pull", "-q", "--ff-only")

    assert compare(mine) == Comparison("origin/main as it was before it last moved", frozenset({"third", "fourth"}))


def test_a_fresh_clone_is_compared_with_the_commit_before(tmp_path: Path, commit: Callable[[str], str]) -> None:
    """Nobody noted where it was; a clone with two commits, as of a pull request, is enough for that."""
    commit("second")
    commit("third")
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{tmp_path}", str(tmp_path / "fresh"))

    assert compare(tmp_path / "fresh") == Comparison("the commit before", frozenset({"third"}))


def test_a_base_that_is_none_is_refused(tmp_path: Path, commit: Callable[[str], str]) -> None:
    """Whoever names one wants to know."""
    with pytest.raises(NoSuchBaseError, match="BASE=mian: git knows no such commit"):
        compare(tmp_path, "mian")


def test_no_repository_is_nothing_to_compare_with(tmp_path: Path) -> None:
    """An archive of the sources."""
    assert compare(tmp_path) == Comparison()


def test_a_broken_repository_is_a_problem(tmp_path: Path) -> None:
    """There is one, and it does not answer."""
    (tmp_path / ".git").write_text("gitdir: nowhere\n", encoding="utf-8")

    assert "not a git repository" in compare(tmp_path).problem
