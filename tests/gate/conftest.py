"""A run of the past, for what reads records."""

from pathlib import Path

import pytest

from pam_rollback.report.run_record import RunRecord, read
from tests.gate.scene import leave_run


@pytest.fixture
def good_record(tmp_path: Path) -> RunRecord:
    """A rehearsal in which everything went well."""
    return read(leave_run(tmp_path / "past", "run-1", drilled=["feature-flag"], verdict="GO") / "run.json")
