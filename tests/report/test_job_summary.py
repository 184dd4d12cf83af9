"""Is the summary of a CI job complete, harmless and small enough?  Rendered as Markdown."""

from dataclasses import replace
from pathlib import Path

from pam_rollback.report.job_summary import BYTES_MAX, append, render
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import RunRecord


def test_the_verdict_comes_first_and_everything_is_there(bad_record: RunRecord) -> None:
    """The heading is the verdict line; criteria, problems, steps, what did not run and conditions follow."""
    text = render(bad_record)

    assert text.startswith("## ❌ NO-GO staging staging.example.org release unknown, 6 of 7 in 38 s")
    headings = [line for line in text.splitlines() if line.startswith("### ")]
    parts = ["Every figure (8)", "Problems", "Only advisory", "What was done (3 steps)", "Not run", "Conditions"]
    assert headings == [f"### {part}" for part in parts]
    assert "- **broken criterion HC-1** not true: The API says that it is healthy: " in text
    assert "next: docs/runbook.md\\#api-unhealthy" in text


def test_all_sessions_of_a_step_share_the_room(tmp_path: Path, good_record: RunRecord) -> None:
    """`make drills` has ten: what is beyond the limit together would take all of them away."""
    path = tmp_path / "summary.md"
    many = tuple(replace(good_record.results[0], title="ä" * 500, measured=()) for _ in range(300))

    for _ in range(10):
        append(replace(good_record, results=many), path, Redactor([]))

    text = path.read_text(encoding="utf-8")
    assert BYTES_MAX - 2000 < path.stat().st_size <= BYTES_MAX
    assert text.count("## ✅ REHEARSAL GO") >= 3
    assert "cut here" in text


def test_it_is_appended_without_secrets(tmp_path: Path, good_record: RunRecord) -> None:
    """Other steps of the job keep their part of the page."""
    path = tmp_path / "summary.md"
    path.write_text("# before\n")

    append(replace(good_record, run_id="secret-0123"), path, Redactor({"S": "secret-0123"}))

    assert path.read_text().startswith("# before\n## ✅")
    assert "Run `[redacted:S]`" in path.read_text()
