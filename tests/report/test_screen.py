"""Does one screen say what a person needs at 3 a.m.?  Records that are written out, and the lines that a person has read and found good."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pam_rollback.report import scorecard, scorecard_page
from pam_rollback.report.failures import by_test, not_good
from pam_rollback.report.record_parts import StrategyReadiness
from pam_rollback.report.run_record import (
    ActionStep,
    ActionTaken,
    ItemTitle,
    Measured,
    NotRun,
    RunRecord,
    TopicTold,
    Unanswered,
    Verdict,
)
from pam_rollback.report.screen import CAUSES_MAX, LINES_MAX, LINES_OF_NO_GO_MAX, render
from pam_rollback.report.terminal_page import WORDS
from pam_rollback.report.verdict import Outcome
from tests.report.screens import SITUATION, result, rows_of_a_terminal, shown

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["drill", "broken", "blind"])
def test_the_screen_reads_as_approved(request: pytest.FixtureRequest, name: str) -> None:
    """Every line is as it was approved; a change is seen and read before it is committed."""
    text = "\n".join(shown(request.getfixturevalue(name))) + "\n"

    assert text == (GOLDEN / f"screen-{name}.txt").read_text(encoding="utf-8")


SCRIPTS = "éß中文字кириллица हिन्दी عربى ไทย 日本語 🚑👩🏽🚒 \uff41\u0301\u0308 ❤\ufe0f"

words = st.text(st.one_of(st.sampled_from(SCRIPTS), st.characters(exclude_categories=["Cs"])), max_size=12)

notes = st.lists(st.builds(lambda word, times: word * times, words, st.integers(1, 20)), max_size=60)

notes_or_none = st.one_of(st.just([]), notes)


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


@example(
    # The plan items of the first cause take two rows, and so do those that are only counted.
    found=[
        (Outcome.NOT_RUN, "", 44, 24, "old"),
        (Outcome.UNKNOWN, "a word", 37, 31, "new"),
        (Outcome.NOT_RUN, "", 44, 24, "old"),
        (Outcome.UNKNOWN, "a word", 37, 31, "new"),
        (Outcome.UNKNOWN, "another", 43, 23, "of many"),
        (Outcome.NOT_RUN, "none", 22, 8, "of many"),
    ],
    other=["a", "b"],
    long=1,
    situations=26,
    verdict="UNDO FAILED",
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
        assert len(entries) >= min(len(by_test(bad)), CAUSES_MAX), "a cause that is neither told nor counted"
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


def test_a_go_for_health_is_no_all_clear(drill: RunRecord) -> None:
    """Below its first line, where nobody takes it for more; no other verdict says so."""
    words = "  Only health and the front page were asked. Are users served? -m decision"
    health = replace(drill, scope="health")
    others = (drill, replace(health, verdict="NO-GO"), replace(health, scope="post_rollback"))

    assert words in render(health, 80, color=False, ascii_only=False)[:4]
    assert [words in render(one, 80, color=False, ascii_only=False) for one in others] == [False] * 3
    assert words.strip() in scorecard_page.render(health)


@pytest.mark.parametrize("view", [render, scorecard.render], ids=["screen", "all"])
@pytest.mark.parametrize("name", ["drill", "broken", "blind", "bad_record"])
def test_colours_only_add_colour(
    request: pytest.FixtureRequest, name: str, view: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With colours the text is the same, an ASCII terminal gets ASCII, and NO_COLOR counts whatever the terminal can do."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    record = request.getfixturevalue(name)
    plain = view(record, 80, color=False, ascii_only=False)
    colored = view(record, 80, color=True, ascii_only=False)

    assert colored != plain
    assert [re.sub(r"\033\[[0-9;]*m", "", line) for line in colored] == plain
    assert "\n".join(view(record, 80, color=False, ascii_only=True)).isascii()
    monkeypatch.setenv("NO_COLOR", "1")
    assert view(record, 80, color=True, ascii_only=False) == plain


def test_what_only_looks_can_be_repeated(good_record: RunRecord, drill: RunRecord) -> None:
    """Whoever has mended something looks again with the same command; what acted would act again, and a GO needs nothing."""
    looked = replace(good_record, actions=(), command_line=("pytest", "-m", "post_rollback"), verdict="INCONCLUSIVE")

    def again(record: RunRecord) -> list[str]:
        return [line for line in render(record, 80, color=False, ascii_only=False) if line.startswith("  again ")]

    assert again(looked) == ["  again       pytest -m post_rollback"]
    assert again(replace(looked, verdict="GO")) == again(replace(drill, verdict="NO-GO")) == []
    consented = replace(looked, command_line=("pytest", "drills/test_a.py", "--env=staging", "--execute"))
    assert again(consented) == again(replace(looked, mode="real")) == []
