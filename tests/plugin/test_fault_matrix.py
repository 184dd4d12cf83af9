"""Each check is seen red: a fault turns it, and only what depends on it, from passed to failed. A check without a row fails the build."""

import ast
from typing import Any

import pytest

from tests.plugin.conftest import ROOT, Project, Range

FRONTEND = "test_front_end_is_healthy"
BACKEND = "test_back_end_is_healthy"
DATABASE = "test_database_is_healthy"
PAM = "test_pam_is_healthy"
EVERYTHING = "test_everything_together_is_healthy"
SAME_RELEASE = "test_every_part_runs_the_same_release"

API = {"server": "api"}
DB = {"server": "api", "path": "/health/db"}

CATCHES: list[Any] = [
    # fault, parameters, the checks that turn red, what the failure says
    pytest.param(
        "answers-html",
        {"server": "frontend", "path": "/health"},
        {FRONTEND, SAME_RELEASE},
        "single-page fallback",
        id="spa-fallback",
    ),
    pytest.param("answers-unhealthy", API | {"path": "/health"}, {BACKEND}, "says unhealthy", id="200-unhealthy"),
    pytest.param("answers-503-healthy", DB, {DATABASE}, "HTTP 503", id="503-healthy"),
    pytest.param(
        "answers-html", API | {"path": "/health/pam"}, {PAM, SAME_RELEASE}, "not JSON but text/html", id="html-for-json"
    ),
    pytest.param(
        "answers-garbage", DB, {DATABASE, SAME_RELEASE}, "not JSON although its content type says so", id="garbage"
    ),
    pytest.param(
        "answers-never-ending", DB, {DATABASE, SAME_RELEASE}, "the body did not end within 5 s", id="never-ending"
    ),
    pytest.param(
        "answers-silence", DB, {DATABASE, SAME_RELEASE}, "silent: connected, but no answer within 5 s", id="silence"
    ),
    pytest.param("answers-half-closed", DB, {DATABASE, SAME_RELEASE}, "announced bytes", id="half-closed"),
    pytest.param("answers-wrong-release", DB, {SAME_RELEASE}, "1.40.9", id="wrong-release"),
    pytest.param(
        "answers-unhealthy", API | {"path": "/health/comprehensive"}, {EVERYTHING}, "says unhealthy", id="comprehensive"
    ),
    pytest.param("database-down", {}, {BACKEND, DATABASE, PAM, EVERYTHING}, "says unhealthy", id="database-down"),
    pytest.param(
        "release-down",
        {"how": "killed"},
        {BACKEND, DATABASE, PAM, EVERYTHING, SAME_RELEASE},
        "HTTP 502",
        id="release-killed",
    ),
    pytest.param(
        "release-down",
        {"how": "hung"},
        {BACKEND, DATABASE, PAM, EVERYTHING, SAME_RELEASE},
        "silent: connected",
        id="release-hung",
    ),
]


@pytest.mark.long_matrix
@pytest.mark.parametrize(("fault", "parameters", "red", "words"), CATCHES)
def test_a_fault_turns_its_checks_and_no_others(
    practice_range: Range, project: Project, fault: str, parameters: dict[str, Any], red: set[str], words: str
) -> None:
    """From passed to failed, with a message that names the cause; and GO again when the fault is gone."""
    practice_range.remote.plant(fault, **parameters)
    broken = project.run("-m", "health", "--env", str(practice_range.file))
    practice_range.remote.clear_all()

    assert {name for name, outcome in broken.outcomes().items() if outcome == "broken criterion"} == red, broken.out
    assert {name for name, outcome in broken.outcomes().items() if outcome == "passed"} == set(broken.outcomes()) - red
    assert broken.rc == 10
    assert words in " ".join(broken.out.split()), broken.out
    assert broken.last_line.startswith("REHEARSAL NO-GO for health"), broken.last_line

    mended = project.run("-m", "health", "--env", str(practice_range.file))
    assert (mended.rc, set(mended.outcomes().values())) == (0, {"passed"}), mended.out


def test_an_expected_release_is_held_against_every_part(practice_range: Range, project: Project) -> None:
    """All healthy, and all of the wrong release: the rollback did not happen."""
    found = project.run("-m", "health", "--env", str(practice_range.file), "--to", "1.41.3")

    assert found.rc == 10
    assert {name for name, outcome in found.outcomes().items() if outcome == "passed"} == {SAME_RELEASE}
    assert "runs 1.42.0, expected 1.41.3" in " ".join(found.out.split())


def test_every_check_has_a_row() -> None:
    """A check that was never seen red is decoration."""
    tree = ast.parse((ROOT / "checks" / "test_health.py").read_text(encoding="utf-8"))
    checks = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}

    assert checks - {name for row in CATCHES for name in row.values[2]} == set()
