"""Fixtures of topics are loaded when they are asked for, and behave as if they had been there from the start."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

from pam_rollback.session.fixtures_on_demand import names
from pam_rollback.session.slices import slices
from tests.recording_server import recording_server
from tests.sessions import ROOT, Project, as_by_hand, runbook_in

SOURCES = ROOT / "src" / "pam_rollback"
FOUNDATION = {"base", "stats", "outside", "plan", "environment", "product", "journal", "report", "session"}
OF_HEALTH = FOUNDATION | {"health", "observation", "rollback"}
"""The folders of which a session of health checks may load modules."""
MODULES_MAX = 200
"""How many of ours it may load, without packages' own."""
OF_THOSE_WHO_ACT = (
    "pam_rollback.rollback.strategies",
    "pam_rollback.rollback.providers",
    "pam_rollback.rollback.client",
)
OF_OTHERS = frozenset({"xdist", "execnet", "playwright", "psycopg", "rich", "jinja2", "aiohttp", "httpx"})
"""Libraries that health checks do without."""
_LOADED = """
import sys
import pytest

pytest.main(sys.argv[1:])
print("\\nloaded", *sys.modules)
"""
OVERRIDDEN = """
import pytest

@pytest.fixture(scope="session")
def health(health):
    return health

def pytest_collection_finish(session):
    asked = session.items[0]._fixtureinfo.name2fixturedefs
    print("order:", *(one.func.__module__ for one in asked["health"]))
"""


def modules() -> dict[str, ast.Module]:
    """Each module of the topics' fixtures, read anew."""
    leaves = {name.rpartition(".")[2] for name in slices()}
    return {
        ".".join(path.relative_to(SOURCES.parent).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(SOURCES.glob("*/fixtures/**/*.py"))
        if path.relative_to(SOURCES).parts[0] not in leaves
    }


def test_every_fixture_is_known_by_its_name() -> None:
    """Read from the text by one rule, and by Python's own grammar: the same. No name is there twice."""
    defined = [
        (function.name, module)
        for module, tree in modules().items()
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        and any(ast.unparse(mark).startswith("pytest.fixture") for mark in function.decorator_list)
    ]

    assert len(defined) > 100
    assert [name for name, times in Counter(name for name, _ in defined).items() if times > 1] == []
    assert names() == dict(defined)


def test_nothing_is_there_that_nobody_asks_for_by_name() -> None:
    """A fixture for all tests, one of cases with markers, or a hook would take part in some sessions and not in others."""
    texts = {module: ast.unparse(tree) for module, tree in modules().items()}
    hooks = {
        function.name
        for module, tree in modules().items()
        if module != "pam_rollback.session.fixtures.environment"  # conftest.py names it
        for function in tree.body
        if isinstance(function, ast.FunctionDef) and function.name.startswith("pytest_")
    }

    assert [module for module, text in texts.items() if "autouse" in text or "params=" in text] == []
    assert hooks == {"pytest_pam_criterion_retest"}


def test_no_value_of_ours_brings_a_marker() -> None:
    """What a check takes from here for its cases may be any value but one with markers; see plan/written_marks.py."""
    marked = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.param"
    }

    assert marked == {"session/situations.py"}


def test_a_conftest_overrides_what_comes_later(tmp_path: Path) -> None:
    """As ever: the project's own fixture is the nearer one, and can ask for the one beneath."""
    project: Project = runbook_in(tmp_path)
    with (tmp_path / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(OVERRIDDEN)

    listed = project.run("-m", "health", "--collect-only", "-q", "--capture=no")

    [order] = [line for line in listed.out.splitlines() if line.startswith("order:")]
    assert order.split()[1:] == ["pam_rollback.health.fixtures.health", "conftest"]


def test_what_overrides_a_plug_in_still_does(tmp_path: Path) -> None:
    """Our browser stands over that of pytest-playwright, which is loaded earlier."""
    project = runbook_in(tmp_path)
    with (tmp_path / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(OVERRIDDEN.replace('["health"]', '["browser"]').replace("health", "something_else"))

    listed = project.run("-m", "post_rollback and journey", "--collect-only", "-q", "--capture=no")

    [order] = [line for line in listed.out.splitlines() if line.startswith("order:")]
    assert order.split()[1:] == ["pytest_playwright.pytest_playwright", "pam_rollback.browser.fixtures.browser"]


def test_health_checks_load_what_they_ask_for(tmp_path: Path) -> None:
    """Start-up time is answer time: nothing of journeys, the database, decisions or the baseline, from start to verdict."""
    with recording_server() as server:
        addresses = "".join(f'{site} = "{server.url}"\n' for site in ("frontend", "backend", "api"))
        environment = tmp_path / "here.toml"
        environment.write_text(
            f'name = "here"\nkind = "staging"\nabilities = []\npace = 1\n[urls]\n{addresses}', "utf-8"
        )
        arguments = ["-m", "health", f"--env={environment}", f"--run-dir={tmp_path / 'run'}", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [sys.executable, "-c", _LOADED, *arguments],
            cwd=ROOT,
            env=as_by_hand(),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    modules_loaded = done.stdout.rpartition("\nloaded ")[2].split()
    ours = [name for name in modules_loaded if name.startswith("pam_rollback.")]
    folders = Counter(name.split(".")[1] for name in ours if name.count(".") > 1)
    behind_hooks = {name.split(".")[1] for name in ours if name.count(".") > 1 and not name.endswith(".hooks")}

    assert server.asked, done.stdout
    assert behind_hooks - OF_HEALTH == set()
    assert OF_OTHERS.isdisjoint(name.partition(".")[0] for name in modules_loaded)
    assert [name for name in ours if name.startswith(OF_THOSE_WHO_ACT)] == []
    assert sum(folders.values()) <= MODULES_MAX
