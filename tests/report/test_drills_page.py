"""The page of all drills: which criteria each met, how soon users were well again, and how that went before."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from pam_rollback.browser.client import axe
from pam_rollback.browser.client.browser import CHROMIUM
from pam_rollback.outside.places import REPORTS
from pam_rollback.report import drills_page
from pam_rollback.report.drills_page import DrillDone, StrategyPast
from pam_rollback.report.past_drills import PastRecovery
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.verdict import Outcome

PAST = (
    StrategyPast("feature-flag", [PastRecovery("sandbox", seconds) for seconds in (0.2, 0.5, 31.0)], 30),
    StrategyPast("emergency", [], None),
)


@pytest.fixture
def drills(good_record: RunRecord) -> list[DrillDone]:
    """One that went well, one that broke a criterion, one that left nothing."""
    first = good_record.results[1]
    bad = replace(good_record, verdict="NO-GO", results=(replace(first, outcome=Outcome.BROKEN_CRITERION),))
    return [
        DrillDone("feature-flag", "GO", 60, good_record, "run-1/report/index.html"),
        DrillDone("emergency", "NO-GO", 61, bad, "run-2/report/index.html", ["errors <b>stay</b>"]),
        DrillDone("gradual", "INCONCLUSIVE", 2, None, "", ["it wrote no record"]),
    ]


def rendered(drills: list[DrillDone]) -> str:
    """The page as a run of all drills makes it."""
    return drills_page.render(
        drills, PAST, verdict="REHEARSAL NO-GO", summary="1 of 3 drills are GO, in 2 min", day="2026-11-27"
    )


def test_each_drill_is_a_line(drills: list[DrillDone]) -> None:
    """With its criteria, its recovery beside what was asked, and its own page."""
    page = rendered(drills)
    rows = [
        " ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr class=.*?</tr>", page, re.DOTALL)
    ]

    assert rows == [
        "feature-flag GO ok ok ok ok 1.94 s at most 30 s 1 min 0 s",
        "emergency NO-GO BROKEN BROKEN - - - - 1 min 1 s",
        "gradual INCONCLUSIVE - - - - - - 2.0 s",
    ]
    assert 'href="run-1/report/index.html"' in page


def test_what_is_not_go_says_why(drills: list[DrillDone]) -> None:
    """And nothing from outside becomes part of the page."""
    page = rendered(drills)

    assert "errors &lt;b&gt;stay&lt;/b&gt;" in page
    assert "it wrote no record" in page


def test_past_drills_are_seen_beside_the_objective(drills: list[DrillDone]) -> None:
    """Three dots, the last above the line; a strategy that nobody drilled says so."""
    page = rendered(drills)
    (picture,) = re.findall(r"<svg.*?</svg>", page)
    limit = float(re.findall(r'class="limit" d="M0,([\d.]+)', picture)[0])
    dots = [float(y) for y in re.findall(r'cy="([\d.]+)"', picture)]

    assert [y < limit for y in dots] == [False, False, True]
    assert "no drill of it has been measured here" in page


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nobody_meets_a_barrier(drills: list[DrillDone], tmp_path: Path, colours: str) -> None:
    """By the rules that the product is held against, on a phone too."""
    path = drills_page.write(tmp_path, drills, PAST, verdict="REHEARSAL NO-GO", summary="1 of 3", day="2026-11-27")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM.path())
        context = browser.new_context(
            color_scheme="dark" if colours == "dark" else "light",
            bypass_csp=True,
            viewport={"width": 390, "height": 844},
        )
        page = context.new_page()
        page.goto(path.as_uri())

        found = axe.audit(page, "drills", axe.load_rules(REPORTS / "node_modules"))
        width_px = page.evaluate("document.documentElement.scrollWidth")
        page.screenshot(path=str(tmp_path / "page.png"), full_page=True)
        browser.close()

    assert found.violations == (), found
    assert width_px <= 390
