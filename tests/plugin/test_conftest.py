"""Fixtures and hooks are named in the root conftest.py, and fixtures may be overridden as any of pytest's."""

from collections import Counter
from pathlib import Path

from _pytest.fixtures import FixtureFunctionDefinition

from tests.listening import FIXTURES
from tests.sessions import ROOT, Project, runbook_in

OVERRIDDEN = """
import pytest

@pytest.fixture(scope="session")
def health(health):
    return health

def pytest_collection_finish(session):
    asked = session.items[0]._fixtureinfo.name2fixturedefs
    print("order:", *(one.func.__module__ for one in asked["health"]))
"""


def test_no_fixture_is_there_twice() -> None:
    """One would silently stand over the other."""
    defined = [
        (name, value.__module__)
        for module in FIXTURES
        for name, value in vars(module).items()
        if isinstance(value, FixtureFunctionDefinition)
    ]

    assert len(defined) > 100
    assert [name for name, times in Counter(name for name, _ in {*defined}).items() if times > 1] == []


def test_every_module_of_fixtures_or_hooks_is_named() -> None:
    """One that is not is known to no session."""
    src = ROOT / "src" / "pam_rollback"
    there = [*src.rglob("fixtures.py"), *src.rglob("hooks.py"), *src.glob("plugin/topics/[!_]*.py")]
    named = {str(module.__file__) for module in FIXTURES}

    assert {str(path) for path in there} == named


def test_a_conftest_overrides_ours(tmp_path: Path) -> None:
    """The project's own fixture is the nearer one, and can ask for the one beneath."""
    project: Project = runbook_in(tmp_path)
    with (tmp_path / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(OVERRIDDEN)

    listed = project.run("-m", "health", "--collect-only", "-q", "--capture=no")

    [order] = [line for line in listed.out.splitlines() if line.startswith("order:")]
    assert order.split()[1:] == ["pam_rollback.plugin.topics.health", "conftest"]
