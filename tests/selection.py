"""Which of the suite's own tests a command runs: the quick ones, the rest, and some only where what they test has changed."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import netlify_cli, unleash_server

ROOT = Path(__file__).resolve().parents[1]
BASE = "BASE"
"""The variable that names what to compare with: a commit, a branch, a tag."""
WHOLE = "PAM_WHOLE_MATRIX"
QUICK, REST, STAND_INS = "quick", "rest", "stand-ins"
QUICK_PATHS = (
    "tests/base/",
    "tests/environment/",
    "tests/plan/",
    "tests/report/test_aftermath.py",
    "tests/report/test_retention.py",
    "tests/report/test_verdict.py",
    "tests/session/test_resumption.py",
    "tests/session/test_time_frames.py",
    "tests/stats/",
    "tests/test_cuts.py",
    "tests/test_docs.py",
    "tests/test_house_rules.py",
    "tests/test_layout.py",
    "tests/test_mutants.py",
    "tests/test_parsers.py",
    "tests/test_scheduling.py",
    "tests/test_selection.py",
    "tests/test_soak.py",
    "tests/test_summary.py",
    "tests/test_watch_workflow.py",
    "tests/test_workflow_rights.py",
    "tests/test_workflow_steps.py",
    "tests/test_workflows.py",
)
"""Rules, docs and the house: no sandbox, no browser."""
_RULES_OF_A_SLICE = re.compile(r"tests/\w+/rules/")
"""Quick as well, whatever the slice is called."""
LATER = (
    "tests/stats/test_binomial.py::test_tails_are_the_sums_of_their_terms",
    "tests/observation/rules/test_change.py::test_covers_the_truth_as_often_as_it_says",
    "tests/observation/rules/test_change.py::test_rates_cover_the_truth_as_often_as_they_say",
    "tests/plan/test_held_tests.py::test_it_is_what_pytest_finds",
    "tests/plan/test_written_marks.py::test_the_committed_files_have_no_other_markers",
    "tests/plan/test_written_marks.py::test_a_file_that_is_left_out_holds_no_test_that_is_selected",
    "tests/observation/rules/test_recovery.py::test_what_failed_in_part_ends_when_luck_does_not_explain_the_good",
    "tests/stats/test_step_percentiles.py::test_what_it_says_is_never_wrong",
    "tests/test_docs.py::test_a_command_that_selects_nothing_is_seen",
    "tests/test_docs.py::test_shown_commands_select_something",
    "tests/test_scheduling.py::test_a_session_of_workers_runs_everything_once",
)
"""Tests among them that take seconds of processor: thousands of drawn histories, processes of pytest. They run with the rest."""
_USUAL_BASES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_WITHIN_S = 30


@dataclass(frozen=True)
class Group:
    """Tests that `make test` runs only when what they test is changed: of what the suite is tested with, and with many pages."""

    name: str
    tests: tuple[str, ...]
    """Where they stand, as beginnings of paths."""
    tested: tuple[str, ...]
    """What they test and what they are made of, as beginnings of paths."""
    otherwise: str = "`make stand-ins` runs it"
    """Who runs them where nothing has changed."""


_AT_NIGHT = "`make test-all` runs it, every night"
_EVERYWHERE = ("requirements.lock", "pyproject.toml", "tests/conftest.py", "tests/selection.py")
_CLIENTS = (
    "tests/rollback/providers/test_described_requests.py",
    "tests/netlify_cli/",
    "tests/sandbox/test_netlify_conformance.py",
    "tests/sandbox/test_render_conformance.py",
)
OFFICIAL_CLIENTS = Group(
    "official clients",
    _CLIENTS,
    (
        "src/pam_rollback/rollback/providers/netlify/",
        "src/pam_rollback/outside/provider",
        "src/pam_rollback/rollback/providers/render/",
        "src/pam_rollback/sandbox/providers/",
        "tests/rollback/providers/relay.py",
        "tests/npm_packages.py",
        "tests/sandbox/netlify_host.py",
        "tests/sandbox/render_range.py",
        *_CLIENTS,
        *_EVERYWHERE,
    ),
)
"""Netlify's and Render's own clients and documents, against the stand-ins and against our requests; Netlify's takes 420 MB."""
SANDBOX = Group(
    "sandbox",
    ("tests/sandbox/",),
    ("src/pam_rollback/sandbox/", "tests/sandbox/", "tests/running_product.py", *_EVERYWHERE),
)
"""The sandbox itself: its site, its product, its stand-ins."""
_REAL_UNLEASH = ("tests/product/client/test_unleash_conformance.py", "tests/unleash_server/")
UNLEASH = Group(
    "unleash",
    _REAL_UNLEASH,
    (
        "src/pam_rollback/outside/provider.py",
        "src/pam_rollback/product/client/unleash.py",
        "src/pam_rollback/environment/unleash.py",
        "tests/product/client/unleash_scenes.py",
        "tests/npm_packages.py",
        "tests/unleash_stand_in.py",
        *_REAL_UNLEASH,
        *_EVERYWHERE,
    ),
)
"""Unleash's own server (200 MB) and a PostgreSQL: our client and the stand-in that it is tested with on every commit."""
STAND_IN_GROUPS = (OFFICIAL_CLIENTS, UNLEASH, SANDBOX)
_PAGES_AND_WINDOWS = ("tests/test_faults_together.py", "tests/records/test_performance.py")
PAGES_AND_WINDOWS = Group(
    "pages and windows",
    _PAGES_AND_WINDOWS,
    (
        "checks/",
        "products/",
        "environments/",
        "plan.toml",
        "src/pam_rollback/browser/",
        "src/pam_rollback/observation/",
        "src/pam_rollback/product/",
        "src/pam_rollback/records/",
        "src/pam_rollback/sandbox/",
        "tests/fault_rows/",
        "tests/sessions.py",
        "tests/test_checks_catch_faults.py",
        *_PAGES_AND_WINDOWS,
        *_EVERYWHERE,
    ),
    _AT_NIGHT,
)
"""Whole sessions of many pages or of windows: docs/decisions/0035-faults-that-do-not-meet.md."""
_REPORT_PAGES = ("tests/report/test_html_report.py",)
REPORT_PAGES = Group(
    "report pages",
    _REPORT_PAGES,
    (
        "src/pam_rollback/report/",
        "src/pam_rollback/session/allure_bridge.py",
        "src/pam_rollback/session/record.py",
        "reports/",
        "tests/report/conftest.py",
        *_REPORT_PAGES,
        *_EVERYWHERE,
    ),
    _AT_NIGHT,
)
"""Reports built by Allure's generator. The drill's own is built and looked at on every commit (tests/session/test_drill.py)."""
_LOAD_ENGINE = ("tests/load/test_locust.py", "tests/load/test_locust_elsewhere.py")
LOAD_ENGINE = Group(
    "load engine",
    _LOAD_ENGINE,
    (
        "load/",
        "src/pam_rollback/base/",
        "src/pam_rollback/load/",
        "src/pam_rollback/observation/",
        "src/pam_rollback/stats/",
        "tests/certificate.py",
        "tests/load_target.py",
        *_LOAD_ENGINE,
        *_EVERYWHERE,
    ),
    _AT_NIGHT,
)
"""Its processes, against a server of their own. The gate that uses them runs on every commit (tests/load/test_load_gate.py)."""
GROUPS = (*STAND_IN_GROUPS, PAGES_AND_WINDOWS, REPORT_PAGES, LOAD_ENGINE)
"""A test belongs to the first that names it."""


@dataclass(frozen=True)
class Comparison:
    """What has changed, or why that is not known."""

    base: str = ""
    """What was compared with, in words; empty: there is nothing to compare with."""
    changed: frozenset[str] = frozenset()
    """Paths below the project; uncommitted and new files count."""
    problem: str = ""
    """What git said when it could not compare."""


@dataclass(frozen=True)
class Selection:
    """The groups that are run, and what is to be said of the others."""

    groups: frozenset[str]
    told: tuple[str, ...] = ()
    """What was compared with what, and which groups were not run."""


class NoSuchBaseError(ValueError):
    """A person named a base that is none."""


def group_of(path: str) -> Group | None:
    """The group that a test file belongs to; None for those that always run."""
    return next((group for group in GROUPS if path.startswith(group.tests)), None)


def is_quick(test: str) -> bool:
    """Whether a test, or some of a test file, belongs to `make quick`."""
    rules = test.startswith(QUICK_PATHS) or _RULES_OF_A_SLICE.match(test) is not None
    return rules and not test.startswith(LATER)


def _has_more(path: str) -> bool:
    return any(name.startswith(f"{path}::") for name in LATER)


def wanted(test: str, part: str, groups: Iterable[str]) -> bool:
    """Whether that part of the tests has this test in it, or some of this file. Without a part everything that was named is run."""
    group = group_of(test)
    if part == QUICK:
        return is_quick(test)
    if part == STAND_INS:
        return group in STAND_IN_GROUPS
    if part == REST:
        return (not is_quick(test) or _has_more(test)) and (group is None or group.name in set(groups))
    return True


def select(compared: Comparison) -> Selection:
    """The groups that a change asks for. What git could not say is no reason to leave anything out."""
    every = frozenset(group.name for group in GROUPS)
    if compared.problem:
        return Selection(every, (f"git could not say what has changed, so nothing is left out: {compared.problem}",))
    if not compared.base:
        base, why = "there is no commit to compare with", "that is not known"
    else:
        base, why = f"compared with {compared.base}", "nothing that it tests has changed"
    run = {group.name for group in GROUPS if any(path.startswith(group.tested) for path in compared.changed)}
    told = (
        f"what has changed: {base} ({BASE}=… names another commit)",
        *(f"not run: {group.name}: {why}; {group.otherwise}" for group in GROUPS if group.name not in run),
    )
    return Selection(frozenset(run), told)


def selection(part: str, variables: Mapping[str, str], root: Path = ROOT) -> Selection:
    """What this part runs of the groups; all of them in a whole run. Raises NoSuchBaseError."""
    if part != REST or variables.get(WHOLE):
        return Selection(frozenset(group.name for group in GROUPS))
    return select(compare(root, variables.get(BASE, "")))


def compare(root: Path, named: str = "") -> Comparison:
    """The paths that differ from where this branch left the main one; on the main one, from where that was before it last moved.

    Where nobody noted that, as in a fresh clone, from the commit before.

    Raises NoSuchBaseError when the named base is no commit.
    """
    if not (root / ".git").exists():
        return Comparison()
    try:
        head = _git(root, "rev-parse", "HEAD")
        base, words = _named(root, named, head) if named else _usual(root, head)
        if not base:
            return Comparison()
        changed = _git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", base)
        new = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    except (OSError, subprocess.SubprocessError) as problem:
        return Comparison(problem=_said(problem))
    return Comparison(words, frozenset(filter(None, f"{changed}\0{new}".split("\0"))))


def _named(root: Path, named: str, head: str) -> tuple[str, str]:
    found = _commit(root, named)
    if not found:
        raise NoSuchBaseError(f"{BASE}={named}: git knows no such commit; name one that it has, or fetch it first")
    return _merge_base(root, found, head) or found, named


def _usual(root: Path, head: str) -> tuple[str, str]:
    known = [name for name in _USUAL_BASES if _commit(root, name)]
    # One push, pull or merge lands several commits: git's own log of a branch says what it was before.
    moved = [f"{name}@{{1}}" for name in known]
    words = [*known, *(f"{name} as it was before it last moved" for name in known)]
    for name, said in zip((*known, *moved), words, strict=True):
        base = _merge_base(root, name, head) if _commit(root, name) else ""
        if base and base != head:
            return base, said
    return _commit(root, "HEAD~1"), "the commit before"


def _commit(root: Path, name: str) -> str:
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except subprocess.CalledProcessError:
        return ""


def _merge_base(root: Path, one: str, other: str) -> str:
    try:
        return _git(root, "merge-base", one, other)
    except subprocess.CalledProcessError:
        return ""  # no common commit, or one that a shallow clone does not have


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=_WITHIN_S
    )
    return done.stdout.strip("\n")


def _said(problem: Exception) -> str:
    words = problem.stderr if isinstance(problem, subprocess.CalledProcessError) else str(problem)
    return " ".join(str(words).split())[:300] or type(problem).__name__


def main() -> int:
    """Install what the groups need that `make test` is about to run."""
    try:
        found = selection(REST, os.environ)
    except NoSuchBaseError as problem:
        print(problem)  # noqa: T201 - for whoever called make
        return 1
    if OFFICIAL_CLIENTS.name in found.groups:
        netlify_cli.installed()
    if UNLEASH.name in found.groups:
        unleash_server.installed()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
