"""Does each view of a record name what is not good, and nothing else?  Drawn records; sessions: tests/session/test_projections.py."""

import re
from dataclasses import replace
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from pam_rollback.report import job_summary, scorecard, scorecard_page, screen
from pam_rollback.report.run_record import Result, RunRecord, Verdict
from pam_rollback.report.verdict import VERDICT_WORDS, ExitCode, Outcome, worst

CASES = 150
IDS = ("SC-1", "SC-3", "RTO-5", "RPO-1", "HC-2", "CR-4", "CH-1", "TF-3")
BAD = (Outcome.BROKEN_CRITERION, Outcome.ACTION_FAILED, Outcome.UNDO_FAILED, Outcome.REFUSED, Outcome.UNKNOWN)
_ID = re.compile(r"\b[A-Z]+-\d+\b")
_ENTRY = re.compile(r"^  (?:BROKEN|ACTION FAILED|UNDO FAILED|REFUSED|UNKNOWN) (.*)$", re.MULTILINE)
_MARK = re.compile(r"^- \*\*(.*?)\*\*", re.MULTILINE)
_FAILED = re.compile(r"BROKEN|FAILED|REFUSED|UNKNOWN|could not|❌|⛔|⚠️|class=\"(?:problem )?no\b")
"""What is shown as failed, in any of them."""

outcomes = st.sampled_from([Outcome.PASSED, Outcome.PASSED, Outcome.KNOWN, *BAD])
drawn = st.dictionaries(st.sampled_from(IDS), st.tuples(outcomes, st.booleans()), min_size=1)


def _record(good: RunRecord, tests: dict[str, tuple[Outcome, bool]]) -> RunRecord:
    """What a session would write of such tests."""
    results = tuple(
        Result(f"checks/test_a.py::test_{n}", f"it is so: {n}", outcome, (item,), message=f"red {n}", advisory=advisory)
        for n, (item, (outcome, advisory)) in enumerate(tests.items())
    )
    decide = [one.outcome for one in results if not one.advisory or one.outcome is Outcome.UNDO_FAILED]
    code = worst(outcome.exit_code for outcome in [Outcome.PASSED, *decide])
    verdict = cast("Verdict", VERDICT_WORDS[code])
    return replace(good, results=results, verdict=verdict, exit_code=int(code), situations=("as-is",), steps=())


def _ids(texts: list[str]) -> set[str]:
    return {found for text in texts for found in _ID.findall(text)}


@settings(deadline=None, max_examples=CASES)
@given(tests=drawn)
def test_each_view_names_what_is_not_good(good_record: RunRecord, tests: dict[str, tuple[Outcome, bool]]) -> None:
    """Terminal, with -v and without, page, job summary, message and annotations name the same plan items; of a GO none."""
    record = _record(good_record, tests)
    told = {
        item
        for item, (outcome, advisory) in tests.items()
        if outcome in BAD and (not advisory or outcome is Outcome.UNDO_FAILED)
    }
    plain, whole = (
        "\n".join(view(record, 120, color=False, ascii_only=False)) for view in (screen.render, scorecard.render)
    )
    summary = job_summary.render(record)
    page = scorecard_page.render(record)
    message = job_summary.in_short(record)
    notes = job_summary.annotations(record)
    views = {
        "terminal": _ids(_ENTRY.findall(plain)),
        "-v": _ids(_ENTRY.findall(whole)),
        "page": _ids(re.findall(r'<div class="problem[^>]*>(.*?)<strong>', page, re.DOTALL)),
        "summary": _ids(_MARK.findall(re.sub(r"\\(.)", r"\1", summary))),
        "message": _ids([message.partition("not good: ")[2].partition(". ")[0]]),
        "annotations": _ids([note.partition("title=")[2].partition("::")[0] for note in notes]),
    }

    assert views == dict.fromkeys(views, told)
    assert (record.exit_code == ExitCode.GO) is (not told)
    for name, text in {"terminal": plain, "-v": whole, "page": page, "summary": summary, "message": message}.items():
        assert record.verdict in text, name
        assert name == "page" or str(record.reports.html) in text, name
        assert record.exit_code or not _FAILED.search(text), (name, text)
    assert len(summary.encode()) < job_summary.BYTES_MAX
