"""What a CI job, a channel and a mail say of a verdict: complete, harmless, and small enough."""

from dataclasses import replace
from pathlib import Path

from pam_rollback.report.job_summary import ANNOTATIONS_MAX, BYTES_MAX, annotations, append, in_short, render
from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import Outcome


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


def test_a_go_has_its_figures(good_record: RunRecord) -> None:
    """Verdict, how soon users were well again beside what was asked, and where all of it is."""
    assert in_short(good_record) == (
        "REHEARSAL GO  sandbox 127.0.0.1:41233  release 1.42.0, 3 of 3 in 38 s. "
        "RTO-1 from decision to recovery: 1.94 s, asked at most 30 s. "
        "report: reports/out/20261125-000512-sandbox/report/index.html"
    )


def test_annotations_say_the_verdict_first_and_each_cause_once(bad_record: RunRecord, good_record: RunRecord) -> None:
    """As many as GitHub shows; a GO is a note and nothing else."""
    first, *causes = annotations(bad_record)

    assert first.startswith("::error title=NO-GO::NO-GO  staging ")
    assert causes
    assert all(line.startswith("::error title=") for line in causes)
    assert len(annotations(many_causes(bad_record))) == ANNOTATIONS_MAX
    assert [line[:30] for line in annotations(good_record)] == ["::notice title=REHEARSAL GO::RE"[:30]]
    assert annotations(replace(bad_record, verdict="INCONCLUSIVE"))[0].startswith("::warning title=INCONCLUSIVE::")


def test_a_text_from_outside_is_no_command(bad_record: RunRecord) -> None:
    """Neither a new line nor an escape ends the annotation and begins a command."""
    evil = "x\n::stop-commands::y\r\n%0A::add-mask::GO ##[error]z"
    results = tuple(replace(one, title=evil, message=evil, measured=()) for one in bad_record.results)

    for line in annotations(replace(bad_record, results=results)):
        assert "\n" not in line
        assert "\r" not in line
        assert "%0A" not in line
        assert "##[" not in line


def many_causes(record: RunRecord) -> RunRecord:
    """Twenty tests, each red for a reason of its own."""
    red = next(one for one in record.results if one.outcome is Outcome.BROKEN_CRITERION)
    return replace(record, results=tuple(replace(red, nodeid=f"t::{n}", message=f"cause {n}") for n in range(20)))
