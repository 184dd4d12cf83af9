"""The suite's own hooks: each is called when it says, a listener that fails changes no verdict, and one without a test fails here."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from pam_rollback.plugin import hookspecs, slices
from pam_rollback.plugin.fixtures import health
from tests.plugin.drilling import CONSENT, as_staging, runbook_with, take_notice_down
from tests.sessions import ONLY_HEALTH, Finished, Project, Range

ROOT = Path(__file__).parents[2]
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("pytest_"))
PAGE = ROOT / "docs" / "architecture.md"
LISTENER = """

def pytest_pam_run_notes(run_folder):
    assert not (run_folder / "run.json").exists()
    return f"noted of {run_folder.name}"


def pytest_pam_run_ended(run_folder, environment):
    (run_folder / "heard").write_text(f"{environment.name} {(run_folder / 'run.json').is_file()}")
    raise RuntimeError("heard too late")
"""


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A runbook whose own conftest.py listens, and that is otherwise about how sessions end."""
    project = runbook_with(tmp_path_factory.mktemp("listening"), *ONLY_HEALTH)
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(LISTENER)
    return project


@dataclass(frozen=True)
class Real:
    """A real rollback that has ended."""

    ended: Finished

    @property
    def notes(self) -> list[str]:
        """Those of its record."""
        found: list[str] = json.loads((self.ended.folder / "run.json").read_text("utf-8"))["notes"]
        return found


@pytest.fixture(scope="module")
def real(shared_range: Range, listening: Project) -> Iterator[Real]:
    """The sandbox calls itself staging; one test is enough for the action."""
    shared_range.as_it_was()
    as_staging(shared_range, listening)
    yield Real(listening.run("drills/test_feature_flag.py", "--env=staging.toml", *CONSENT, "-k", "test_flags_are_off"))
    shared_range.as_it_was()
    take_notice_down(shared_range)


def untested(hooks: Collection[str], page: str, tests: Collection[str]) -> list[str]:
    """The hooks that no test is named after, or that the page does not list."""
    return [hook for hook in hooks if f"test_{hook}" not in tests or f"`{hook}`" not in page]


def test_each_hook_has_its_test_and_is_documented() -> None:
    """Somebody outside builds on it."""
    assert HOOKS
    assert untested(HOOKS, PAGE.read_text(encoding="utf-8"), globals()) == []


def test_a_hook_without_test_or_line_is_seen() -> None:
    """A rule that cannot fail is decoration."""
    assert untested(["a", "b", "c"], "`a` `b`", ["test_a", "test_c"]) == ["b", "c"]


def test_pytest_pam_run_notes(real: Real) -> None:
    """Its line stands in the record, beside those of slices."""
    assert f"noted of {real.ended.folder.name}" in real.notes
    assert not any("hook" in note for note in real.notes)


def test_pytest_pam_run_ended(real: Real) -> None:
    """After verdict and record. It fails here: that is said below the verdict, which stays; the slices had their turn."""
    lines = real.ended.out.splitlines()
    [verdict] = [number for number, line in enumerate(lines) if line.startswith("INCONCLUSIVE for feature-flag")]

    assert (real.ended.folder / "heard").read_text("utf-8") == "staging True"
    assert any("a hook failed: RuntimeError: heard too late" in line for line in lines[verdict:]), real.ended.out
    assert real.ended.rc == json.loads((real.ended.folder / "run.json").read_text("utf-8"))["exit_code"]


def test_a_session_without_an_action_calls_none(practice_range: Range, listening: Project) -> None:
    """There is nothing to note, and nothing to collect."""
    session = listening.run("-m", "health", f"--env={practice_range.file}")

    assert session.rc == 0, session.out
    assert not any("noted of" in note for note in Real(session).notes)
    assert not (session.folder / "heard").exists()


def test_slices_with_hooks_are_found() -> None:
    """By their module; all of them can be imported."""
    assert set(slices.listening()) == {
        f"pam_rollback.{path.parent.name}" for path in (ROOT / "src" / "pam_rollback").glob("*/hooks.py")
    }


class Elsewhere:
    """A conftest.py that knows a criterion of its own, and one of the suite's better."""

    @staticmethod
    def pytest_pam_criterion_retest(criterion: str, request: pytest.FixtureRequest) -> tuple[bool, str] | None:
        """By what a fixture gives."""
        return {"DI-1": (True, "own eyes"), "HC-2": (False, request.getfixturevalue("own"))}.get(criterion)


def test_pytest_pam_criterion_retest() -> None:
    """Whoever listens is asked before the suite's own; for what nobody knows no answer comes."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    manager.register(health)
    manager.register(Elsewhere())
    given = {"own": "own words", "health": SimpleNamespace(again=lambda item: (True, f"{item} is well"))}
    request = SimpleNamespace(getfixturevalue=given.__getitem__)

    def retest(criterion: str) -> object:
        return manager.hook.pytest_pam_criterion_retest(criterion=criterion, request=request)

    assert retest("DI-1") == (True, "own eyes")
    assert retest("HC-2") == (False, "own words")
    assert retest("HC-3") == (True, "HC-3 is well")
    assert retest("WV-1") is None
