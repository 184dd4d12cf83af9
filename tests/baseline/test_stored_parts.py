"""A part of ``--baseline FILE``: as it was recorded, or no verdict."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.database import ROWS_FILE
from pam_rollback.database.row_counts import TableCounts
from pam_rollback.ops.baseline import fixtures
from pam_rollback.plugin import listeners
from pam_rollback.plugin.baseline_files import BaselinePart, stored_model
from pam_rollback.report.baseline_record import Baseline, Origin, Part


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


def test_what_a_stored_baseline_lacks_is_recorded_before_the_incident(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded after the rollback, it would be compared with itself. What is stored, and what a drill does not wait for, is left alone."""
    parts = [
        BaselinePart("rows", "rows_recorded", "a database", quick=True, file="rows.json"),
        BaselinePart("settings", "settings_recorded", "an account", quick=True, file="settings.json"),
        BaselinePart("answers", "baseline_answers", "a service", quick=True),
        BaselinePart("pages", "pages_recorded", "a browser", file="pages.json"),
    ]
    recorded: list[str] = []
    monkeypatch.setattr(listeners, "baseline_parts", lambda _: parts)

    def record(of: Sequence[BaselinePart]) -> None:
        recorded.extend(part.what for part in of)

    options = SimpleNamespace(baseline=Path("baseline.json"))
    stored = SimpleNamespace(parts={"settings.json"})
    runbook: Any = SimpleNamespace(options=options, stored=stored, records_before=True)

    found = fixtures.baseline._get_wrapped_function()(runbook, Path(), record, None)

    assert (found, recorded) == (stored, ["rows"])
