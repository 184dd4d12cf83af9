"""Can a person read the terminal summary?  Compared with texts that a person has read and found good."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pam_rollback.report import wording
from pam_rollback.report.run_record import EnvironmentFacts, RunRecord
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


def test_a_terminal_without_unicode_gets_ascii(records: dict[str, RunRecord]) -> None:
    """On an ASCII terminal nothing fails and the lines stay aligned."""
    for record in records.values():
        assert "\n".join(render(record, 80, color=False, ascii_only=True)).isascii()


def test_verdict_lines(good_record: RunRecord, bad_record: RunRecord) -> None:
    """The line says what was judged, where, how much of it, and why it is not GO."""
    production = EnvironmentFacts("production", "www.example.org", "production")
    health = replace(good_record, environment=production, scope="health")
    offline = replace(
        good_record, environment=production, verdict="INCONCLUSIVE", reasons=("we are offline",), results=()
    )
    planned = replace(good_record, verdict="PLANNED")

    assert wording.verdict_line(health) == "GO for health  production www.example.org  release 1.42.0, 3 of 3 in 38 s"
    assert wording.verdict_line(offline) == (
        "INCONCLUSIVE  production www.example.org  release 1.42.0, 0 of 0 in 38 s: we are offline"
    )
    assert wording.verdict_line(planned).startswith("PLANNED  sandbox")
    assert wording.verdict_line(bad_record) == (
        "NO-GO  staging staging.example.org  release unknown, 6 of 7 in 38 s: "
        "1 criterion broken, 1 test could not measure, 1 test not run"
    )
