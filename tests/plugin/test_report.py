"""The report of a real drill, opened in a real browser by somebody who wants to know what happened."""

import re

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from pam_rollback.adapters.browser import chromium_path
from pam_rollback.reporting import run_record
from pam_rollback.reporting.html_report import Built
from pam_rollback.reporting.run_folder import RunFolder
from pam_rollback.reporting.run_report import build_run
from tests.sessions import ONLY_HEALTH, Project, Range


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories and answers, not about each check."""
    return ONLY_HEALTH


def test_the_report_tells_the_drill(practice_range: Range, project: Project) -> None:
    """Verdict, steps with timings, figures and the runbook are there; the page asks nobody outside and has no error."""
    ended = project.run("drills/test_feature_flag.py", "--env", str(practice_range.file))
    folder = RunFolder(ended.folder)
    built = build_run(folder, run_record.read(folder.record), out=project.folder / "out")
    assert isinstance(built, Built), built

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path())
        page = browser.new_page()
        outside: list[str] = []
        errors: list[str] = []
        page.on(
            "request",
            lambda request: (
                outside.append(request.url) if not request.url.startswith(("file:", "data:", "blob:")) else None
            ),
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(built.index.as_uri())
        _look(page)
        browser.close()

    assert (outside, errors) == ([], [])


def _look(page: Page) -> None:
    expect(page.get_by_text("REHEARSAL GO for feature-flag").first).to_be_visible()
    for folder in ("sandbox", "after-feature-flag", "rollback"):
        page.get_by_text(folder, exact=True).last.click()
    page.get_by_text("RTO-1").first.click()
    expect(
        page.get_by_text(re.compile(r"recovery as users see it: asked within 30 s, measured .* s")).first
    ).to_be_visible()
    action = page.get_by_text("The PAM features are switched off for every user").first
    expect(action).to_be_visible()
    action.click()
    expect(page.get_by_text("switch the features off").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d+(s|ms)")).first).to_be_visible()
    page.frame_locator("[data-testid=test-result-description-frame]").get_by_role("link").click()
    # It opens in the place of the description; the frame is found anew for each look.
    expect(
        page.frame_locator("[data-testid=test-result-description-frame]").locator("#recovery-too-slow")
    ).to_be_attached()
