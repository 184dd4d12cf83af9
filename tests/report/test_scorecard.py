"""Can a person read the terminal summary?  Compared with texts that a person has read and found good."""

import re
from pathlib import Path

import pytest

from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.scorecard import render

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def records(good_record: RunRecord, bad_record: RunRecord) -> dict[str, RunRecord]:
    """The records by name."""
    return {"good": good_record, "bad": bad_record}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["good", "bad"])
def test_the_summary_reads_as_approved(records: dict[str, RunRecord], name: str, width: int) -> None:
    """Every line is as it was approved; a change is seen and read before it is committed."""
    text = "\n".join(render(records[name], width, color=False, ascii_only=False)) + "\n"

    assert text == (GOLDEN / f"{name}-{width}.txt").read_text(encoding="utf-8")


def test_colours_only_add_colour(records: dict[str, RunRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    """With colours the text is the same; NO_COLOR turns them off whatever the terminal can do."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    for record in records.values():
        plain = render(record, 80, color=False, ascii_only=False)
        colored = render(record, 80, color=True, ascii_only=False)
        assert colored != plain
        assert [re.sub(r"\033\[[0-9;]*m", "", line) for line in colored] == plain

        with monkeypatch.context() as context:
            context.setenv("NO_COLOR", "1")
            assert render(record, 80, color=True, ascii_only=False) == plain
