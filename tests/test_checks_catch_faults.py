"""Each check is seen red: a fault turns it, and only what depends on it, from passed to failed. A check without a row fails the build.

The rows of decision sessions are run by tests/test_decision_matrix.py, those of the load gate by tests/load/test_load_gate.py.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from pam_rollback.sandbox.database.auditor import in_plan_dialect
from tests.fault_rows.decision_row import DecisionRow
from tests.fault_rows.health import BACKEND, DATABASE, EVERYTHING, FRONTEND, PAM, SAME_RELEASE
from tests.fault_rows.matrix import PAGE, checks_on_disk, page, rows, stories_on_disk
from tests.fault_rows.row import Row, cases_of
from tests.sessions import Project, Range, store_baseline

ROWS = rows()
CODES = {"GO": 0, "NO-GO": 10, "INCONCLUSIVE": 11, "ACTION FAILED": 12}


@pytest.fixture(scope="session")
def seen_green() -> dict[str, set[str]]:
    """The selections that were green on the healthy sandbox, each with its cases."""
    return {}


@pytest.fixture(scope="session")
def counted_before(shared_range: Range, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A baseline of the healthy sandbox, with its rows beside it."""
    shared_range.as_it_was()
    return store_baseline(shared_range, tmp_path_factory.mktemp("baseline"))


@pytest.fixture
def healthy(
    request: pytest.FixtureRequest,
    practice_range: Range,
    project: Project,
    seen_green: dict[str, set[str]],
    counted_before: Path,
    tmp_path: Path,
) -> set[str]:
    """The cases of the row's session, all of them green before anything is planted; looked at once for each selection.

    That everything is green again afterwards is shown by the next row, which expects the same of all but its own checks.
    """
    row: Row = request.node.callspec.params["row"]
    select = f"{' '.join(_selection(row))} {row.dialect} {row.counted_before} {row.setting}"
    if select not in seen_green:
        file = _with_settings(practice_range.file, tmp_path / "healthy.toml", row.setting, dialect=row.dialect)
        before = project.run(*_selection(row), *_known_before(row, counted_before), f"--env={file}")
        outcomes = before.outcomes_by_case()
        assert (before.rc, set(outcomes.values())) == (0, {"passed"}), before.out
        seen_green[select] = set(outcomes)
    return seen_green[select]


@pytest.mark.long_matrix
@pytest.mark.parametrize(
    "row", [row for row in ROWS if not isinstance(row, DecisionRow) and row.folder == "checks"], ids=lambda row: row.id
)
def test_a_fault_turns_its_checks_and_no_others(
    row: Row, healthy: set[str], practice_range: Range, project: Project, tmp_path: Path, counted_before: Path
) -> None:
    """From passed to failed, with a message that names the cause."""
    file = _with_settings(practice_range.file, tmp_path / "sandbox.toml", row.settings, dialect=row.dialect)
    _set_objectives(project.folder / "plan.toml", row.objective_s)
    if row.fault:
        practice_range.remote.plant(row.fault, **row.parameters)
    try:
        broken = project.run(*_selection(row), *_known_before(row, counted_before), f"--env={file}")
    finally:
        practice_range.remote.clear_all()
    outcomes = broken.outcomes_by_case()

    assert set(outcomes) == healthy, broken.out
    assert _with(outcomes, "broken criterion") == cases_of(row.red, healthy), broken.out
    unknown = _with(outcomes, "could not measure")
    assert cases_of(row.unknown, healthy) <= unknown <= cases_of(row.unknown | row.uncertain, healthy), broken.out
    assert _with(outcomes, "action failed") == cases_of(row.undone, healthy), broken.out
    assert _with(outcomes, "passed") == healthy - cases_of(row.red | row.undone, healthy) - unknown, broken.out
    assert broken.rc == CODES[row.word], broken.out
    assert row.words in " ".join(broken.out.split()), broken.out
    assert broken.last_line.startswith(f"REHEARSAL {row.word} for"), broken.last_line


def test_an_expected_release_is_held_against_every_part(practice_range: Range, project: Project) -> None:
    """All healthy, and all of the wrong release: the rollback did not happen."""
    found = project.run("-m", "health", f"--env={practice_range.file}", "--to", "1.41.3")

    assert found.rc == 10
    parts = (FRONTEND, BACKEND, DATABASE, PAM, EVERYTHING, SAME_RELEASE)
    assert {found.outcomes()[name] for name in parts} == {"broken criterion"}
    assert "runs 1.42.0, expected 1.41.3" in " ".join(found.out.split())


def test_every_check_has_a_row() -> None:
    """A check that was never seen red is decoration."""
    seen_red = {name.partition("[")[0] for row in ROWS for name in row.red}

    assert checks_on_disk() - seen_red == set()
    assert seen_red - checks_on_disk() - stories_on_disk() == set(), "a row names a check that does not exist"


def test_rows_are_told_apart() -> None:
    """Two rows of one name would hide one of them in the report."""
    names = [row.id for row in ROWS]

    assert sorted(set(names)) == sorted(names)


def test_the_page_is_up_to_date() -> None:
    """What people read is what is tested: `make matrix` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def _selection(row: Row) -> list[str]:
    # A file is whole in itself; a marker beside it would ask for the other files, too.
    selected = [f"checks/{row.file}"] if row.file else ["-m", row.select]
    return [*selected, *(["--situation", row.situation] if row.situation else [])]


def _known_before(row: Row, counted_before: Path) -> list[str]:
    return ["--baseline", str(counted_before)] if row.counted_before else []


def test_the_report_finds_each_check_on_the_page() -> None:
    """Each check's description links to its line."""
    anchors = set(re.findall(r'<a id="(\w+)"></a>', page()))

    assert checks_on_disk() - anchors == set()


def _with_settings(file: Path, copy: Path, settings: str = "", *, dialect: str = "product") -> Path:
    if not settings and dialect == "product":
        return file
    text = file.read_text(encoding="utf-8")
    if dialect == "plan":
        dsn = tomllib.loads(text)["sandbox"]["variables"]["PAM_DATABASE_DSN"]
        text = text.replace(dsn, in_plan_dialect(dsn)).replace('dialect = "product"', 'dialect = "plan"')
    # What stands in no table has to come before the first one.
    parts = (text, settings) if settings.startswith("[") else (settings, text)
    copy.write_text("\n".join((*parts, "")), encoding="utf-8")
    copy.chmod(0o600)
    return copy


def _set_objectives(plan: Path, objective_s: Mapping[str, int]) -> None:
    text = plan.read_text(encoding="utf-8")
    for name, seconds in objective_s.items():
        before, head, rest = text.partition(f"[recovery_times.{name}]\n")
        figures = re.compile(r"^min_s = \d+\nmax_s = \d+$", re.MULTILINE)
        assert figures.search(rest), f"{name}: no figures in {plan}"
        text = before + head + figures.sub(f"min_s = 0\nmax_s = {seconds}", rest, count=1)
    plan.write_text(text, encoding="utf-8")


def _with(outcomes: dict[str, str], outcome: str) -> set[str]:
    return {case for case, found in outcomes.items() if found == outcome}
