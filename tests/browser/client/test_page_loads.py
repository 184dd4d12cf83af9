"""Pages in a real Chromium: every vital arrives, bytes and requests are those of the wire, and what fails is said."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from pam_rollback.browser.client.browser import launch_arguments
from pam_rollback.browser.client.page_loads import LIBRARY, _settled, load_page
from pam_rollback.browser.rules.page_loads import Metric, PageLoad, PageLoads, Visit

STYLE = b"p { color: #123456 }" + b" " * 20_000
CALM = (
    "<link rel=icon href=data:,><link rel=stylesheet href=/style.css>"
    "<h1>Wheels and Wins</h1><p>Text</p><textarea></textarea>"
)
SCRIPTS = {
    "/calm": "",
    "/jumpy": "new PerformanceObserver((_, observer) => { observer.disconnect(); const d = document.createElement('div');"
    "d.style.height = '300px'; document.body.prepend(d) }).observe({ type: 'paint', buffered: true })",
    "/late": "document.documentElement.style.visibility = 'hidden';"
    "setTimeout(() => { document.documentElement.style.visibility = '' }, 700)",
    "/hanging": "addEventListener('keydown', () => { const t = performance.now() + 250; while (performance.now() < t); })",
    "/typing": "addEventListener('input', () => { const t = performance.now() + 250; while (performance.now() < t); })",
    "/asking": "addEventListener('load', () => { for (const i of [1, 2, 3, 4]) fetch('/style.css?' + i) })",
}


class Pages(BaseHTTPRequestHandler):
    """Some small pages, and one for each way to go wrong."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        if path == "/style.css":
            self._answer(200, "text/css", STYLE, {"Cache-Control": "max-age=600"})
        elif path in SCRIPTS:
            # The script first: what it hides must not have been painted already.
            self._answer(200, "text/html", f"<!doctype html><script>{SCRIPTS[path]}</script>{CALM}".encode())
        elif path == "/moved":
            self._answer(302, "text/html", b"", {"Location": "/calm"})
        elif path == "/white":
            self._answer(200, "text/html", b"<!doctype html><title>nothing</title>")
        elif path == "/slow":
            time.sleep(2)
            self._answer(200, "text/html", f"<!doctype html>{CALM}".encode())
        else:
            self._answer(503, "text/html", b"<h1>Sorry</h1>")

    def _answer(self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Quiet(ThreadingHTTPServer):
    """A browser that gives up is no news."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the pages."""
    server = Quiet(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium
        running = chromium.launch(**launch_arguments("chromium", own=Path(chromium.executable_path)))
        yield running
        running.close()


def loaded(browser: Browser, url: str, *, times: int = 1, within_s: float = 5, **options: Any) -> PageLoads:
    """The loads of a page."""
    return load_page("the page", url, partial(browser.new_context, **options), times=times, within_s=within_s)


def first(loads: PageLoads) -> PageLoad:
    """The first visit."""
    return next(load for load in loads.loads if load.visit is Visit.FIRST)


def again(loads: PageLoads) -> PageLoad:
    """The return visit."""
    return next(load for load in loads.loads if load.visit is Visit.RETURN)


def test_every_vital_arrives(browser: Browser, site: str) -> None:
    """Also a layout that never shifts is reported, as 0, and an answer to a key press, however quick."""
    loads = loaded(browser, f"{site}/calm", times=2)

    assert [load.visit for load in loads.loads] == [Visit.FIRST, Visit.RETURN] * 2
    assert set(first(loads).vitals) == set(Metric)
    assert set(again(loads).vitals) == set(Metric) - {Metric.INP}
    assert first(loads).vitals[Metric.CLS] == 0
    assert 0 < first(loads).vitals[Metric.TTFB] <= first(loads).vitals[Metric.FCP] <= first(loads).vitals[Metric.LCP]


def test_what_is_wrong_shows_in_its_own_vital(browser: Browser, site: str) -> None:
    """A page that jumps, one that is painted late, one that hangs whatever is pressed, and one whose field does not take what is typed."""
    names = ("jumpy", "late", "hanging", "typing")
    jumpy, late, hanging, typing = (first(loaded(browser, f"{site}/{name}")).vitals for name in names)

    assert jumpy[Metric.CLS] > 0.1
    assert late[Metric.LCP] >= 650
    # Browsers round the length of an event to 8 ms (Event Timing), so 250 ms may read as 248.
    assert hanging[Metric.INP] >= 248
    assert typing[Metric.INP] >= 248
    assert late[Metric.CLS] == hanging[Metric.CLS] == 0


def test_a_page_at_rest_is_asked_until_it_has_told_how_far_its_content_shifted() -> None:
    """The library says so a moment after the first picture, also that nothing did."""
    told = iter([{"LCP": 300}, {"LCP": 300, "CLS": 0}])
    page = SimpleNamespace(evaluate=lambda _: {"vitals": next(told), "quietMs": 999}, wait_for_timeout=lambda _: None)
    network = SimpleNamespace(busy=False)

    assert _settled(page, network, time.monotonic() + 9) == {"LCP": 300, "CLS": 0}  # type: ignore[arg-type]
    told = iter([{"LCP": 300}])
    assert _settled(page, network, deadline_s=0) == {"LCP": 300}, "nor longer than there is time"  # type: ignore[arg-type]


def test_bytes_are_those_of_the_wire(browser: Browser, site: str) -> None:
    """Page and style sheet, headers included; the second time the style sheet comes from the cache."""
    loads = loaded(browser, f"{site}/calm")

    assert sorted(transfer.kind for transfer in first(loads).transfers) == ["Document", "Stylesheet"]
    assert 20_000 < sum(transfer.bytes for transfer in first(loads).transfers) < 22_000
    assert [transfer.kind for transfer in again(loads).transfers] == ["Document"]


def test_what_is_asked_for_after_the_load_counts(browser: Browser, site: str) -> None:
    """A page is there when it asks for nothing any more."""
    transfers = first(loaded(browser, f"{site}/asking")).transfers

    assert sum(transfer.kind == "Fetch" for transfer in transfers) == 4


def test_a_redirect_is_a_request(browser: Browser, site: str) -> None:
    """It takes its time, and it is paid for."""
    transfers = first(loaded(browser, f"{site}/moved")).transfers

    assert sorted(transfer.kind for transfer in transfers) == ["Document", "Redirect", "Stylesheet"]


def test_a_page_that_shows_nothing_reports_nothing(browser: Browser, site: str) -> None:
    """Waited for until the time is up, and then it has no main content: the caller may not call that fast."""
    vitals = first(loaded(browser, f"{site}/white", within_s=1)).vitals

    assert Metric.LCP not in vitals


@pytest.mark.parametrize(("path", "words"), [("/gone", "HTTP 503"), ("/slow", "Timeout 1000ms exceeded")])
def test_a_load_that_fails_is_a_value(browser: Browser, site: str, path: str, words: str) -> None:
    """An error page is no page, and one that does not come in time neither; there is no return to it."""
    loads = loaded(browser, site + path, within_s=1)

    assert words in first(loads).problem
    assert len(loads.loads) == 1


def test_nobody_there_is_a_value(browser: Browser) -> None:
    """A refused connection is what the site does."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        loads = loaded(browser, f"http://127.0.0.1:{taken.getsockname()[1]}/")

    assert "ERR_CONNECTION_REFUSED" in first(loads).problem


def test_the_library_is_the_one_that_is_named() -> None:
    """Its name has its version; its licence lies beside it."""
    text = LIBRARY.read_text(encoding="utf-8")

    assert text.startswith("var webVitals=")
    assert "Apache License" in (LIBRARY.parent / "web-vitals-LICENSE.txt").read_text(encoding="utf-8")
    assert LIBRARY.name in (LIBRARY.parent / "README.md").read_text(encoding="utf-8")
