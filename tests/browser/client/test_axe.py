"""axe-core in a real browser: it finds exactly what was planted, in frames too, and says by which rules."""

import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from pam_rollback.browser import axe
from pam_rollback.browser.accessibility import STATES
from pam_rollback.browser.axe import Rules, load_rules
from pam_rollback.browser.barriers import Findings
from pam_rollback.browser.page_audits import collect, walk
from pam_rollback.browser.site import Site
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http.files import REPORTS
from tests.contracts import PAGES, elements
from tests.fault_rows.accessibility import OF_LOOK

PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
CLEAN = """<!doctype html><html lang="en"><head><title>Clean</title></head><body><main><h1>Fine</h1>
<p>All is <a href="#x">well</a>.</p><img src="{picture}" alt="A road"><button>Send</button></main></body></html>"""
BROKEN = """<!doctype html><html><head><title>Broken</title></head><body><main>
<img src="{picture}"><button style="width:60px;height:40px"></button><input type="text"><p style="color:#999;background:#fff">Pale</p>
<div style="display:flex"><button style="width:12px;height:12px;padding:0">a</button>
<button style="width:12px;height:12px;padding:0">b</button></div></main></body></html>"""
PLANTED = {"image-alt": 1, "button-name": 1, "label": 1, "color-contrast": 1, "html-has-lang": 1, "target-size": 2}


def page_with(body: str, style: str = "") -> str:
    """A page without other barriers."""
    return f'<!doctype html><html lang="en"><head><title>A page</title><style>{style}</style></head><body>{body}</body></html>'


def opened(page: Page, content: str) -> None:
    """Open a page as an audit does: what happens in it is recorded from its beginning."""
    page.add_init_script(axe.DRAWING_RECORDER)
    page.route("http://site.test/", lambda route: route.fulfill(body=content, content_type="text/html"))
    page.goto("http://site.test/")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a visitor who asked for reduced motion."""
    context = browser.new_context(viewport={"width": 640, "height": 400}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture(params=["newest", pytest.param("bundled", marks=pytest.mark.nightly)])
def rules(request: pytest.FixtureRequest) -> Rules:
    """The newest rules that are installed, and at night those that always are."""
    return load_rules(REPORTS / "node_modules" if request.param == "newest" else None)


def served(pages: Mapping[str, str]) -> ThreadingHTTPServer:
    """A server of these pages on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def counts(found: Findings) -> dict[str, int]:
    """Each rule that is broken, and by how many elements."""
    return {violation.rule: len(violation.elements) for violation in found.violations}


def test_exactly_the_planted_barriers_are_found(page: Page, rules: Rules) -> None:
    """Both versions of the rules find all of them, and nothing else."""
    page.set_content(BROKEN.format(picture=PICTURE))

    found = axe.audit(page, "planted", rules)

    assert counts(found) == PLANTED
    assert found.rules == str(rules)
    (contrast,) = (violation for violation in found.violations if violation.rule == "color-contrast")
    assert contrast.targets == ("p",)
    assert "contrast" in contrast.elements[0].why
    assert contrast.address.startswith("https://")
    assert {element.path.split(" > ")[0] for violation in found.violations for element in violation.elements} == {
        "html"
    }


def test_a_clean_page_has_none(page: Page, rules: Rules) -> None:
    """And rules did look at it."""
    page.set_content(CLEAN.format(picture=PICTURE))

    found = axe.audit(page, "clean", rules)

    assert counts(found) == {}
    assert found.passed > 5


def test_frames_of_the_page_are_looked_into_and_others_are_left_to_a_person(page: Page, rules: Rules) -> None:
    """The way to an element in a frame is part of its selector."""
    inner = page_with(f'<main><h1>Inner</h1><img src="{PICTURE}"></main>')
    other = served({"/": inner})
    frames = f'<iframe title="Own" src="/inner"></iframe><iframe title="Foreign" src="http://127.0.0.1:{other.server_port}/"></iframe>'
    own = served({"/": page_with(f"<main><h1>Outer</h1>{frames}</main>"), "/inner": inner})
    try:
        page.goto(f"http://127.0.0.1:{own.server_port}/")
        found = axe.audit(page, "frames", rules)
    finally:
        for server in (own, other):
            server.shutdown()
            server.server_close()

    assert counts(found) == {"image-alt": 1}
    assert " | " in found.violations[0].targets[0]
    assert f"127.0.0.1:{other.server_port}" in found.for_review


def test_elements_in_a_shadow_root_are_found(page: Page, rules: Rules) -> None:
    """Their selector says so."""
    page.set_content(page_with("<main><h1>Host</h1><div id=host></div></main>"))
    page.evaluate("() => { host.attachShadow({ mode: 'open' }).innerHTML = '<button></button>'; }")

    (violation,) = axe.audit(page, "shadow", rules).violations
    assert violation.targets == ("#host >>> button",)


def test_an_animation_does_not_make_the_colours_a_matter_of_chance(page: Page, rules: Rules) -> None:
    """What fades in is judged as it will be; what blinks for ever, as it is without."""
    style = """@keyframes appear { from { opacity: 0.05 } } @keyframes blink { to { opacity: 0.05 } }
    h1 { animation: appear 30s } p { animation: blink 0.3s infinite alternate }"""
    page.set_content(page_with("<main><h1>Slow</h1><p>Blinks</p></main>", style))

    assert [counts(axe.audit(page, "moving", rules)) for _ in range(5)] == [{}] * 5


def test_a_page_that_follows_the_window_late_is_judged_as_it_is_then(page: Page, rules: Rules) -> None:
    """A calendar that is drawn anew 100 ms after the window's size has changed, once more after that."""
    late = """<script>addEventListener("resize", () => setTimeout(() => {
      document.body.append(Object.assign(document.createElement("p"), {textContent: "Drawn"}));
      setTimeout(() => document.body.insertAdjacentHTML("beforeend", "<p style='color:#999'>Pale</p>"), 100);
    }, 100))</script>"""
    opened(page, page_with("<main><h1>Calendar</h1></main>" + late))
    page.set_viewport_size({"width": 400, "height": 300})
    axe.drawn(page, anew=True)

    assert [found.rule for found in axe.audit(page, "chat", rules).violations] == ["color-contrast"]


def test_a_page_that_does_not_answer_is_unknown(page: Page) -> None:
    """Rules that break are our problem and no barrier."""
    page.set_content(CLEAN.format(picture=PICTURE))
    broken_rules = Rules("9.9.9", "npm", "window.axe = { run: () => Promise.reject(new Error('out of order')) }")

    with pytest.raises(MeasurementFailed, match=r"axe-core 9\.9\.9 \(npm\) could not judge clean: .*out of order"):
        axe.audit(page, "clean", broken_rules)


def test_an_unnamed_dialog_is_found(page: Page, rules: Rules) -> None:
    """axe-core asks for the name of role=dialog only as a best practice, and never for that of the element."""
    page.set_content(page_with("<main><h1>Page</h1></main><dialog open><p>Sure?</p><button>Yes</button></dialog>"))

    assert counts(axe.audit(page, "dialog", rules)) == {"dialog-name": 1}
    page.evaluate("() => document.querySelector('dialog').setAttribute('aria-label', 'Clear the chat?')")
    assert counts(axe.audit(page, "dialog", rules)) == {}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<p>Short</p>", 0),
        ('<p style="width:900px">Wide</p>', 1),
        ('<div style="width:900px"><p>Wide inside</p></div>', 1),
        (
            '<div style="overflow-x:auto"><table style="width:900px"><tr><td>Scrolls by itself</td></tr></table></div>',
            0,
        ),
    ],
    ids=["fits", "wide", "only the outermost", "scrolls by itself"],
)
def test_what_does_not_fit_the_window_is_found(page: Page, body: str, found: int) -> None:
    """Unless it lies in a part that scrolls by itself."""
    page.set_content(page_with(body))

    assert axe.too_wide(page, "wide", 640).elements == found


def test_content_cut_off_by_the_page_is_found_too(page: Page) -> None:
    """A page that hides its overflow does not scroll; its text is gone all the same, decoration is not missed."""
    style = "body { overflow-x: hidden } i { position: absolute; left: 630px; width: 50px; height: 9px }"
    page.set_content(page_with('<i></i><p style="position:absolute;left:600px;width:300px">Gone</p>', style))

    assert [violation.targets for violation in axe.too_wide(page, "cut", 640).violations] == [("html > body > p",)]


def test_a_walk_sees_every_stop_and_what_marks_it(page: Page) -> None:
    """By outline, shadow or background; not by an outline that nobody can tell from the page."""
    style = """a:focus { outline: 2px solid #fefefe } button:focus { outline: none; box-shadow: 0 0 0 3px #000 }
    input:focus { outline: none }"""
    page.set_content(
        page_with('<a href="#x">Pale</a><button>Shadow</button><input aria-label="None"><select></select>', style)
    )

    walked = walk(page, "walk")

    assert [element.why for element in walked.unseen.violations[0].elements] == ["Pale", "None"]
    assert (walked.unseen.passed, walked.traps.elements) == (2, 0)


@pytest.mark.parametrize(
    "script",
    [
        "event.preventDefault()",
        "event.preventDefault(); document.querySelector(event.target.id === 'b' ? '#c' : '#b').focus()",
    ],
    ids=["stays", "goes in a circle"],
)
def test_a_walk_notices_traps(page: Page, script: str) -> None:
    """Where Tab stays, and where it goes in a circle that does not begin at the top."""
    buttons = "".join(f'<button id="{name}">{name}</button>' for name in "abcd")
    page.set_content(page_with(buttons))
    page.evaluate(
        f"() => document.addEventListener('keydown', (event) => {{ if (['b', 'c'].includes(event.target.id)) {{ {script}; }} }})"
    )

    walked = walk(page, "walk")

    assert [violation.targets for violation in walked.traps.violations] == [("#b",)]


def test_a_site_that_shows_nothing_is_no_clean_site(browser: Browser) -> None:
    """Every state in every look says that it was not reached; none has findings that could pass."""
    server = served(
        {path: page_with("") for path in ("/", "/login", "/pam", "/wins", "/wheels", "/settings", "/profile")}
    )
    address = f"http://127.0.0.1:{server.server_port}"
    site = Site(
        address,
        PAGES,
        elements(),
        within_s=0.5,
        services=(address + "/api",),
        login_path="/api/login",
        chat_path="/api/chat",
        email="a@example.org",
        password="secret",
    )
    try:
        audits = collect(browser, site, load_rules(None))
    finally:
        server.shutdown()
        server.server_close()

    assert set(audits.of_states) == {f"{state}-{look}" for state in STATES for look in OF_LOOK}
    assert audits.reached == 0
    assert audits.all_findings == ()
    assert "sign in: no password within 0.5 s; the page shows: an empty page (it is empty)" in str(
        audits.of("login", "dark")
    )
