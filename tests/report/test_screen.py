"""Does one screen say what a person needs at 3 a.m.?  Records that are written out, and the lines that a person has read and found good."""

import html
import re
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from pam_rollback.report import drills_page, in_short, job_summary, scorecard, scorecard_page, terminal_page, wording
from pam_rollback.report.drills_page import DrillDone
from pam_rollback.report.readiness_record import RemainingWays, StandingAlone, StrategyReadiness, WayFound
from pam_rollback.report.run_record import (
    ActionStep,
    ActionTaken,
    ItemTitle,
    Measured,
    NotRun,
    RelaxedThreshold,
    Result,
    RunRecord,
    TopicTold,
    Unanswered,
    Verdict,
)
from pam_rollback.report.screen import LINES_MAX, LINES_OF_NO_GO_MAX, render
from pam_rollback.report.terminal_page import WORDS, Page
from pam_rollback.report.terms_table import Drill, drill_of, drills_table, not_good, rows_of
from pam_rollback.report.verdict import Outcome

GOLDEN = Path(__file__).parent / "golden"
SITUATION = "after-feature-flag"
CET = timezone(timedelta(hours=1), "CET")
TERMS = {
    "SC-1": ("Few requests fail, for long enough", Measured("error rate", "< 2 % for 900 s", 0, "%", 643, 2), "window"),
    "SC-2": ("Responses are fast", Measured("response time", "< 500 ms for 900 s", 40.4, "ms", 643, 459.6), "window"),
    "SC-3": ("Memory is low and stable", Measured("memory", "< 100 MB for 900 s", 73.2, "MB", 59, 26.8), "window"),
    "SC-4": ("No data is corrupted", Measured("rows lost since before", "none lost", 0, "rows", 10147, 0), "integrity"),
    "SC-5": ("Users see what they saw before the release", Measured("errors, against before", "+1", 0, "", 620), ""),
    "SC-6": ("Support gets as many tickets as usual", Measured("tickets in 60 min", "below 3", 0, "tickets", 32), ""),
    "RTO-1": ("Feature-flag rollback", Measured("recovery as users see it", "within 30 s", 0.03, "s", 993, 29.97), ""),
    "RTO-5": ("Complete recovery, observation included", Measured("complete recovery", "900 to 1800 s", 900, "s"), ""),
    "RPO-1": ("No data is lost", Measured("acknowledged writes lost or altered", "0", 0, "", 799), ""),
    "RPO-2": (
        "Only the newest configuration may be lost",
        Measured("settings lost", "0 older than 300 s", 0, "", 16),
        "",
    ),
    "RPO-3": ("Sessions may be lost: users sign in again", Measured("signing in again", "works", "works", "", 1), ""),
}


def result(name: str, *criteria: str, outcome: Outcome = Outcome.PASSED, **more: object) -> Result:
    """What came of a test of this drill."""
    return replace(
        Result(f"checks/test_a.py::{name}[{SITUATION}]", f"It is so: {name}.", outcome, criteria, situation=SITUATION),
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def drill(good_record: RunRecord) -> RunRecord:
    """A drill with all checks, as large as a real one."""
    terms = [result(f"test_{name}", name, measured=(figure,), kind=kind) for name, (_, figure, kind) in TERMS.items()]
    more = [
        *(result(f"test_rows_{number}", "SC-4", "POST-2", kind="integrity") for number in range(27)),
        *(result(f"test_health_{number}", "HC-2", kind="health") for number in range(7)),
        *(result(f"test_page_{number}", "CR-4", kind="accessibility") for number in range(56)),
        *(
            result(f"test_item[{item}]", item, kind="checklist", outcome=Outcome.UNKNOWN, advisory=True, message="x")
            for item in ("PRE-2", "PRE-4", "PRE-5", "POST-5", "POST-6", "MT-4", "CH-2", "CH-5")
        ),
        result("test_item[DUR-4]", "DUR-4", kind="checklist", outcome=Outcome.BROKEN_CRITERION, advisory=True),
        result("test_item[DUR-1]", "DUR-1", kind="checklist", advisory=True),
        result("test_told", "EM-1", outcome=Outcome.BROKEN_CRITERION, advisory=True, message="told late"),
    ]
    return replace(
        good_record,
        results=(*terms, *more),
        deselected=tuple(NotRun(f"checks/test_b.py::test_{n}", "sandbox declares no prometheus") for n in range(4)),
        relaxed_thresholds=(RelaxedThreshold("SC-5", "response_time_unnoticed_ms", 100, 400),),
        actions=(
            ActionTaken(
                "feature-flag",
                "ST-1",
                "Switch the new features off for everybody (the preferred strategy)",
                "errors for a share of the requests of users with PAM_ENHANCED_UI (40.2 % errors (86 of 214, 5 s))",
                "pam-rollback-drill",
                SITUATION,
                12.0,
            ),
        ),
        items=tuple(ItemTitle(name, title) for name, (title, _, _) in TERMS.items()),
    )


@pytest.fixture
def broken(drill: RunRecord) -> RunRecord:
    """The same, with a criterion broken, a page that three tests cannot open, and one that nobody could measure."""
    offline = "AssertionError: open /chat: HTTP 502"
    return replace(
        drill,
        verdict="NO-GO",
        exit_code=10,
        reasons=(),
        results=(
            *(
                replace(
                    one,
                    outcome=Outcome.BROKEN_CRITERION,
                    message="AssertionError: error rate 6.2 %, expected below 2 %: 40 of 643 answers are errors",
                    runbook="docs/runbook.md#error-rate",
                    measured=(Measured("error rate", "< 2 % for 900 s", 6.2, "%", 643, -4.2),),
                )
                if one.criteria == ("SC-1",)
                else replace(one, outcome=Outcome.UNKNOWN, message="MeasurementFailed: no metrics", measured=())
                if one.criteria == ("SC-3",)
                else replace(one, outcome=Outcome.BROKEN_CRITERION, message=offline, runbook="docs/runbook.md#browser")
                if one.nodeid.startswith("checks/test_a.py::test_page_5")
                else one
                for one in drill.results
            ),
        ),
    )


@pytest.fixture
def blind(drill: RunRecord) -> RunRecord:
    """Nothing is broken, and not all of it is known."""
    return replace(
        drill,
        verdict="INCONCLUSIVE",
        exit_code=11,
        reasons=("PARTIAL: -k page",),
        results=(
            *drill.results,
            result(
                "test_memory",
                "SC-3",
                outcome=Outcome.UNKNOWN,
                message="MeasurementFailed: memory was not read: the environment declares no metrics",
                runbook="docs/runbook.md#memory-high",
            ),
            result("test_mail", "CC-1", outcome=Outcome.NOT_RUN, message='environment staging does not declare "smtp"'),
        ),
    )


STATES = ("login", "login-error", "not-found", "home", "chat", "money", "trips", "settings", "profile")
RULES = (
    "button-name",
    "color-contrast",
    "label",
    "target-size",
    "svg-img-alt",
    "select-name",
    "reflow",
    "focus-visible",
)


def met_before(state: str, look: str, kinds: int) -> Result:
    """A page with barriers of so many kinds, all of them old, as a real product has them."""
    old = tuple(
        Unanswered("CR-4", rule, f"{rule} on *: *", 2, (f"{rule} on {state}-{look}: .{'x' * 90} > p (2)",))
        for rule in RULES[:kinds]
    )
    named = ", ".join(f"{one.kind} (2)" for one in old)
    return result(
        f"test_{look}[{state}]",
        "CR-4",
        outcome=Outcome.BROKEN_CRITERION,
        message=f"{state}-{look}: nothing new: {2 * kinds} known before, and nobody answers for them: {named}",
        runbook="docs/runbook.md#accessibility-broken",
        unanswered=old,
        nothing_new=True,
    )


@pytest.fixture
def red_before(drill: RunRecord) -> RunRecord:
    """A healthy product with barriers on every page, and a page that never asks to sign in: as before, and nobody answers for it."""
    looks = ("light", "dark", "double-size", "phone")
    silent = "a page whose session was lost: does not ask to sign in"
    rows = [met_before(state, look, 1 + place % 8) for look in looks for place, state in enumerate(STATES)]
    rows.append(
        result(
            "test_lost_session",
            "RPO-3",
            outcome=Outcome.BROKEN_CRITERION,
            message=f"AssertionError: the page {'does not ask ' * 9}(nothing new: 1 known before, and nobody answers for it)",
            unanswered=(Unanswered("RPO-3", "", silent, 1, (silent,)),),
            nothing_new=True,
        )
    )
    good = [one for one in drill.results if one.criteria != ("RPO-3",)]
    return replace(drill, verdict="NO-GO", exit_code=10, reasons=("PARTIAL: pace 60",), results=(*rows, *good))


def blinded(record: RunRecord, tests: int) -> RunRecord:
    """The same, and so many tests could not measure."""
    why = f"MeasurementFailed: {'the host knows nothing of it ' * 9}"
    blind = [result(f"test_blind_{n}", "SC-3", outcome=Outcome.UNKNOWN, message=f"{why}{n}") for n in range(tests)]
    return replace(record, results=(*record.results, *blind))


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

    assert wording.nothing_new(record) == ""
    assert "nothing is new" not in text
    assert text.index("img.logo") < text.index("nothing new: 1 known before")
    assert text.count('item = "CR-4"') == 1
    assert wording.nothing_new(red_before)
    assert wording.nothing_new(replace(red_before, verdict="ACTION FAILED")) == ""


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


def test_all_of_what_was_there_before_is_told_with_v_and_on_the_page(red_before: RunRecord) -> None:
    """Each finding; and in the summary of a job the waivers and the sentence."""
    whole = "\n".join(scorecard.render(red_before, 80, color=False, ascii_only=False))
    page, summary = scorecard_page.render(red_before), job_summary.render(red_before)

    for text in (" ".join(whole.split()), page):
        assert f"focus-visible on money-dark: .{'x' * 90}" not in text, "money has six kinds"
        assert f"label on money-dark: .{'x' * 90}" in html.unescape(text)
        assert "nothing is new: all 297 were there before" in text
    assert "nothing is new: all 297 were there before" in summary
    assert summary.count("waivers") == 2


def shown(record: RunRecord, width: int = 80) -> list[str]:
    """The screen without colours, looked at in Paris."""
    return render(record, width, color=False, ascii_only=False, zone=CET)


@pytest.mark.parametrize("name", ["drill", "broken", "blind"])
def test_the_screen_reads_as_approved(request: pytest.FixtureRequest, name: str) -> None:
    """Every line is as it was approved; a change is seen and read before it is committed."""
    text = "\n".join(shown(request.getfixturevalue(name))) + "\n"

    assert text == (GOLDEN / f"screen-{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["drill", "broken", "blind"])
def test_the_verdict_is_first_and_last(request: pytest.FixtureRequest, name: str) -> None:
    """Whoever sees the beginning or the end of a log sees what decides."""
    record = request.getfixturevalue(name)
    line = wording.verdict_line(record)
    paragraphs = "\n".join(shown(record)).split("\n\n")

    first, last = (" ".join(paragraphs[place].split()) for place in (0, -1))
    assert last == " ".join(line.split())
    assert first == f"{last} On the sandbox: production was neither touched nor judged."


SCRIPTS = "éß中文字кириллица हिन्दी عربى ไทย 日本語 🚑👩🏽🚒 \uff41\u0301\u0308 ❤\ufe0f"
words = st.text(st.one_of(st.sampled_from(SCRIPTS), st.characters(exclude_categories=["Cs"])), max_size=12)
notes = st.lists(st.builds(lambda word, times: word * times, words, st.integers(1, 20)), max_size=60)

notes_or_none = st.one_of(st.just([]), notes)


def rows_of_a_terminal(lines: list[str]) -> int:
    """Of 80 columns, as another program counts them."""
    return sum(max(1, -(-cell_len(line) // 80)) for line in lines)


@settings(deadline=None, max_examples=60)
@given(notes=notes, reasons=notes, wide=st.integers(1, 9), data=st.data())
def test_a_go_fits_into_one_screen(
    good_record: RunRecord, notes: list[str], reasons: list[str], wide: int, data: st.DataObject
) -> None:
    """At most 40 lines of 80 columns, in any script, whatever stands beside the verdict, and however many tests and words there are.

    So does what topics say of it, such as a preflight.
    """
    ids = [f"{kind}-{number}" for kind in ("SC", "RTO", "RPO", "HC") for number in range(1, 1 + wide)]
    results = [
        result(f"test_{name}_{number}", name, measured=(Measured("w " * 40, "asked " * 9, "found " * 9, "", 10**7),))
        for name in data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=40))
        for number in range(data.draw(st.integers(1, 3)))
    ]
    action = ActionTaken("s" * 40, "ST-1", "title " * 40, "incident " * 60, "me", SITUATION, 1.0)
    record = replace(
        good_record,
        results=tuple(results),
        notes=tuple(notes),
        readiness=tuple(StrategyReadiness(word, "ready", word) for word in data.draw(notes_or_none)),
        told=tuple(TopicTold("heading", tuple(f"[x] {one}" for one in data.draw(notes_or_none))) for _ in range(2)),
        actions=(action,),
        items=tuple(ItemTitle(name, "title " * 20) for name in ids),
        deselected=tuple(NotRun(f"x::{number}", reason) for number, reason in enumerate(reasons)),
        reports=replace(good_record.reports, html="report", record="run.json"),
    )
    lines = shown(record)

    assert rows_of_a_terminal(lines) == len(lines) <= LINES_MAX, "\n".join(lines)


ENTRIES = tuple(f"  {word} " for word in ("BROKEN", "UNKNOWN", "ACTION FAILED", "UNDO FAILED", "REFUSED"))
reds = st.lists(
    st.tuples(
        st.sampled_from([Outcome.BROKEN_CRITERION, Outcome.UNKNOWN, Outcome.ACTION_FAILED, Outcome.NOT_RUN]),
        words,
        st.integers(1, 60),
        st.integers(1, 40),
        st.sampled_from(["new", "old", "of one cause", "of many"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=25)
@given(
    found=reds,
    other=st.lists(words, max_size=20),
    long=st.integers(1, 30),
    situations=st.integers(1, 30),
    verdict=st.sampled_from(["NO-GO", "ACTION FAILED", "UNDO FAILED", "REFUSED", "INCONCLUSIVE"]),
)
def test_whatever_was_found_fits_into_sixty_lines(
    drill: RunRecord,
    found: list[tuple[Outcome, str, int, int, str]],
    other: list[str],
    long: int,
    situations: int,
    verdict: Verdict,
) -> None:
    """Of 80 columns, in any script, of hundreds of tests; the verdict is first and last, then the worst, and the rest is counted."""
    results = [
        result(
            f"test_{place}",
            f"AB-{place * 7 + number % 9}",
            outcome=outcome,
            message=f"{'new: ' if kind == 'new' else ''}{word * times}{'' if kind == 'of one cause' else number}",
            title=word * times,
            runbook=f"docs/runbook.md#part-{number}",
            nodeid=f"checks/test_a.py::test_{place if kind != 'of many' else number}[{place} {number}]",
            measured=(Measured(word, word * times, word * times, "", number),),
            unanswered=(Unanswered(f"AB-{place}", word, word, 2, (word,)),) if kind == "old" else (),
            nothing_new=kind == "old",
        )
        for place, (outcome, word, times, tests, kind) in enumerate(found)
        for number in range(tests)
    ]
    said = tuple(one * long for one in other)
    record = replace(
        drill,
        verdict=verdict,
        exit_code=10,
        results=(*results, *drill.results),
        reasons=said,
        notes=said,
        steps=tuple(ActionStep("feature-flag", one or "x", "done", 0, 0, detail=one) for one in said),
        told=(TopicTold("What a topic says", said),) if said else (),
        situations=(SITUATION, *(f"after-{number}" for number in range(situations - 1))),
    )
    lines, quiet = shown(record), render(record, 80, color=False, ascii_only=False, only_bad=True)

    assert rows_of_a_terminal(lines) <= LINES_OF_NO_GO_MAX, "\n".join(lines)
    assert rows_of_a_terminal(quiet) <= LINES_OF_NO_GO_MAX, "\n".join(quiet)
    assert lines[0].startswith(f"REHEARSAL {verdict}")
    assert any(line.startswith(f"REHEARSAL {verdict}") for line in lines[-3:])
    if bad := not_good(record):
        entries = [line.strip() for line in lines if line.startswith(ENTRIES)]
        assert entries[0].startswith(WORDS[bad[0].outcome][0])
        outcomes = {
            next(word for word in ENTRIES if line.startswith(word)).strip()
            for line in lines
            if line.startswith(ENTRIES)
        }
        assert outcomes == {WORDS[one.outcome][0] for one in bad}, "an outcome that nobody is told of"


def test_a_step_that_failed_has_room_before_those_that_came_after(drill: RunRecord) -> None:
    """Where an action came to no end and its undo has many steps; what a topic says keeps its heading."""
    step = ActionStep("full-system", "ask the host", "failed", 1, 1, detail="HTTP 401 " * 60)
    after = tuple(ActionStep("full-system", f"undo {n}", "undone", n, 1) for n in range(2, 90))
    told = (TopicTold("What each says", ("word " * 400, "word " * 400)),)
    record = replace(drill, verdict="ACTION FAILED", reasons=("not done",), steps=(step, *after), told=told)
    text = "\n".join(shown(record))

    assert "ask the host" in text
    assert "undo 89" in text
    assert "86 more steps: -v or the page" in text
    assert "What each says" in text
    assert rows_of_a_terminal(shown(record)) <= LINES_OF_NO_GO_MAX


def test_all_that_is_broken_is_named_once(broken: RunRecord) -> None:
    """Found, expected and where to go on; six tests that met one cause are one entry, and criteria of the plan come first."""
    text = "\n".join(shown(broken))

    assert text.index("BROKEN SC-1") < text.index("BROKEN CR-4") < text.index("UNKNOWN SC-3")
    assert "found       error rate 6.2 %, expected below 2 %" in text
    assert "expected    error rate: < 2 % for 900 s" in text
    assert "go on       docs/runbook.md#error-rate" in text
    assert text.count("open /chat: HTTP 502") == 1
    assert text.index("BROKEN SC-1") < text.index("incident")


def test_one_cause_of_many_tests_has_one_way_on(broken: RunRecord) -> None:
    """Where the first of them goes on; forty more links help nobody."""
    offline = [
        result(f"test_{n}", f"HC-{n}", outcome=Outcome.UNKNOWN, message="offline", runbook=f"docs/runbook.md#part-{n}")
        for n in range(1, 41)
    ]
    lines = shown(replace(broken, verdict="INCONCLUSIVE", results=tuple(offline)))
    [first] = [place for place, line in enumerate(lines) if line.startswith("  go on")]

    assert lines[first].split() == ["go", "on", "docs/runbook.md#part-1"]
    assert lines[first + 1].strip() == "and 39 more sections, by what each test asks: -v"


def test_many_causes_are_a_line_each(broken: RunRecord) -> None:
    """After six in full; none of them is left out."""
    reds = [
        result(f"test_{n}", f"HC-{n}", outcome=Outcome.BROKEN_CRITERION, message=f"AssertionError: red {n}")
        for n in range(1, 12)
    ]
    lines = shown(replace(broken, results=tuple(reds)))
    found = [line.split()[1] for line in lines if line.startswith("  BROKEN")]

    assert found == [f"HC-{n}" for n in range(1, 12)]
    assert len([line for line in lines if line.startswith("  found")]) == 6


def test_what_would_let_it_be_measured_comes_first(blind: RunRecord) -> None:
    """INCONCLUSIVE: why, and what was not run, before all that is known."""
    text = " ".join("\n".join(shown(blind)).split())

    assert text.index("PARTIAL: -k page") < text.index("the environment declares no metrics") < text.index("incident")
    assert "not run CC-1 1 test: environment staging does not declare" in text


def test_the_worst_of_several_tests_is_the_items(drill: RunRecord) -> None:
    """A criterion with 27 good tests and one that is not good is not good."""
    bad = result("test_lost", "SC-4", outcome=Outcome.BROKEN_CRITERION, measured=(Measured("rows lost", "0", 7),))
    [row] = [line for line in shown(replace(drill, results=(*drill.results, bad))) if line.startswith("  SC-4")]
    [good] = [line for line in shown(drill) if line.startswith("  SC-4")]

    assert (row.split()[-1], "rows lost" in row) == ("BROKEN", True)
    assert good.split()[-1] == "ok"


def test_a_stopped_session_says_who_stopped_it(drill: RunRecord) -> None:
    """In the verdict line and not only below it; what nobody reached has no figure, and no count that looks like one."""
    unreached = tuple(
        replace(one, outcome=Outcome.NOT_RUN, message="the session ended before it was reached", measured=())
        for one in drill.results
        if "SC-4" in one.criteria
    )
    stopped = "stopped by SIGINT before everything had run"
    lines = shown(replace(drill, verdict="ACTION FAILED", reasons=(stopped,), results=unreached))
    text = " ".join(" ".join(lines).split())
    [row] = [line for line in lines if line.startswith("  SC-4")]

    assert text.count(stopped) == 2, "the verdict's line is first and last, and nothing repeats it"
    assert row.split()[-3:] == ["-", "not", "run"]


def test_a_ready_team_reads_it_on_one_screen(good_record: RunRecord) -> None:
    """Every way that is ready by its name, what is not with its reason, and who may be down: the words for each are with -v."""
    names = ("feature-flag", "gradual", "frontend", "backend", "full-system", "emergency", "by-git", "verification")
    ways = tuple(StrategyReadiness(name, "ready", f"{name} is there, " * 12) for name in names)
    locked = StrategyReadiness("builds", "not ready", "no npm")
    standing = StandingAlone(
        tuple(WayFound(name, ("a host", "the repository's host"), "ready", "") for name in names),
        tuple(RemainingWays(f"host {number}", names[:-1]) for number in range(9)),
    )
    record = replace(good_record, scope="preflight", readiness=(*ways, locked), standing=standing)
    lines = shown(record)

    assert len(lines) <= LINES_MAX
    assert f"  [x] ready: {', '.join(names[:6])}," in lines
    assert "  [!] builds: NOT READY: no npm" in lines
    assert "  host 8: all but verification" in lines
    assert "is there" not in "\n".join(lines)
    for view in ("\n".join(scorecard.render(record, 80, color=False, ascii_only=False)), scorecard_page.render(record)):
        assert "feature-flag is there" in view
        assert "feature-flag: a host, the repository" in view


def test_what_topics_find_well_is_counted(good_record: RunRecord) -> None:
    """Beyond some lines; what is not well has its own, wherever it stands."""
    entries = [*(f"[x] now: command {number}" for number in range(9)), "[ ] after: a word of yours"]
    record = replace(good_record, told=(TopicTold("What can be judged", tuple(entries)),))
    lines = shown(record)
    told = lines[lines.index("What can be judged") + 1 :][:6]

    assert told == [
        *(f"  {one}" for one in entries[:4]),
        "  [ ] after: a word of yours",
        "  [x] 5 more: -v or the page",
    ]
    assert "  [x] now: command 8" in scorecard.render(record, 80, color=False, ascii_only=False)


def test_quiet_is_what_is_not_good_and_the_verdict(drill: RunRecord, broken: RunRecord) -> None:
    """``-q``: of a GO nothing but the verdict."""
    go = render(drill, 80, color=False, ascii_only=False, only_bad=True)
    no_go = "\n".join(render(broken, 80, color=False, ascii_only=False, only_bad=True))

    assert next(line for line in go if line.strip()).startswith("REHEARSAL GO")
    assert "BROKEN SC-1" in no_go
    assert "incident" not in no_go


def test_several_rollbacks_are_a_table(drill: RunRecord) -> None:
    """A row for each, with its recovery."""
    other = [
        replace(one, situation="after-gradual", nodeid=one.nodeid.replace(SITUATION, "after-gradual"))
        for one in drill.results
        if one.criteria != ("SC-6",)
    ]
    record = replace(drill, situations=(SITUATION, "after-gradual"), results=(*drill.results, *other))
    lines = shown(record)
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.startswith(("  feature", "  gradual"))}

    assert rows["feature-flag"] == ["ok"] * 9 + ["0.03", "s", "30", "s"]
    assert rows["gradual"] == [*["ok"] * 5, "-", "ok", "ok", "ok", "0.03", "s", "30", "s"]
    assert len(lines) <= LINES_MAX


def test_the_stages_of_a_gate_stand_before_what_it_knows_of_rollbacks(broken: RunRecord) -> None:
    """They are its answer; with little room the other goes first."""
    ready = tuple(StrategyReadiness(f"way-{number}", "not ready", "no host") for number in range(30))
    gate = replace(broken, readiness=ready, told=(TopicTold("May it be deployed again?", ("[!] under load: NO",)),))
    lines = shown(gate)

    assert len(lines) <= LINES_OF_NO_GO_MAX
    assert lines.index("May it be deployed again?") < lines.index("Could we roll back right now?")
    assert "  [!] under load: NO" in lines


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


def test_the_table_of_rollbacks_keeps_what_has_to_be_read_with_a_recovery(drill: RunRecord) -> None:
    """Whole, below its row: a figure that was watched for 15 s does not read as measured, and no word is cut. Others have no such line."""
    watched = replace(TERMS["RTO-5"][1], proviso="15 s of its 900 s window watched")
    never = replace(TERMS["RTO-1"][1], measured="not recovered", margin=None)
    rows = {
        "emergency": [result("test_b", "RTO-5", measured=(watched,))],
        "feature-flag": [result("test_a", "RTO-1", measured=(never,), outcome=Outcome.BROKEN_CRITERION)],
        "gradual": [result("test_a", "RTO-1", measured=(TERMS["RTO-1"][1],))],
    }
    table = drills_table([drill_of(name, results) for name, results in rows.items()], Page.of(80, color=False))
    several = tuple(replace(one, situation=f"after-{name}") for name, results in rows.items() for one in results)
    record = replace(drill, results=several, situations=tuple(f"after-{name}" for name in rows))
    done = [DrillDone(name, "GO", 1, replace(drill, results=tuple(results))) for name, results in rows.items()]
    pages = (
        scorecard_page.render(record).partition("All rollbacks")[2],
        drills_page.render(done, (), verdict="REHEARSAL GO", summary="", day=""),
    )

    assert [line.strip() for line in table[2:]] == [
        "emergency        ok     900 s  900 to 1800 s",
        "(15 s of its 900 s window watched)",
        "feature-flag     NO  not rec…  30 s",
        "(not recovered)",
        "gradual          ok    0.03 s  30 s",
    ]
    for page in pages:
        assert ">900 s (15 s of its 900 s window watched)<" in page
        assert ">not recovered<" in page


def test_a_table_that_is_wider_than_the_page_is_told_all_the_same() -> None:
    """Its criteria leave no room for what was asked."""
    many = {f"SC-{number}": Outcome.PASSED for number in range(30)}

    [_, _, row] = drills_table([Drill("a", many, "4 s", "within 10 min 0 s")], Page.of(60, color=False))

    assert row.endswith(" 4 s  10 min…")


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


@pytest.mark.parametrize("name", ["drill", "broken", "blind"])
def test_colours_only_add_colour(request: pytest.FixtureRequest, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With colours the text is the same, and an ASCII terminal gets ASCII."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    record = request.getfixturevalue(name)
    colored = render(record, 80, color=True, ascii_only=False, zone=CET)

    assert colored != shown(record)
    assert [re.sub(r"\033\[[0-9;]*m", "", line) for line in colored] == shown(record)
    assert "\n".join(render(record, 80, color=False, ascii_only=True)).isascii()


def test_an_action_that_failed_shows_its_steps(drill: RunRecord) -> None:
    """Whoever has to go on by hand needs to know how far it came."""
    failed = replace(drill, verdict="ACTION FAILED", reasons=("the rollback was not done: step 'x' failed",))

    assert "What was done" in shown(failed)
    assert "What was done" not in shown(drill)


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


def test_the_step_that_failed_comes_before_those_that_stand_on_it(drill: RunRecord) -> None:
    """Where there is no room for all: what failed by itself is the cause."""
    steps = (
        ActionStep("full-system", "ask the host", "failed", 1, 1, detail="HTTP 401"),
        *(
            ActionStep("full-system", f"part {n}", "failed", n, 0, detail="it needs 'ask the host'")
            for n in range(2, 9)
        ),
        ActionStep("full-system", "tell the team", "failed", 9, 1, detail="no channel"),
    )
    lines = terminal_page.steps(replace(drill, steps=steps), Page.of(80, color=False), 3)

    assert [" ".join(line.split()[4:]) for line in lines[3:]] == [
        "ask the host failed: HTTP 401",
        "part 2 failed: it needs 'ask the host'",
        "tell the team failed: no channel",
    ]


def test_one_page_in_several_looks_is_one_cause(drill: RunRecord) -> None:
    """It is told once, with the looks; another page, or another reason, is a cause of its own."""
    down = {look: f"AssertionError: chat-{look} was not reached: open /chat: HTTP 502" for look in ("light", "dark")}
    down["phone"] = "AssertionError: chat-phone was not reached: open /chat: HTTP 404"
    found = [
        result(f"test_{look}", "CR-4", outcome=Outcome.BROKEN_CRITERION, message=message)
        for look, message in down.items()
    ]
    record = replace(drill, verdict="NO-GO", exit_code=10, results=(*drill.results, *found))

    text = "\n".join(shown(record))

    assert text.count("chat-light, -dark was not reached: open /chat: HTTP 502") == 1
    assert text.count("HTTP 502") == 1
    assert text.count("chat-phone was not reached: open /chat: HTTP 404") == 1
    assert wording.short_reason(record) == "1 criterion broken (3 tests)"


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


LIMITED = "docs/runbook.md#sign-in-limited"


def test_a_limited_sign_in_is_one_cause_with_one_way_on(drill: RunRecord) -> None:
    """Whatever tests met it, in whatever words; it says when to come again. Another cause, and what is broken, are told apart."""
    met = (
        "MeasurementFailed: whose database it is: POST /login: the sign-in is rate limited (HTTP 429, again after 60 min): no error",
        "MeasurementFailed: error_rate_pct unknown: 0.00 %: not signed in: the sign-in is rate limited (HTTP 429), which is no error",
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
    assert len(terminal_page.alike([*hidden, red])) == 2


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
    summary, notes = job_summary.render(record), in_short.annotations(record)

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
    first = " ".join(shown(replace(record, results=(*drill.results, model, *met, term)))).partition("go on")
    assert "BROKEN HC-2 CH-4 PM-9 SC-5 4 tests" in first[0]
    assert "HC-4" not in first[0]
    assert first[2].split()[0] == "docs/runbook.md#0"
    for said in [*words.values()][1:]:
        for view in ("\n".join(whole), page, summary):
            assert said in view
        assert said not in "".join(shown(record))
    assert "2 more that say it in words of their own" in page


@pytest.mark.parametrize("in_full", [True, False])
def test_all_that_one_cause_hides_is_named(drill: RunRecord, in_full: bool) -> None:  # noqa: FBT001 - a parameter
    """More plan items than a line holds: they have lines of their own, whether it is told in full or in a line."""
    ids = [f"DI-{n}" for n in range(20)]
    others = [
        result(f"test_x{n}", f"HC-{n}", outcome=Outcome.UNKNOWN, message=f"reason {n} of its own")
        for n in range(0 if in_full else 8)
    ]
    met = [
        result(f"test_{one}", one, outcome=Outcome.UNKNOWN, message=f"{one} is not known", cause=DOWN) for one in ids
    ]
    lines = shown(replace(drill, verdict="INCONCLUSIVE", exit_code=11, results=(*drill.results, *others, *met)))
    text = " ".join(" ".join(lines).split())

    assert f"UNKNOWN {' '.join(ids)} 20 tests" in text if in_full else f"UNKNOWN {' '.join(ids)}" in text
    assert rows_of_a_terminal(lines) <= LINES_OF_NO_GO_MAX


def test_without_a_cause_nothing_is_together_that_was_not(drill: RunRecord) -> None:
    """As in records of the first version: by its words alone."""
    red = [result(f"test_{n}", f"DI-{n}", outcome=Outcome.UNKNOWN, message=f"HTTP {n}") for n in range(3)]

    assert len(terminal_page.alike(red)) == 3
    assert wording.in_other_words([replace(one, message="HTTP 502") for one in red]) == []


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
        *(" ".join(view.split()) for view in ("\n".join(lines), in_short.in_short(record), job_summary.render(record))),
        re.sub("<[^>]*>", "", scorecard_page.render(record)),
    ):
        assert "900 s (15 s of its 900 s window watched)" in text
    # With -v the column of figures is narrow, and wraps.
    assert any("900 s (15 s of its" in line for line in scorecard.render(record, 120, color=False, ascii_only=False))
    assert "window watched" not in "".join(shown(drill)) + scorecard_page.render(drill) + job_summary.render(drill)


def test_health_says_why_before_the_rest_says_what(good_record: RunRecord) -> None:
    """Whoever is woken reads first which part is ill; success criteria follow, and then what no term of the plan is about."""
    red = [result(f"test_{item}", item, outcome=Outcome.BROKEN_CRITERION) for item in ("CR-4", "SC-5", "HC-4")]

    lines = render(replace(good_record, results=tuple(red), verdict="NO-GO"), 80, color=False, ascii_only=False)

    assert [line.split()[1] for line in lines if line.startswith("  BROKEN ")] == ["HC-4", "SC-5", "CR-4"]


def test_what_only_looks_can_be_repeated(good_record: RunRecord, drill: RunRecord) -> None:
    """Whoever has mended something looks again with the same command; what acted would act again, and a GO needs nothing."""
    looked = replace(good_record, actions=(), command_line=("pytest", "-m", "post_rollback"), verdict="INCONCLUSIVE")

    def again(record: RunRecord) -> list[str]:
        return [line for line in render(record, 80, color=False, ascii_only=False) if line.startswith("  again ")]

    assert again(looked) == ["  again       pytest -m post_rollback"]
    assert again(replace(looked, verdict="GO")) == again(replace(drill, verdict="NO-GO")) == []
    consented = replace(looked, command_line=("pytest", "drills/test_a.py", "--env=staging", "--execute"))
    assert again(consented) == again(replace(looked, mode="real")) == []
