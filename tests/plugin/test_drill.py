"""A whole drill that is a GO, on two workers, seen from outside: what it did, what it told whom, what it left, and its report.

It is run once; each test looks at something else of it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from pam_rollback.browser.browser import CHROMIUM
from pam_rollback.http.client import fetch
from pam_rollback.report import run_record
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.run_report import build_run
from tests.plugin.drilling import calm, journal, owed, runbook_with
from tests.sessions import FLAGS, ON, ONLY_HEALTH, WINDOWS, Finished, RunningSandbox

STORY = "drills/test_feature_flag.py"
FLAG_POST = "POST /admin/feature-flags"
ALL_AT_ONCE = "".join(f"\n[thresholds.EM-{level}]\nfrom_s = 0\n" for level in (2, 3, 4))
"""Every level of the escalation is due when the rollback begins."""


@dataclass(frozen=True)
class Drilled:
    """The drill, and what the sandbox saw of it."""

    ended: Finished
    range: RunningSandbox
    flag_changes: int
    received: dict[str, list[Any]]


@pytest.fixture(scope="module")
def drill(shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drilled]:
    """It ran to its end."""
    shared_range.remote.reset()
    shared_range.as_it_was()
    project = runbook_with(
        tmp_path_factory.mktemp("drill"),
        *ONLY_HEALTH,
        WINDOWS,
        "test_communication.py",
        "test_data_loss.py",
        "test_checklist.py",
    )
    calm(project)
    text = shared_range.file.read_text(encoding="utf-8")
    project.write("hurried.toml", text + ALL_AT_ONCE)
    (project.folder / "hurried.toml").chmod(0o600)
    before = shared_range.remote.request_counts().get(FLAG_POST, 0)
    ended = project.run(STORY, "-n", "2", "--pace=75", "--env=hurried.toml")
    changes = shared_range.remote.request_counts().get(FLAG_POST, 0) - before
    received = {
        sink: list(shared_range.remote.received(sink)) for sink in ("slack", "email", "pagerduty", "statuspage")
    }
    yield Drilled(ended, shared_range, changes, received)
    shared_range.as_it_was()


def texts(drill: Drilled) -> list[str]:
    """What the incident channel got."""
    return [message["body"]["text"] for message in drill.received["slack"]]


def figures(drill: Drilled, criterion: str) -> Sequence[dict[str, Any]]:
    """What was entered into the table of criteria for it."""
    results = drill.ended.record["results"]
    return [row for result in results if criterion in result["criteria"] for row in result["measured"]]


def test_one_action_and_one_undo_and_all_is_as_before(drill: Drilled) -> None:
    """However many workers there are: seen by the sandbox, by the journal, by the verdict."""
    ended = drill.ended
    events = [entry["event"] for entry in journal(ended.folder)]

    judged = {result["outcome"] for result in ended.record["results"] if "checklist" not in result["kind"]}
    assert (ended.rc, judged) == (0, {"passed"}), ended.out
    assert drill.flag_changes == 2
    assert events.count("action") == 1
    assert ended.last_line.startswith("REHEARSAL GO for feature-flag sandbox 127.0.0.1:"), ended.last_line
    assert {drill.range.flags.read_flags()[name] for name in FLAGS} == {ON}
    assert drill.range.remote.faults() == []


def test_everybody_hears_the_beginning_and_the_end(drill: Drilled) -> None:
    """All four levels over all channels, marked as a drill; the story's own message once; nothing is open, shown or owed."""
    mails = drill.received["email"]
    assert [sorted(mail["recipients"]) for mail in mails[:2]] == [
        ["dev-team@wheelsandwins.com", "ops@wheelsandwins.com"],
        ["leadership@wheelsandwins.com", "product@wheelsandwins.com"],
    ]
    assert all(mail["subject"].startswith("DRILL") for mail in mails)
    told = texts(drill)
    assert all(text.startswith("DRILL, nothing is wrong") for text in told), told
    assert len(told) == len(set(told))
    assert sum("switched off for all users" in text for text in told) == 1
    actions = [message["body"].get("event_action", "change") for message in drill.received["pagerduty"]]
    assert actions == [*["trigger"] * 4, "change", "acknowledge", "resolve"]
    assert [message["body"]["status"] for message in drill.received["statuspage"]] == [
        "identified",
        "monitoring",
        "resolved",
    ]
    urls = drill.range.state["urls"]
    assert fetch(urls["status_page"] + "/api/v2/summary.json").json["incidents"] == []
    assert fetch(urls["api"] + "/api/v1/notice").json["active"] is False
    assert owed(drill.ended.folder) == set()


def test_the_message_is_looked_for_where_it_arrived_and_time_runs_from_the_end(drill: Drilled) -> None:
    """The checks of what was told, after a rollback."""
    assert "arrived" in {row["measured"] for row in figures(drill, "DUR-5")}
    [frame] = figures(drill, "TF-1")
    assert frame["definition"] == "from the end of the rollback"
    assert 0 <= frame["measured"] < 60


def test_rows_are_counted_before_and_after(drill: Drilled) -> None:
    """Without being told to, and before anything was planted."""
    [rows] = drill.ended.folder.glob("after-*/rows-before.json")

    assert {"test_no_row_is_lost", "test_no_row_is_rewritten"} <= set(drill.ended.outcomes())
    assert json.loads(rows.read_text(encoding="utf-8"))["tables"]["expenses"]["rows"] > 3000


def test_the_report_tells_the_drill(drill: Drilled) -> None:
    """Opened in a real browser: verdict, picture and figures first, steps with timings and the runbook one link further.

    It asks nobody outside, has no error, and is small enough to be sent.
    """
    folder = RunFolder(drill.ended.folder)
    built = build_run(folder, run_record.read(folder.record))
    assert built.without is None, built.without

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM.path())
        page = browser.new_page(viewport={"width": 1280, "height": 4000})  # only what is in view is rendered
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
    sizes = {path.relative_to(folder.html): path.stat().st_size for path in folder.html.rglob("*") if path.is_file()}
    assert sum(sizes.values()) <= 10e6, sizes


OPENED_WITHIN_MS = 60_000
"""Five megabytes of report, on a machine that does something else."""


def _look(page: Page) -> None:
    expect(page.get_by_role("heading", name="REHEARSAL GO for feature-flag")).to_be_visible()
    expect(page.get_by_role("img", name="Error rate and response time around feature-flag")).to_be_visible()
    for moment in ("onset", "detection", "decision", "mitigated", "confirmed"):
        expect(page.get_by_role("rowheader", name=moment, exact=True)).to_be_visible()
    page.get_by_role("link", name="evidence, test by test").click()
    expect(page.get_by_text("REHEARSAL GO for feature-flag").first).to_be_visible(timeout=OPENED_WITHIN_MS)
    evidence = page.url
    _open(page, "ST-1")
    expect(page.get_by_text("flags that are off, read back: asked 3, measured 3").first).to_be_visible()
    expect(page.get_by_text(re.compile("^switch the features off: .* ms")).first).to_be_visible()
    page.frame_locator("[data-testid=test-result-description-frame]").get_by_role("link").click()
    # It opens in the place of the description; the frame is found anew for each look.
    expect(
        page.frame_locator("[data-testid=test-result-description-frame]").locator("#feature-flag-rollback")
    ).to_be_attached()
    page.goto("about:blank")
    page.goto(evidence)
    expect(page.get_by_test_id("tree-section-title").first).to_be_visible(timeout=OPENED_WITHIN_MS)
    _open(page, "PRE-3")  # the test that waited for the action first
    action = page.get_by_text("The PAM features are switched off for every user").first
    expect(action).to_be_visible()
    action.click()
    expect(page.get_by_text("switch the features off").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d+(s|ms)")).first).to_be_visible()


def _open(page: Page, item: str) -> None:
    """Open the drill's first test of a plan item."""
    sections = page.get_by_test_id("tree-section-title")
    expect(sections.first).to_be_visible()
    for folder, inside in (
        ("sandbox", _titled(page, "after-feature-flag")),
        ("after-feature-flag", _titled(page, "rollback")),
        ("rollback", page.get_by_text(item).first),
    ):
        # A report of few tests opens its folders by itself.
        if not inside.is_visible():
            _titled(page, folder).click()
    page.get_by_text(item).first.click()


def _titled(page: Page, folder: str) -> Locator:
    """A folder of the report's tree."""
    return page.get_by_test_id("tree-section-title").filter(has_text=re.compile(f"^{folder}$"))
