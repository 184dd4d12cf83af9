"""The newest record of an environment: what is too old, or of a clock that was wrong, is none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.report.earlier_runs import latest
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import Moment, RunRecord, write


def test_the_newest_is_the_newest_of_the_past(tmp_path: Path, good_record: RunRecord) -> None:
    """A machine whose clock was a day ahead leaves a record that would be young for a day longer, or for years."""
    for number, hours in enumerate((-30, -2, -1, 24)):
        began = Moment((datetime.now(UTC) + timedelta(hours=hours)).isoformat(), 1.0)
        write(replace(good_record, run_id=f"{hours}", started=began), tmp_path / f"{number}" / "run.json", Redactor([]))

    def found(name: str, *, within: timedelta) -> str:
        record = latest(tmp_path, environment=name, holds=lambda _: True, within=within)
        return record.run_id if record else ""

    assert found(good_record.environment.name, within=timedelta(hours=3)) == "-1"
    assert found(good_record.environment.name, within=timedelta(minutes=3)) == ""
    assert found("elsewhere", within=timedelta(hours=3)) == ""
