"""The report's first page says what the record says, and its picture hides nothing."""

import re
from dataclasses import replace
from pathlib import Path

from pam_rollback.report import run_report, scorecard_page, timeline_picture
from pam_rollback.report.record_parts import ActionMoment, FeatureShare
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.run_record import ActionStep, RunRecord
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


def test_what_nobody_could_judge_does_not_look_broken(told: RunRecord, told_red: RunRecord) -> None:
    """Its card says UNKNOWN in the colour of what is open, beside one that is broken and in the colour of that."""
    blind = [one for one in told_red.results if one.outcome is Outcome.UNKNOWN]
    page = scorecard_page.render(told_red)
    alone = scorecard_page.render(replace(told, verdict="INCONCLUSIVE", exit_code=11, results=(*told.results, *blind)))

    assert _cards(page) == [("no", "BROKEN"), ("open", "UNKNOWN")]
    assert "What is broken, and what could not be measured" in page
    assert _cards(alone) == [("open", "UNKNOWN")]
    assert ">Could not be measured</h2>" in alone


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


def test_what_a_page_links_to_is_there(told: RunRecord, told_red: RunRecord, tmp_path: Path) -> None:
    """Also where a session wrote it and nobody built a report: a finding's way out opens; a GO has none, and names no page."""
    for name, record in (("good", told), ("bad", told_red)):
        page = run_report.write_page(RunFolder(tmp_path / name), record)
        links = set(re.findall(r'href="([^"#]+)', page.read_text(encoding="utf-8")))

        assert [link for link in links if not (page.parent / link).exists()] == []
        assert ("runbook.html" in links) is (name == "bad")


def test_what_the_drill_itself_brings_back_is_drawn_apart(told: RunRecord) -> None:
    """A drill undoes its changes while users are probed: the errors after that say nothing of the rollback."""
    undo = ActionStep("feature-flag", "undo set-flags", "undone", 30.0, 0.1)

    page = scorecard_page.render(replace(told, steps=(*told.steps, undo)))

    assert 'class="after"' in page
    assert "+18.00 s: the drill put everything back" in _text(page)
    assert "planted" not in _text(page)
    assert 'class="after"' not in scorecard_page.render(told)


def _cards(page: str) -> list[tuple[str, str]]:
    """Tone and word of each problem."""
    return re.findall(r'<div class="problem (\w+)[^"]*"><span class="word">([A-Z ]+)<', page)


def _text(page: str) -> str:
    """What stands on the page, without its tags."""
    body = page.partition("<body>")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("&#39;", "'").split())


def test_the_picture_has_its_limits_and_moments() -> None:
    """Objectives as lines; a number for each moment; what was bad, and only that, is drawn as bad."""
    picture = timeline_picture.svg(WATCHED, "what it shows", 12.0)

    assert picture.count('class="limit"') == 2
    assert picture.count('class="sign"') == len(WATCHED.moments)
    assert picture.count('class="bad"') == 6
    assert "<title" in picture
    assert "what it shows" in picture


def test_a_hole_breaks_the_line() -> None:
    """What nobody measured is not drawn as good."""
    whole = timeline_picture.svg(WATCHED, "", 12.0)
    without = tuple(one for one in WATCHED.bins if not 20 <= one.at_s < 25)
    holed = timeline_picture.svg(replace(WATCHED, bins=without), "", 12.0)
    too_few = tuple(replace(one, p95_ms=None) if one.at_s == 22 else one for one in WATCHED.bins)
    unknown = timeline_picture.svg(replace(WATCHED, bins=too_few), "", 12.0)

    assert (whole.count('class="hole"'), holed.count('class="hole"'), holed.count("not measured")) == (0, 1, 1)
    assert whole.count("<polyline") == 1
    assert holed.count("<polyline") == 2
    assert unknown.count("<polyline") == 2


def test_nothing_is_drawn_of_nothing() -> None:
    """Nobody probed."""
    assert timeline_picture.svg(replace(WATCHED, bins=()), "", 0.0) == ""
