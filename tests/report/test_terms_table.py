"""The table of figures, and that of several rollbacks: what was judged, by how much, and what has to be read with it."""

import re
from dataclasses import replace

import pytest

from pam_rollback.report import job_summary, scorecard, scorecard_page
from pam_rollback.report.run_record import Measured, RunRecord
from pam_rollback.report.screen import LINES_MAX
from pam_rollback.report.terminal_page import Page
from pam_rollback.report.terms_table import criteria_table, drill_of, drills_table, rows_of
from pam_rollback.report.verdict import Outcome
from tests.report.screens import TERMS, result, rows_of_a_terminal, shown


def test_the_worst_of_several_tests_is_the_items(drill: RunRecord) -> None:
    """A criterion with 27 good tests and one that is not good is not good."""
    bad = result("test_lost", "SC-4", outcome=Outcome.BROKEN_CRITERION, measured=(Measured("rows lost", "0", 7),))
    [row] = [line for line in shown(replace(drill, results=(*drill.results, bad))) if line.startswith("  SC-4")]
    [good] = [line for line in shown(drill) if line.startswith("  SC-4")]

    assert (row.split()[-1], "rows lost" in row) == ("BROKEN", True)
    assert good.split()[-1] == "ok"


def test_a_failed_action_is_no_loss_of_data(drill: RunRecord) -> None:
    """Whatever was to be judged after it was not: read quickly, FAILED beside the users' data says that some of it is lost."""
    unjudged = result("test_rows", "SC-4", outcome=Outcome.ACTION_FAILED)
    action = result("test_done", "ST-1", outcome=Outcome.ACTION_FAILED)
    lines = [line for line in shown(replace(drill, results=(*drill.results, unjudged))) if line.startswith("  SC-4")]
    own = [line for line in shown(replace(drill, results=(action,))) if line.startswith("  ST-1")]

    assert [line.rstrip().endswith("not run") for line in lines] == [True]
    assert [line.split()[-1] for line in own] == ["FAILED"]


def test_a_drill_that_is_not_good_stands_out_in_the_table() -> None:
    """NO for what is broken, ? for what is not known, also where no column is its own: a row of ok's is a drill that is well."""
    red = result("test_a", "SC-1", outcome=Outcome.BROKEN_CRITERION)
    unknown = result("test_b", "RPO-1", outcome=Outcome.UNKNOWN)
    barrier = result("test_c", "CR-4", outcome=Outcome.BROKEN_CRITERION)
    drills = [drill_of("gradual", [red, unknown]), drill_of("frontend-restore", [barrier]), drill_of("emergency", [])]
    table = drills_table(drills, Page.of(80, color=False))

    assert table[1].split() == ["SC-1", "RPO", "rest", "recovery", "asked"]
    assert [line.split() for line in table[2:]] == [
        ["gradual", "NO", "?", "-", "-"],
        ["frontend-restore", "-", "-", "NO", "-"],
        ["emergency", "-", "-", "-", "-"],
    ]


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.PASSED, Outcome.BROKEN_CRITERION])
def test_what_is_not_known_has_no_margin(drill: RunRecord, outcome: Outcome) -> None:
    """A figure that proves nothing is told, and how far it lies from the limit is not: it would read as one that was met."""
    figure = Measured("response time", "< 500 ms for 900 s", 40.4, "ms", 4, 459.625, proviso="too few samples")
    told = result("test_window", "SC-2", measured=(figure,), outcome=outcome)
    record = replace(drill, results=(*drill.results[3:], told), verdict="INCONCLUSIVE", exit_code=11)
    row = next(one for one in rows_of(record) if one.id == "SC-2")
    whole = "\n".join(scorecard.render(record, 120, color=False, ascii_only=False))

    assert row.margin == ("-" if outcome is Outcome.UNKNOWN else "+459.6 ms")
    for view in (whole, scorecard_page.render(record), job_summary.render(record)):
        assert ("459.6" in view) is (outcome is not Outcome.UNKNOWN)
        assert "too few" in view


def test_what_nobody_measured_has_no_figure(drill: RunRecord) -> None:
    """Where some of its tests did measure, their number is told; what is broken is counted as before."""
    blind = [result(f"test_{n}", "SC-9", outcome=Outcome.UNKNOWN, message="no metrics") for n in range(4)]
    rows = {row.id: row for row in rows_of(drill, blind)}
    assert rows["SC-9"].measured == "-"

    rows = {row.id: row for row in rows_of(drill, [*blind[:3], result("test_4", "SC-9")])}
    assert rows["SC-9"].measured == "1 of 4 tests"

    broken = [replace(one, outcome=Outcome.BROKEN_CRITERION) for one in blind]
    rows = {row.id: row for row in rows_of(drill, broken)}
    assert rows["SC-9"].measured == "4 of 4 tests"


def test_a_figure_stands_with_its_proviso(drill: RunRecord) -> None:
    """In the table, in each sentence and on the page: what was not watched does not read as measured. Without one nothing is added."""
    watched = replace(TERMS["RTO-5"][1], proviso="15 s of its 900 s window watched")
    told = tuple(replace(one, measured=(watched,)) if one.criteria == ("RTO-5",) else one for one in drill.results)
    record = replace(drill, results=told)
    lines = shown(record)
    row = next(place for place, line in enumerate(lines) if line.startswith("  RTO-5"))

    assert lines[row + 1].strip() == "(15 s of its 900 s window watched)"
    assert rows_of_a_terminal(lines) <= LINES_MAX
    for text in (
        *(
            " ".join(view.split())
            for view in ("\n".join(lines), job_summary.in_short(record), job_summary.render(record))
        ),
        re.sub("<[^>]*>", "", scorecard_page.render(record)),
    ):
        assert "900 s (15 s of its 900 s window watched)" in text
    # With -v the column of figures is narrow, and wraps.
    assert any("900 s (15 s of its" in line for line in scorecard.render(record, 120, color=False, ascii_only=False))
    assert "window watched" not in "".join(shown(drill)) + scorecard_page.render(drill) + job_summary.render(drill)


def test_a_table_with_little_room_has_what_is_broken(drill: RunRecord) -> None:
    """Before what nobody could measure, what was not reached, and what an action that failed says nothing of."""
    outcomes = [Outcome.NOT_RUN, Outcome.UNKNOWN, Outcome.ACTION_FAILED, Outcome.BROKEN_CRITERION, Outcome.PASSED]
    results = tuple(result(f"test_{n}", f"SC-{n}", outcome=outcomes[n % 5]) for n in range(1, 21))
    record = replace(drill, results=results, items=())
    rows = [line.split()[0] for line in criteria_table(record, Page.of(80, color=False), 5)[2:-1]]

    assert rows == ["SC-1", "SC-3", "SC-8", "SC-13", "SC-18"]
