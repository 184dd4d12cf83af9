"""A part of ``--baseline FILE``: as it was recorded, or no verdict."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.integrity import ROWS_FILE
from pam_rollback.integrity.row_counts import TableCounts
from pam_rollback.report.baseline_record import Baseline, Origin, Part
from pam_rollback.session.baseline_files import stored_model


def runbook_with(folder: Path, content: bytes, *parts: str) -> Any:
    """A session with a baseline that lists these parts, all of that content."""
    for part in parts:
        (folder / part).write_bytes(content)
    origin = Origin(environment="staging", host="api.test", release="", run="run", taken_at=datetime.now(UTC))
    stored = Baseline(origin=origin, parts={part: Part.of(folder / part, n=1) for part in parts})
    return SimpleNamespace(
        stored=stored,
        options=SimpleNamespace(baseline=folder / "baseline.json"),
        environment=SimpleNamespace(waivers=()),
        plan=SimpleNamespace(baseline=SimpleNamespace(age_max_d=30)),
    )


@pytest.mark.parametrize("content", [b"{}", b"[", b"\xff\xfe"])
def test_a_part_that_holds_something_else_is_no_verdict(tmp_path: Path, content: bytes) -> None:
    """Said in one line, with what to do."""
    runbook = runbook_with(tmp_path, content, ROWS_FILE)

    with pytest.raises(MeasurementFailed, match=r"found something else: .*; take a new baseline") as told:
        stored_model(runbook, ROWS_FILE, TableCounts)
    assert "\n" not in str(told.value)


def test_a_part_is_read_where_it_is_listed(tmp_path: Path) -> None:
    """Another one is none."""
    counts = TableCounts(tables={}, created_until=datetime.now(UTC))
    runbook = runbook_with(tmp_path, counts.model_dump_json().encode(), ROWS_FILE)

    assert stored_model(runbook, ROWS_FILE, TableCounts) == counts
    assert stored_model(runbook, "other.json", TableCounts) is None
