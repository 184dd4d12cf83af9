"""The front page with its files, from a real server and in a real Chromium."""

import socket
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pam_rollback.browser import site as site_module
from pam_rollback.browser.browser import launch_arguments
from pam_rollback.browser.pam_site import PamSite
from pam_rollback.probe.journeys import Journey, ProbeConfig
from pam_rollback.probe.observer import Prober
from pam_rollback.target.expectation import Expect
from pam_rollback.target.front_page import LATER_ALL, LATER_SAMPLED, shortcoming_of_rendered
from pam_rollback.target.front_page_reader import look_at_front_page
from tests.contracts import PAGES

Files = dict[str, tuple[str, bytes]]
_PAGE = (
    b"<!doctype html><title>Wheels</title><link rel=icon href=data:,><link rel=stylesheet href=/a.css>"
    b"<script src=/a.js defer></script><div id=root></div>"
)
_SITE: Mapping[str, tuple[str, bytes]] = {
    "/": ("text/html", _PAGE),
    "/a.css": ("text/css", b"p { color: green }" + b" " * 100_000),
    "/a.js": (
        "text/javascript",
        b"document.title = 'Wheels'; setTimeout(() => { root.innerHTML = '<h1>Wheels</h1><a href=/>Plan a trip</a>' }, 200)",
    ),
}


class Host(BaseHTTPRequestHandler):
    """Answers every unknown address with the page, as a host of single-page sites does."""

    def __init__(self, files: Files, asked: list[tuple[str, Mapping[str, str]]], *given: object) -> None:
        self.files, self.asked = files, asked
        super().__init__(*given)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        self.asked.append((self.path, dict(self.headers)))
        kind, body = self.files.get(path, self.files["/"])
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Site:
    """A host, its files, and what it was asked for."""

    def __init__(self) -> None:
        self.files: Files = dict(_SITE)
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, self.files, self.asked))
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    """A small site that works."""
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(**launch_arguments("chromium", own=Path()))


def test_a_site_with_its_files(site: Site) -> None:
    """Each is asked for once, past caches, and no more of it than its start."""
    found = look_at_front_page(f"{site.url}/", deadline_s=5)

    assert (found.problems, found.assets) == ((), 2)
    assert sorted(path for path, _ in site.asked) == ["/", "/a.css", "/a.js"]
    assert all(headers["Cache-Control"] == "no-cache" for _, headers in site.asked)
    assert {headers.get("Range") for _, headers in site.asked} == {None, "bytes=0-4095"}


def test_a_module_that_a_script_imports_is_looked_at_once(site: Site) -> None:
    """As a bundler names it in the page. Missing, it leaves the page empty, and the script itself is as ever."""
    site.files["/"] = ("text/html", _PAGE.replace(b"<script", b"<link rel=modulepreload href=/m.js><script"))
    site.files["/a.js"] = ("text/javascript", b'import"./m.js"')
    site.files["/m.js"] = ("text/javascript", b"const u = 'https://api.example.com/v1'")

    assert look_at_front_page(f"{site.url}/", deadline_s=5, names={"api": "api.example.com"}).is_the_site
    assert sorted(path for path, _ in site.asked) == ["/", "/a.css", "/a.js", "/m.js"]
    site.files.pop("/m.js")
    found = look_at_front_page(f"{site.url}/", deadline_s=5)
    assert found.problems == ("its script /m.js is missing: a page of HTML is answered in its place",)


@pytest.mark.parametrize("place", ["/a.js", "/b.js", "/c.js"])
def test_a_bundle_names_the_api_that_it_talks_to(site: Site, place: str) -> None:
    """In the page's own script, or in a file beside it that it imports; one that was built without its variables names none."""
    site.files["/a.js"] = ("text/javascript", b'import {url} from"./b.js"; ' + b" " * 10_000)
    site.files["/b.js"] = ("text/javascript", b'export * from "./c.js"; import "./a.js"')
    site.files["/c.js"] = ("text/javascript", b"export const url = undefined")

    def look() -> str:
        return str(look_at_front_page(f"{site.url}/", deadline_s=5, names={"api": "api.example.com"}))

    said = look()
    assert "none of its 3 scripts names the api (api.example.com): was it built without its variables?" in said
    site.files[place] = ("text/javascript", site.files[place][1] + b"; const u = 'https://api.example.com/v1'")
    assert "a page, with 2 scripts and styles" in look()


def _with_chunks(site: Site, number: int) -> list[str]:
    """Make the site of one script that loads so many later, as Vite writes it: all in a list, and half of them imported by their name."""
    names = [f"P{one}.x{one % 7}-_.js" for one in range(number)]
    listed = ",".join(f'"assets/{name}"' for name in names)
    imported = "".join(f'a(()=>import("./{name}"),d([{one}]));' for one, name in enumerate(names) if one % 2)
    site.files["/"] = ("text/html", _PAGE.replace(b"/a.js", b"/assets/a.js"))
    main = f"const __vite__mapDeps=(i,m=__vite__mapDeps,d=(m.f||(m.f=[{listed}])))=>i;{imported}"
    site.files["/assets/a.js"] = ("text/javascript", main.encode())
    paths = [f"/assets/{name}" for name in names]
    site.files |= dict.fromkeys(paths, ("text/javascript", b'import{a}from"./a.js"'))
    return paths


@pytest.mark.parametrize("gone", [range(0, 120, 2), range(1, 120, 2), range(60), range(60, 120)])
def test_half_of_the_scripts_that_are_loaded_later_are_gone(site: Site, gone: range) -> None:
    """Whichever half it is: a sample of twelve tells, and how many it looked at of how many."""
    paths = _with_chunks(site, 120)
    whole = look_at_front_page(f"{site.url}/", deadline_s=5, later=LATER_SAMPLED)
    for one in gone:
        site.files.pop(paths[one])
    found = look_at_front_page(f"{site.url}/", deadline_s=5, later=LATER_SAMPLED)

    assert whole.is_the_site, whole
    assert whole.measured.definition == "12 of 120 files that its scripts name were looked at"
    assert "of 12 files that its scripts load later are not there" in str(found)
    assert "is missing: a page of HTML is answered in its place" in str(found)


def test_one_script_of_many_is_gone(site: Site) -> None:
    """Whoever verifies for minutes looks at all of them, and at what only these name."""
    paths = _with_chunks(site, 120)
    site.files[paths[7]] = ("text/javascript", b'a(()=>import("./deep.js"))')
    site.files["/assets/deep.js"] = ("text/javascript", b"1")
    whole = look_at_front_page(f"{site.url}/", deadline_s=5, later=LATER_ALL)
    site.files.pop("/assets/deep.js")
    found = look_at_front_page(f"{site.url}/", deadline_s=5, later=LATER_ALL)

    assert (whole.problems, whole.later) == ((), "121 of 121 files that its scripts name were looked at")
    assert "1 of 121 files that its scripts load later are not there" in str(found)
    assert "its script /assets/deep.js is missing" in str(found)


def test_a_file_of_another_host_that_does_not_answer_is_told(site: Site) -> None:
    """The page is the site, for a look and for a probe; what was not seen is a condition of the verdict."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{closed.getsockname()[1]}/map.css"
        site.files["/"] = ("text/html", _PAGE + b"<link rel=stylesheet href=%s>" % away.encode())
        found = look_at_front_page(f"{site.url}/", deadline_s=5)

        assert found.is_the_site, found
        assert f"not seen from here: its style {away}: " in found.unproven


def test_a_probe_is_bad_while_a_script_is_missing(site: Site, tmp_path: Path) -> None:
    """The prober shares looks at the files between its probes, and sees within a second that they came back."""
    journey = Journey(name="page", url=f"{site.url}/", expect=Expect(content_type="text/html", site=True))
    order = ProbeConfig(journeys=(journey,), rate_hz=20, timeout_s=2)
    script = site.files.pop("/a.js")
    with Prober(order, tmp_path / "timeline.jsonl") as prober:
        first = prober.wait_for_first(5, within_s=10)
        site.files["/a.js"] = script
        count = len(prober.timeline.samples())
        last = prober.wait_for_first(count + 45, within_s=20)[-1]

    assert {sample.why for sample in first} == {"its script /a.js is missing: a page of HTML is answered in its place"}
    assert last.ok, last
    assert sum(path == "/a.js" for path, _ in site.asked) < len(prober.timeline.samples()) / 4


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        (_SITE["/a.js"][1], ""),
        (
            b"root.innerHTML = '<h1>Oops! Something went wrong</h1><button>Try again</button>'",
            "it shows an error screen",
        ),
        (b"root.innerHTML = '<h1 hidden>Oops!</h1><p>Trips and budgets</p><a href=/>Plan</a>'", ""),
    ],
)
def test_what_is_rendered_is_judged(site: Site, browser: Browser, script: bytes, wrong: str) -> None:
    """After the scripts have run; what nobody sees does not count."""
    site.files["/a.js"] = ("text/javascript", script)
    page = browser.new_page()
    try:
        said = shortcoming_of_rendered(PamSite(page, site_module.Site(site.url, PAGES, {}, within_s=1.5)).rendered("/"))
    finally:
        page.close()

    assert wrong in said
    assert bool(said) == bool(wrong)
