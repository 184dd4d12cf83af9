"""Each threshold of the load gate is seen red: a fault turns it, and only what depends on it, from passed to failed."""

import pytest

from tests.fault_rows.load import ROWS
from tests.fault_rows.row import Row
from tests.sessions import ONLY_HEALTH, Project, Range

LOAD = ("-m", "load", "load/test_load.py")


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Only load/ is run here."""
    return ONLY_HEALTH


@pytest.mark.long_matrix
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_fault_turns_its_thresholds_and_no_others(row: Row, practice_range: Range, project: Project) -> None:
    """NO-GO with a message that names the cause; that the same session is green without it is shown by test_load_gate.py."""
    practice_range.remote.plant(row.fault, **row.parameters)
    try:
        found = project.run(*LOAD, f"--env={practice_range.file}")
    finally:
        practice_range.remote.clear_all()
    outcomes = found.outcomes()

    assert {name for name, outcome in outcomes.items() if outcome == "broken criterion"} == row.red, found.out
    assert {name for name, outcome in outcomes.items() if outcome == "passed"} == outcomes.keys() - row.red, found.out
    assert found.rc == 10, found.out
    assert row.words in " ".join(found.out.split()), found.out
    assert found.last_line.startswith("REHEARSAL NO-GO for load"), found.last_line
