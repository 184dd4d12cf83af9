"""What a channel, a mail and the annotations of a CI job say of a verdict: the same, in two sentences, and nothing that a runner obeys."""

from dataclasses import replace

from pam_rollback.report.job_summary import ANNOTATIONS_MAX, annotations, in_short
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import Outcome


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
