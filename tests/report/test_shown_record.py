"""The record as people see it names commands that work where it is shown; the record itself keeps what was run."""

from dataclasses import replace

import pytest

from pam_rollback.outside import places
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.shown_record import shown


def test_commands_are_those_of_the_place(good_record: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """In reasons, in messages, and the command line itself, which stays a list of words."""
    record = replace(
        good_record,
        command_line=("pytest", "-m", "health", "--env", "staging"),
        reasons=("a change is left: pytest --undo run --env staging",),
        notes=("pytest's own verdict does not count",),
    )

    assert shown(record).command_line == record.command_line
    assert shown(record).reasons == record.reasons

    monkeypatch.setattr(places, "IS_CHECKOUT", False)
    there = shown(record)

    assert there.command_line == ("pam-rollback", "-m", "health", "--env", "staging")
    assert there.reasons == ("a change is left: pam-rollback --undo run --env staging",)
    assert there.notes == record.notes
    assert record.command_line[0] == "pytest"
