"""The report's first page says what the record says."""

import re
import time
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.report import run_report, scorecard_page
from pam_rollback.report.record_parts import ActionMoment, FeatureShare, StrategyReadiness
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.run_record import ActionStep, ItemTitle, Measured, RunRecord, TopicTold
from pam_rollback.report.verdict import Outcome
from tests.report.watched import SITUATION, WATCHED


def test_it_says_what_the_record_says(told: RunRecord) -> None:
    """Verdict, who and why, the three figures, each criterion with what was asked, the moments, and who was told."""
    text = _text(scorecard_page.render(told))

    for words in (
        "REHEARSAL GO",
        "ST-1 feature-flag: Switch features off",
        "40 % errors",
        "kim",
        "1.94 s",
        "at most 30 s",
        "0.13 %",
        "81.3 ms",
        "onset",
        "-6.00 s",
        "00:05:24 UTC",
        "mitigated",
        "+0.40 s",
        "EM-1: slack +0.10 s; EM-2: phone +1.50 s, by hand",
        "pace 60",
        "0 of 200 have a feature",
    ):
        assert words in text, words
    assert "What is broken" not in text


def test_what_is_broken_comes_first_and_once(told_red: RunRecord) -> None:
    """Found, expected, where to go on; what could not be measured has no figure that was expected."""
    page = scorecard_page.render(told_red)
    text = _text(page)

    assert text.index("What is broken") < text.index("Who, what, why")
    assert text.count("the back end answered 503") == 1
    assert "HC-2 HC-5 [after-feature-flag]" in text
    assert "2 tests; not true: " in text
    assert "expected the back end: healthy, HTTP 200" in text
    assert 'href="runbook.html#backend-unhealthy"' in page
    assert "why no reading" in text


def test_what_a_session_answers_stands_before_what_it_knows_of_rollbacks(told: RunRecord) -> None:
    """The stages of the gate; on paper only they do. A preflight has nothing else to say, and says it there, too."""
    ready = (StrategyReadiness("feature-flag", "ready", "the flags are on"),)
    preflight = replace(told, readiness=ready)
    gate = replace(preflight, told=(TopicTold("May it be deployed again?", ("[x] journeys: 15 of 15",)),))
    page = scorecard_page.render(gate)

    assert page.index(">May it be deployed again?</h2>") < page.index(">Could we roll back right now?</h2>")
    assert re.findall(r'<section aria-labelledby="part-\d"( class="screen")?>', page) == ["", ' class="screen"']
    assert re.findall(r'<section aria-labelledby="part-\d"( class="screen")?>', scorecard_page.render(preflight)) == [
        ""
    ]


def test_the_order_is_the_terminals(told: RunRecord, told_red: RunRecord) -> None:
    """Success criteria before the rest; the cases of one test in one card, each with what it found."""
    red = next(one for one in told_red.results if one.outcome is Outcome.BROKEN_CRITERION)
    cases = [
        replace(
            red, nodeid=f"checks/test_a.py::test_walk[{name}]", criteria=("CR-2",), message=f"AssertionError: {name}"
        )
        for name in ("chromium", "firefox", "webkit")
    ]
    criterion = replace(red, nodeid="checks/test_b.py::test_few", criteria=("SC-1",), message="AssertionError: 40 %")
    page = scorecard_page.render(
        replace(told, verdict="NO-GO", exit_code=10, results=(*told.results, *cases, criterion))
    )

    assert re.findall(r'<div class="problem[^>]*><span[^>]*>BROKEN</span> (\S+)', page) == ["SC-1", "CR-2"]
    assert "3 tests; not true: " in page
    assert "<summary>2 more of this test</summary><ul><li>firefox</li><li>webkit</li></ul>" in page


def test_what_has_no_card_is_named(told: RunRecord, told_red: RunRecord) -> None:
    """On the screen after twelve, on paper after four: no view names fewer plan items than another."""
    red = next(one for one in told_red.results if one.outcome is Outcome.BROKEN_CRITERION)
    many = [
        replace(red, nodeid=f"checks/test_a.py::test_{n}", criteria=(f"WV-{n}",), message=f"AssertionError: {n}")
        for n in range(1, 15)
    ]
    page = scorecard_page.render(replace(told, verdict="NO-GO", exit_code=10, results=(*told.results, *many)))

    assert page.count('<div class="problem') == 12
    assert '<p class="screen">and 2 more findings of 2 tests, for WV-13 WV-14: below</p>' in page
    assert '<p class="paper">and 10 more findings of 10 tests, for WV-5 WV-6' in page
    assert f"WV-14: {told.reports.html}</p>" in page


def test_a_long_figure_leaves_room_for_the_others(told: RunRecord) -> None:
    """Cut in the table; whole among all figures."""
    long = "HTTP 500: " + "GET /api/v1/expenses " * 9
    one = replace(told.results[1], measured=(replace(told.results[1].measured[0], measured=long),))
    page = scorecard_page.render(replace(told, results=(one,)))
    table, _, details = page.partition("Every figure")

    assert long.strip() not in table
    assert long[:60] + "…" in table
    assert long.strip() in details


def test_a_long_finding_is_begun_and_the_rest_is_folded(told_red: RunRecord) -> None:
    """Nothing of it is lost, no word is cut, and what comes after it stays on the first view."""
    words = " ".join(f"barrier-{number}" for number in range(200))
    long = tuple(replace(one, message=f"AssertionError: {words}") for one in told_red.results)
    page = scorecard_page.render(replace(told_red, results=long))

    shown, folded = page.split("<summary>the rest of it</summary>", 1)
    found = shown.rpartition("<dd>")[2].removesuffix("<details>")
    rest = folded.partition("</details>")[0]

    assert found.endswith(" …")
    assert len(found) < 500
    assert f"{found.removesuffix('…')}{rest}" == words


def test_what_nobody_could_judge_does_not_look_broken(told: RunRecord, told_red: RunRecord) -> None:
    """Its card says UNKNOWN in the colour of what is open, beside one that is broken and in the colour of that."""
    blind = [one for one in told_red.results if one.outcome is Outcome.UNKNOWN]
    page = scorecard_page.render(told_red)
    alone = scorecard_page.render(replace(told, verdict="INCONCLUSIVE", exit_code=11, results=(*told.results, *blind)))

    assert _cards(page) == [("no", "BROKEN"), ("open", "UNKNOWN")]
    assert "What is broken, and what could not be measured" in page
    assert _cards(alone) == [("open", "UNKNOWN")]
    assert ">Could not be measured</h2>" in alone


@pytest.mark.parametrize(
    ("outcome", "tone", "word"),
    [
        (Outcome.PASSED, "go", ""),
        (Outcome.BROKEN_CRITERION, "no", "BROKEN"),
        (Outcome.UNKNOWN, "open", "UNKNOWN"),
    ],
)
def test_a_figure_says_its_verdict_in_a_word_too(told: RunRecord, outcome: Outcome, tone: str, word: str) -> None:
    """A colour alone tells some people nothing; what is well needs no word."""
    recovery = next(one for one in told.results if one.criteria[:1] == ("RTO-1",))
    page = scorecard_page.render(replace(told, results=(replace(recovery, outcome=outcome),)))
    [tile] = re.findall(r'<li class="(\w+)">RTO-1(.*?)</li>', page)

    assert tile[0] == tone
    assert re.findall(r'<span class="word">([A-Z ]+)</span>', tile[1]) == ([word] if word else [])


def test_nothing_from_outside_becomes_part_of_the_page(told: RunRecord) -> None:
    """A product, a person or a branch may be called anything."""
    nasty = "<script>alert(1)</script><img src=//evil.example>"
    action = replace(told.actions[0], incident=nasty, initiated_by=nasty)
    share = FeatureShare(0, nasty, 50)
    moment = ActionMoment(nasty, 3, 0, nasty)
    record = replace(
        told, actions=(action,), watched=(replace(WATCHED, shares=(share,), moments=(moment,)),), notes=(nasty,)
    )

    page = scorecard_page.render(record)

    assert "<script" not in page
    assert "<img" not in page


def test_what_nobody_knows_of_a_drill_is_no_green_row(told: RunRecord) -> None:
    """Of several rollbacks, one that was not judged, or not measured, does not look like one that went well."""
    blind = replace(told.results[0], situation="after-other", outcome=Outcome.UNKNOWN)
    page = scorecard_page.render(
        replace(told, situations=(SITUATION, "after-other", "after-none"), results=(*told.results, blind))
    )
    table = page.partition("All rollbacks")[2].partition("</table>")[0]

    assert re.findall(r'<tr class="(\w+)"><th scope="row"[^>]*>([\w-]+)', table) == [
        ("go", "feature-flag"),
        ("open", "other"),
        ("open", "none"),
    ]


def test_a_record_of_the_first_version_has_a_page_too(good_record: RunRecord) -> None:
    """Without a picture, since nobody recorded what it shows."""
    page = scorecard_page.render(good_record)

    assert "REHEARSAL GO" in page
    assert "<svg" not in page


def test_times_are_shown_where_somebody_looks(told: RunRecord) -> None:
    """UTC, and what the clock on the wall shows."""
    text = _text(scorecard_page.render(told, zone=timezone(timedelta(hours=1), "CET")))

    assert "00:05:12 UTC (01:05:12 CET)" in text


def test_the_page_that_a_session_writes_shows_them_too(told: RunRecord, tmp_path: Path, monkeypatch: Any) -> None:
    """By this machine's clock, without anybody asking for it."""
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    try:
        page = run_report.write_page(RunFolder(tmp_path), told)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert "00:05:12 UTC (01:05:12 CET)" in _text(page.read_text(encoding="utf-8"))


def test_what_a_page_links_to_is_there(told: RunRecord, told_red: RunRecord, tmp_path: Path) -> None:
    """Also where a session wrote it and nobody built a report: a finding's way out opens; a GO has none, and names no page."""
    for name, record in (("good", told), ("bad", told_red)):
        page = run_report.write_page(RunFolder(tmp_path / name), record)
        links = set(re.findall(r'href="([^"#]+)', page.read_text(encoding="utf-8")))

        assert [link for link in links if not (page.parent / link).exists()] == []
        assert ("runbook.html" in links) is (name == "bad")


def test_a_page_of_checks_calls_them_no_drill(told: RunRecord) -> None:
    """By the name in the browser's tab, and beside what was asked."""
    checks = replace(told, actions=(), watched=())

    assert "GO: PAM rollback drill on " in scorecard_page.render(told)
    assert "GO: PAM checks on " in scorecard_page.render(checks)
    assert "mode checks only" in _text(scorecard_page.render(checks))
    assert "GO: PAM rollback on " in scorecard_page.render(replace(told, mode="real"))


def test_each_criterion_has_its_margin(told: RunRecord) -> None:
    """Beside what was asked, whose figures keep their units, what was measured, and how many samples that rests on."""
    table = scorecard_page.render(told).partition("Criteria and objectives</caption>")[2].partition("</table>")[0]
    rows = re.findall(r'<th scope="row"[^>]*>(RTO-1|SC-1)</th>(.*?)</tr>', table)

    assert [(name, re.findall(r"<td[^>]*>([^<]*)</td>", cells)[1:]) for name, cells in rows] == [
        ("SC-1", ["0.13 %", "at most 2\N{NO-BREAK SPACE}%", "1500", "+1.87 %", "ok"]),
        ("RTO-1", ["1.94 s", "at most 30\N{NO-BREAK SPACE}s", "96", "+28.06 s", "ok"]),
    ]


def test_the_picture_has_the_steps_and_by_when_users_had_to_be_well(told: RunRecord) -> None:
    """A stroke for each step, one where several ended at once; the objective where it is within the picture, and never a guess."""
    recovery = replace(told.results[0], measured=(Measured("recovery", "within 20 s", 0.5, "s", 96, 19.5),))
    steps = tuple(ActionStep("feature-flag", str(at_s), "done", at_s, 0.0) for at_s in (12.1, 12.1, 12.6))
    undo = ActionStep("feature-flag", "undo", "undone", 30.0, 0.1)
    page = scorecard_page.render(replace(told, results=(recovery,), steps=(*steps, undo)))
    beyond = replace(recovery, measured=(replace(recovery.measured[0], margin=600.0),))
    unknown = replace(recovery, measured=(replace(recovery.measured[0], measured=None, margin=None),))

    assert page.count('class="step"') == 2
    assert page.count('class="limit"') == 3
    assert ">RTO-1 within 20 s<" in page
    at_x = float(re.findall(r'class="limit" d="M([\d.]+),[\d.]+V', page)[0])
    decision_x, later_x = (
        float(re.findall(rf'x="([\d.]+)" y="[\d.]+" text-anchor="middle">{words}<', page)[0])
        for words in ("decision", r"\+20 s")
    )
    assert decision_x < at_x == pytest.approx(later_x, abs=0.2)
    for other in (beyond, unknown):
        assert scorecard_page.render(replace(told, results=(other,))).count('class="limit"') == 2


def test_what_the_drill_itself_brings_back_is_drawn_apart(told: RunRecord) -> None:
    """A drill undoes its changes while users are probed: the errors after that say nothing of the rollback."""
    undo = ActionStep("feature-flag", "undo set-flags", "undone", 30.0, 0.1)

    page = scorecard_page.render(replace(told, steps=(*told.steps, undo)))

    assert 'class="after"' in page
    assert "+18.00 s: the drill put everything back" in _text(page)
    assert "planted" not in _text(page)
    assert 'class="after"' not in scorecard_page.render(told)


def test_a_fault_that_was_taken_away_did_not_come_back(told: RunRecord) -> None:
    """What the drill put back is said with what it did not: the fault that it had planted."""
    undone = [ActionStep("feature-flag", f"undo {kind}", "undone", 30.0, 0.1) for kind in ("set-flags", "clear-faults")]

    text = _text(scorecard_page.render(replace(told, steps=(*told.steps, *undone))))

    assert "the drill put everything back and took the fault away that it had planted; what users saw" in text


def test_a_verification_says_that_it_rolled_nothing_back(told: RunRecord) -> None:
    """Where a session has only checks of that phase, and no action; a drill, and another phase, does not."""
    words = "what a verification: nothing was rolled back in this session"
    checks = tuple(replace(one, phase="post_rollback") for one in told.results)
    verified = replace(told, scope="post_rollback", actions=(), watched=(), results=checks)

    assert words in _text(scorecard_page.render(verified))
    assert words not in _text(scorecard_page.render(told))
    assert words not in _text(scorecard_page.render(replace(verified, actions=told.actions)))
    assert words not in _text(scorecard_page.render(replace(verified, results=told.results)))


def test_few_broken_criteria_are_named_beside_the_verdict(told: RunRecord, told_red: RunRecord) -> None:
    """Up to ten, and none that could only not be measured; more of them, and a GO, have a number or nothing."""
    red = next(one for one in told_red.results if one.outcome is Outcome.BROKEN_CRITERION)
    many = tuple(replace(red, nodeid=f"checks/test_a.py::test_{n}", criteria=(f"WV-{n}",)) for n in range(11))
    page = scorecard_page.render(told_red)

    assert "2 criteria broken, 1 test could not measure. Broken: HC-2 HC-5</p>" in page
    in_plan = tuple(ItemTitle(name, "") for name in ("HC-5", "HC-1", "HC-2"))
    assert "Broken: HC-5 HC-2</p>" in scorecard_page.render(replace(told_red, items=in_plan)), "in the plan's order"
    assert "Broken: " not in scorecard_page.render(told)
    assert "WV-9</p>" in scorecard_page.render(replace(told_red, results=many[:10]))
    assert "Broken: " not in scorecard_page.render(replace(told_red, results=many))


def _cards(page: str) -> list[tuple[str, str]]:
    """Tone and word of each problem."""
    return re.findall(r'<div class="problem (\w+)[^"]*"><span class="word">([A-Z ]+)<', page)


def _text(page: str) -> str:
    """What stands on the page, without its tags."""
    body = page.partition("<body>")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("&#39;", "'").split())
