"""What is not good: the worst and what is new first, one cause once, and as much of it as there is room for."""

import html
import re
from dataclasses import replace

import pytest

from pam_rollback.report import failures, job_summary, scorecard, scorecard_page, wording
from pam_rollback.report.failures import Failure, by_cause
from pam_rollback.report.run_record import Measured, Result, RunRecord
from pam_rollback.report.screen import LINES_OF_NO_GO_MAX, render
from pam_rollback.report.terminal_page import WORDS
from pam_rollback.report.verdict import Outcome
from tests.report.screens import STATES, blinded, met_before, result, shown


def test_a_no_go_of_nothing_new_says_so_and_is_short(red_before: RunRecord) -> None:
    """In its first lines; each plan item is one cause, and has one waiver that would name all of it."""
    lines = shown(red_before)
    text = "\n".join(lines)

    assert len(lines) <= LINES_OF_NO_GO_MAX, text
    assert max(map(len, lines)) <= 80
    assert "nothing is new: all 297 were there before, and nobody answers for them" in " ".join(text.split())
    assert text.index("nothing is new") < text.index("PARTIAL") < text.index("BROKEN RPO-3") < text.index("BROKEN CR-4")
    assert text.count("BROKEN CR-4") == 1
    assert "nothing new: 296 known before, and nobody answers for them: button-name" in " ".join(text.split())
    assert sorted(line.split(",")[0] for line in lines if "[[waivers]]" in line) == [
        '  [[waivers]] item = "CR-4"',
        '  [[waivers]] item = "RPO-3"',
    ]
    assert not any(line.count('"') % 2 for line in lines), "a pattern that is cut in two is no TOML"
    assert lines[0].startswith("REHEARSAL NO-GO") or lines[1].startswith("REHEARSAL NO-GO")


def counted_more(text: str) -> str:
    """How many tests have no line of their own."""
    return str(re.search(r"(\d+) tests? more: -v or the page", text)[1])  # type: ignore[index]


def test_what_could_not_be_measured_is_no_proof_that_nothing_is_new(red_before: RunRecord) -> None:
    """It is said, a line each where more would not fit."""
    few = replace(
        red_before, actions=(), results=tuple(one for one in red_before.results if "RTO-1" not in one.criteria)
    )
    lines, many = shown(blinded(few, 7)), shown(blinded(red_before, 70))
    said = " ".join(" ".join(lines).split())

    assert len(lines) <= LINES_OF_NO_GO_MAX, "\n".join(lines)
    assert len(many) <= LINES_OF_NO_GO_MAX, "\n".join(many)
    assert sum(" UNKNOWN SC-3 " in line for line in many) + int(counted_more("\n".join(many))) == 70
    assert "of what could be judged, nothing is new: all 297 were there before" in said
    assert sum("UNKNOWN SC-3" in line for line in lines) >= 7


def test_what_is_new_comes_first_and_takes_the_sentence_away(red_before: RunRecord) -> None:
    """One new barrier beside 297 old ones is what matters; all of them are in the record, with -v and on the page."""
    mixed = replace(
        met_before("home", "light", 2),
        message="new: image-alt on home-light: img.logo (4 known before, and nobody answers for them: button-name (2))",
        nothing_new=False,
    )
    record = replace(red_before, results=(*red_before.results, mixed))
    text = "\n".join(shown(record))

    assert failures.nothing_new(record) == ""
    assert "nothing is new" not in text
    assert text.index("img.logo") < text.index("nothing new: 1 known before")
    assert text.count('item = "CR-4"') == 1
    assert failures.nothing_new(red_before)
    assert failures.nothing_new(replace(red_before, verdict="ACTION FAILED")) == ""


def test_what_is_new_comes_first_and_the_rest_is_counted(red_before: RunRecord) -> None:
    """As many as there is room for, by name; how much more there is stands beside them, and all of it in the whole."""

    def red(test: str, state: str, message: str) -> Result:
        nodeid = f"checks/test_a.py::{test}[{state}]"
        return result(test, "CR-4", outcome=Outcome.BROKEN_CRITERION, message=message, nodeid=nodeid)

    tests = [f"test_{number}" for number in range(8)]
    new = [red(one, state, f"new: label on {state}: .{one}{'y' * 80}") for one in tests for state in STATES]
    other = [red(f"test_z{number}", "home", f"not reached: {'y' * 80}{number}") for number in range(2)]
    record = replace(red_before, results=(*red_before.results, *new, *other))
    lines = shown(record)
    text = "\n".join(lines)
    all_of_it = scorecard.render(record, 80, color=False, ascii_only=False)
    whole = " ".join("\n".join(all_of_it).split())

    assert len(lines) <= LINES_OF_NO_GO_MAX < len(all_of_it), text
    assert text.count("found       new: label on ") >= 8
    assert "5 more that are new: -v or the page" in text
    assert text.index("new: label") < text.index("BROKEN RPO-3")
    assert sum("BROKEN CR-4 9 tests" in line for line in lines) + text.count("tests more: -v or the page") >= 8
    assert [one.message for one in new if f".{one.message.partition(': .')[2]}" not in whole] == []


LIMITED = "docs/runbook.md#sign-in-limited"


def test_a_limited_sign_in_is_one_cause_with_one_way_on(drill: RunRecord) -> None:
    """Whatever tests met it, in whatever words; it says when to come again. Another cause, and what is broken, are told apart."""
    met = (
        "MeasurementFailed: whose database it is: POST /login: the sign-in is rate limited (HTTP 429, again after 60 min): no error",
        "MeasurementFailed: error rate not known: 0.00 %: not signed in: the sign-in is rate limited (HTTP 429), which is no error",
        "MeasurementFailed: chat-dark: the sign-in is rate limited (HTTP 429): no error (the page says: later)",
    )
    hidden = [
        result(f"test_{n}", f"DI-{n}", outcome=Outcome.UNKNOWN, message=one, runbook=LIMITED)
        for n, one in enumerate(met)
    ]
    red = replace(
        hidden[0], nodeid="checks/test_b.py::test_red", outcome=Outcome.BROKEN_CRITERION, runbook="docs/a#red"
    )
    other = replace(
        hidden[0], nodeid="checks/test_b.py::test_x", message="MeasurementFailed: HTTP 500", runbook="docs/a#x"
    )
    record = replace(drill, verdict="INCONCLUSIVE", exit_code=11, results=(*drill.results, *hidden, other))
    text = " ".join(" ".join(shown(record)).split())

    assert "DI-0 DI-1 DI-2 3 tests; not known: " in text
    assert text.count("sign-in is rate limited") == 1
    assert "the sign-in is rate limited (HTTP 429, again after 60 min): no error of the service; sign in again" in text
    assert text.count(LIMITED) == 1
    assert "HTTP 500" in text
    assert len(by_cause([*hidden, red])) == 2


DOWN = "https://api.shop.example answers HTTP 502 with text/html"


def test_what_stood_in_the_way_of_many_is_one_cause(drill: RunRecord) -> None:
    """In each view, with all plan items, and with what each says where there is room. What has another cause, or none, stands alone."""
    words = {"HC-2": "the back end says nothing", "CH-4": "the notice cannot be read", "PM-9": "no breaker is told"}
    red = Outcome.BROKEN_CRITERION
    met = [
        result(f"test_{n}", item, outcome=red, message=said, cause=DOWN, runbook=f"docs/runbook.md#{n}")
        for n, (item, said) in enumerate(words.items())
    ]
    blind = result("test_rows", "DI-1", outcome=Outcome.UNKNOWN, message="MeasurementFailed: not known", cause=DOWN)
    model = result("test_pam", "HC-4", outcome=red, message="PAM says unhealthy", cause="no model")
    alone = result("test_page", "CR-4", outcome=red, message="the back end says nothing")
    found = (met[0], model, met[1], alone, met[2], blind)
    record = replace(drill, verdict="NO-GO", exit_code=10, results=(*drill.results, *found))
    whole, page = scorecard.render(record, 120, color=False, ascii_only=False), scorecard_page.render(record)
    summary, notes = job_summary.render(record), job_summary.annotations(record)

    for view in (
        " ".join(shown(record)),
        " ".join(whole),
        html.unescape(page),
        summary.replace("\\", ""),
        "".join(notes),
    ):
        text = " ".join(view.split())
        assert text.count(f"{DOWN}: the back end says nothing") == 1, text
        assert "PAM says unhealthy" in text
    entries = [line for line in shown(record) if line.startswith(("  BROKEN", "  UNKNOWN"))]
    assert [line.split()[1] for line in entries] == ["HC-2", "HC-4", "CR-4", "DI-1"]
    assert entries[0].startswith("  BROKEN HC-2 CH-4 PM-9 3 tests; not true: It is so: test_0")
    assert [note.partition("title=")[2].partition("::")[0] for note in notes[1:]] == [
        "broken criterion HC-2 CH-4 PM-9",
        "broken criterion HC-4",
        "broken criterion CR-4",
        "could not measure DI-1",
    ]
    # A success criterion among them makes it no other cause, and health still says where to go on.
    term = result(
        "test_term", "SC-5", outcome=red, message="sign in: later", cause=DOWN, runbook="docs/runbook.md#term"
    )
    first = " ".join(shown(replace(record, results=(*drill.results, model, *met, term)))).partition("next  ")
    assert "BROKEN HC-2 CH-4 PM-9 SC-5 4 tests" in first[0]
    assert "HC-4" not in first[0]
    assert first[2].split()[0] == "docs/runbook.md#0"
    for said in [*words.values()][1:]:
        for view in ("\n".join(whole), page, summary):
            assert said in view
        assert said not in "".join(shown(record))
    assert "2 more that say it in words of their own" in page


def test_one_thing_that_kept_all_from_looking_is_the_headline(drill: RunRecord) -> None:
    """In each view, and not the title of whichever test came first: it is about something else. Why follows once."""
    cause, why = "too few writes are acknowledged", "4 of 5 writes acknowledged after 15 s"
    met = [
        replace(
            result(
                f"test_{n}", f"DI-{n}", outcome=Outcome.UNKNOWN, message=why, cause=cause, runbook="docs/runbook.md#x"
            ),
            title=f"Truth {n}.",
        )
        for n in range(3)
    ]
    record = replace(drill, verdict="INCONCLUSIVE", exit_code=11, results=(*drill.results, *met))
    text = " ".join(" ".join(shown(record)).split())

    assert f"UNKNOWN DI-0 DI-1 DI-2 3 tests; {cause} why {why}" in text
    assert "next docs/runbook.md" in text
    assert "Truth 0" not in text
    for view in (scorecard_page.render(record), job_summary.render(record), "".join(job_summary.annotations(record))):
        assert cause in view
        assert "not known: Truth" not in view
    # Where it says where to go on, the pages of tests that never began do not.
    where = [replace(one, message=f"{why}; docs/how-to/x.md") for one in met]
    told = " ".join(" ".join(shown(replace(record, results=(*drill.results, *where)))).split())
    assert "x.md" in told
    assert "next docs/runbook.md" not in told
    # One test alone is told by its title, as are tests that found something of their own.
    for some in (met[:1], [replace(one, message=f"{why} ({n})") for n, one in enumerate(met)]):
        assert Failure(tuple(some)).heading == "not known: Truth 0"


@pytest.mark.parametrize("outcome", wording.HAPPENED)
def test_what_became_of_the_action_is_not_told_as_what_a_test_asks(drill: RunRecord, outcome: Outcome) -> None:
    """Whichever test came upon it, such as the last one, in whose teardown an undo fails. Why is told once, in every view."""
    asked = (Measured("first verdict, health checks", "0 to 120 s", 1.0, "s"),)
    why = "step 'x' failed: HTTP 403"
    found = tuple(
        result(f"test_{n}", f"TF-{n}", outcome=outcome, message=f"StepsFailed: {why}", measured=asked) for n in (1, 2)
    )
    reasons = (f"the rollback was not done: {why}", "1 change is not undone: pytest --undo run --env shop")
    record = replace(drill, verdict="ACTION FAILED", exit_code=12, results=found, reasons=reasons)
    text = " ".join(" ".join(shown(record)).split())

    assert f"{WORDS[outcome][0]} {wording.HAPPENED[outcome]} (2 tests: TF-1 TF-2) found {why}" in text
    assert "pytest --undo run --env shop" in text
    assert text.count(why) == 1
    assert "It is so" not in text.partition("incident")[0]
    assert "expected" not in text
    for view in (scorecard_page.render(record), job_summary.render(record)):
        assert wording.HAPPENED[outcome] in view
    assert "0 to 120 s" in " ".join(
        shown(replace(record, results=(replace(found[0], outcome=Outcome.BROKEN_CRITERION),)))
    )


def test_the_part_that_ails_the_others_is_told_first(good_record: RunRecord) -> None:
    """An API that cannot reach its database is unhealthy, too; the way out is the database's. What an answer quotes blames nobody."""

    def ill(item: str, name: str, why: str) -> Result:
        measured = (Measured(name, "healthy, HTTP 200", "unhealthy, HTTP 503"),)
        message = f"{name} says unhealthy ({why}) (GET http://a: HTTP 503 'PAM, the back end')"
        return result(f"test_{item}", item, outcome=Outcome.BROKEN_CRITERION, measured=measured, message=message)

    red = (
        ill("HC-2", "the back end", "issues is ['database: it cannot be reached']"),
        ill("HC-3", "the database", "it cannot be reached"),
        ill("HC-4", "PAM", "checks.database.status is 'unhealthy'"),
        ill("HC-5", "the comprehensive check", "components.database.status is 'unhealthy', components.pam is 'down'"),
    )

    releases = result("test_z", "HC-2", outcome=Outcome.BROKEN_CRITERION, message="{'PAM': '', 'the back end': ''}")

    lines = render(replace(good_record, results=(*red, releases)), 80, color=False, ascii_only=False)

    named = [line.split()[1] for line in lines if line.startswith("  BROKEN ")]
    assert named == ["HC-3", "HC-4", "HC-2", "HC-5", "HC-2"]
