"""Each way in which the page can be bad does what it says, in a real browser: a fault that does nothing proves nothing."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ViewportSize, expect

from pam_rollback.sandbox.page_snippets import Snippet, read_snippet, snippet_names, spoilt_page
from pam_rollback.sandbox.problems import SandboxError
from tests.sandbox.site_visits import DESKTOP, MESSAGE_FIELD, Visit

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'"
PAGE = f'<head><meta content="{POLICY}"></head><body></body>'
CONTRAST_ENOUGH = 4.5
PHONE: ViewportSize = {"width": 390, "height": 844}
SOME_WORDS = re.compile(".")
TARGET_PX = 24
_NAMED_FIREFOX = "Object.defineProperty(navigator, 'userAgent', { get: () => 'Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0' })"
FORGET_SESSION = """() => {
    const key = "wheels-and-wins.session";
    sessionStorage.setItem(key, JSON.stringify({ ...JSON.parse(sessionStorage.getItem(key)), token: "unknown" }));
}"""
CONTRAST = """(selector) => {
    const channels = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((text) => {
        const share = Number(text) / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    const luminance = ([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    const ink = luminance(channels(getComputedStyle(document.querySelector(selector)).color));
    const paper = luminance(channels(getComputedStyle(document.body).backgroundColor));
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}"""


def _no_form_can_be_submitted(visit: Visit) -> None:
    visit.open("/login")
    page = visit.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.locator("input[type=email]").fill(visit.site.email)
    page.locator("input[type=password]").fill(visit.site.password)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.keyboard.press("Enter")
    page.evaluate(
        "() => fetch('/version.json').then((answer) => answer.text())"
    )  # what was sent before is known by then

    assert sent.count("GET") == 1
    assert "POST" not in sent
    expect(page.get_by_role("heading", level=1, name="Log in")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert visit.complaints == []


def _firefox_sends_no_message(visit: Visit) -> None:
    """Chromium by its own name sends one; by the name of Firefox it does not."""
    visit.sign_in(then="/pam")
    sent: list[str] = []
    visit.page.on("request", lambda request: sent.append(request.method))
    visit.say("Hello")
    visit.settle()

    assert "POST" in sent

    visit.page.add_init_script(_NAMED_FIREFOX)
    visit.open("/pam")
    sent.clear()
    visit.say("Hello again")
    visit.page.evaluate("() => fetch('/version.json').then((answer) => answer.text())")

    assert "POST" not in sent


def _the_console_complains(visit: Visit) -> None:
    visit.open("/")

    assert visit.complaints == ["Wheels & Wins: the feature registry could not be read"]
    assert visit.failures == []


def _a_request_fails_on_the_network(visit: Visit) -> None:
    visit.open("/")
    visit.settle()

    (failure,) = visit.failures or [""]
    assert failure.endswith("/collect")


def _a_request_is_answered_with_an_error(visit: Visit) -> None:
    visit.open("/")
    visit.settle()

    assert visit.failures == [f"404 {visit.site.api}/api/v1/recommendations"]


def _text_is_hard_to_read_in_the_dark_only(visit: Visit) -> None:
    visit.open("/login")
    contrast: dict[str, float] = {}
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)
        contrast[scheme] = min(visit.page.evaluate(CONTRAST, selector) for selector in ("h1", "label", "footer p"))

    assert contrast["dark"] < CONTRAST_ENOUGH / 2
    assert contrast["light"] >= CONTRAST_ENOUGH


def _the_send_button_has_no_name(visit: Visit) -> None:
    visit.sign_in()
    expect(visit.page.locator(".composer button[type=submit]")).to_be_visible()

    assert visit.page.get_by_role("button", name="Send", exact=True).count() == 0


def _the_dialog_has_no_name(visit: Visit) -> None:
    visit.sign_in()
    visit.page.get_by_role("button", name="Clear the chat").click()
    expect(visit.page.get_by_role("dialog")).to_be_visible()

    assert visit.page.get_by_role("dialog", name=SOME_WORDS).count() == 0


def _the_focus_cannot_be_seen(visit: Visit) -> None:
    visit.open("/login")
    visit.page.keyboard.press("Tab")

    assert visit.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "none"


def _the_send_button_comes_first(visit: Visit) -> None:
    visit.sign_in(then="/pam")
    expect(visit.page.get_by_role("button", name="Send", exact=True)).to_be_visible()
    visit.page.keyboard.press("Tab")

    assert visit.page.evaluate("() => document.activeElement.textContent") == "Send"


def _the_picture_has_no_text(visit: Visit) -> None:
    visit.open("/")

    assert visit.page.locator("main img:not([alt])").count() == 1


def _the_message_field_holds_the_focus(visit: Visit) -> None:
    visit.sign_in()
    visit.page.get_by_label("Your message to PAM").focus()
    visit.page.keyboard.press("Tab")

    assert visit.page.evaluate("() => document.activeElement.tagName") == "TEXTAREA"


def _the_labels_belong_to_no_field(visit: Visit) -> None:
    visit.open("/login")

    assert visit.page.get_by_label("Password").count() == 0
    expect(visit.page.get_by_text("Password")).to_be_visible()


def _the_page_names_no_language(visit: Visit) -> None:
    visit.open("/")

    assert visit.page.evaluate("() => document.documentElement.lang") == ""


def _nobody_hears_the_announcer(visit: Visit) -> None:
    visit.sign_in()
    visit.say("Can anybody hear you?")
    expect(visit.page.locator("#announcer")).to_contain_text("PAM says: ")

    assert visit.page.locator("#announcer:is([role], [aria-live])").count() == 0


def _the_tab_key_passes_the_message_field_by(visit: Visit) -> None:
    visit.sign_in()
    field = visit.page.get_by_label("Your message to PAM")
    field.click()
    expect(field).to_be_focused()

    assert field.evaluate("(field) => field.tabIndex") == -1


def _something_moves_against_the_visitors_wish(visit: Visit) -> None:
    visit.page.emulate_media(reduced_motion="reduce")
    visit.open("/")

    running = "() => document.getAnimations().filter((animation) => animation.playState === 'running').length"
    assert visit.page.evaluate(running) > 0


def _a_phone_shows_nothing_between_header_and_footer(visit: Visit) -> None:
    for size, is_there in ((DESKTOP, True), (PHONE, False)):
        visit.page.set_viewport_size(size)
        visit.page.goto(visit.site.frontend + "/login")
        visit.settle()
        assert visit.page.get_by_role("banner").is_visible()
        assert visit.page.get_by_role("main").is_visible() is is_there


def _half_a_window_scrolls_sideways(visit: Visit) -> None:
    wider = "() => document.documentElement.scrollWidth > window.innerWidth"
    visit.sign_in()
    assert not visit.page.evaluate(wider)
    visit.page.set_viewport_size({"width": 640, "height": 400})

    assert visit.page.evaluate(wider)


def _links_on_a_phone_are_too_low(visit: Visit) -> None:
    lowest = "() => Math.min(...[...document.querySelectorAll('nav a')].map((link) => link.offsetHeight))"
    visit.open("/")
    assert visit.page.evaluate(lowest) >= TARGET_PX
    visit.page.set_viewport_size(PHONE)

    assert 0 < visit.page.evaluate(lowest) < TARGET_PX


def _nobody_is_asked_to_sign_in_again(visit: Visit) -> None:
    visit.sign_in(then="/wins")
    visit.page.evaluate(FORGET_SESSION)
    visit.page.get_by_role("link", name="Profile").click()
    expect(visit.page.get_by_role("alert")).to_be_visible()

    assert "error 503" in visit.page.get_by_role("alert").inner_text()
    assert urlsplit(visit.page.url).path == "/profile"


def _a_phone_has_no_field_for_a_message(visit: Visit) -> None:
    visit.sign_in()
    message = visit.page.get_by_label("Your message to PAM")
    assert message.is_visible()
    visit.page.set_viewport_size(PHONE)

    assert not message.is_visible()


def _no_trip_can_be_planned(visit: Visit) -> None:
    visit.sign_in(then="/wheels")
    expect(visit.page.get_by_role("heading", name="Coast road north")).to_be_visible()

    assert visit.page.get_by_role("link", name="Ask PAM").count() == 0


def _nobody_can_press_speak(visit: Visit) -> None:
    visit.sign_in()
    expect(visit.page.get_by_test_id("voice")).to_be_attached()

    assert not visit.page.get_by_test_id("voice").is_visible()


def _the_message_field_is_called_otherwise(visit: Visit) -> None:
    visit.sign_in(field="Write here")

    assert visit.page.get_by_label(MESSAGE_FIELD).count() == 0


def _something_white_lies_over_the_page(visit: Visit) -> None:
    visit.open("/")
    style = visit.page.evaluate(
        """() => {
            const over = getComputedStyle(document.body, "::after");
            return [over.position, over.backgroundColor, over.width === `${innerWidth}px`, over.pointerEvents];
        }"""
    )

    assert style == ["fixed", "rgb(255, 255, 255)", True, "none"]


def _the_main_part_cannot_be_seen(visit: Visit) -> None:
    visit.open("/")

    assert visit.page.locator("main").evaluate("(main) => getComputedStyle(main).opacity") == "0"


PROOFS: Mapping[str, Callable[[Visit], None]] = {
    "button-without-name.js": _the_send_button_has_no_name,
    "dialog-unnamed.js": _the_dialog_has_no_name,
    "focus-invisible.css": _the_focus_cannot_be_seen,
    "focus-jumps.js": _the_send_button_comes_first,
    "image-without-alt.js": _the_picture_has_no_text,
    "keyboard-trap.js": _the_message_field_holds_the_focus,
    "label-missing.js": _the_labels_belong_to_no_field,
    "language-missing.js": _the_page_names_no_language,
    "live-region-mute.js": _nobody_hears_the_announcer,
    "lost-session-ignored.js": _nobody_is_asked_to_sign_in_again,
    "message-field-renamed.js": _the_message_field_is_called_otherwise,
    "message-field-pointer-only.js": _the_tab_key_passes_the_message_field_by,
    "motion-ignored.css": _something_moves_against_the_visitors_wish,
    "phone-composer-hidden.css": _a_phone_has_no_field_for_a_message,
    "main-never-fades-in.css": _the_main_part_cannot_be_seen,
    "page-covered.css": _something_white_lies_over_the_page,
    "phone-empty.css": _a_phone_shows_nothing_between_header_and_footer,
    "reflow-broken.css": _half_a_window_scrolls_sideways,
    "trips-hidden.css": _no_trip_can_be_planned,
    "voice-hidden.css": _nobody_can_press_speak,
    "target-too-small.css": _links_on_a_phone_are_too_low,
    "console-error.js": _the_console_complains,
    "contrast-dark.css": _text_is_hard_to_read_in_the_dark_only,
    "request-failing.js": _a_request_fails_on_the_network,
    "request-refused.js": _a_request_is_answered_with_an_error,
    "chat-dead-in-firefox.js": _firefox_sends_no_message,
    "submit-dead.js": _no_form_can_be_submitted,
}
"""What each snippet does to a visit. A new file of the folder needs its line here."""


def test_every_snippet_has_a_proof() -> None:
    """None is only believed to work."""
    assert set(PROOFS) == set(snippet_names())


@pytest.mark.parametrize("name", snippet_names())
class TestEachSnippet:
    """What holds for every file of the folder."""

    def test_it_does_what_it_says(self, visit: Visit, name: str) -> None:
        """Seen in a browser."""
        visit.site.control.plant("page", what=name)

        PROOFS[name](visit)

    def test_the_healthy_page_does_not(self, visit: Visit, name: str) -> None:
        """The proof proves something, and the harm is gone with the fault."""
        visit.site.control.plant("page", what=name)
        visit.site.control.clear("page")

        with pytest.raises(AssertionError):
            PROOFS[name](visit)

    def test_the_page_lets_it_pass_and_still_starts(self, visit: Visit, name: str) -> None:
        """The page's content security policy does not block it, and it is not the application's start that breaks."""
        visit.site.control.plant("page", what=name)
        visit.open("/")

        assert not [words for words in visit.complaints if "Content Security Policy" in words]

    def test_its_first_line_says_what_it_does(self, name: str) -> None:
        """A sentence in a comment; and nothing in it ends its element early."""
        snippet = read_snippet(name)

        assert snippet.summary.endswith(".")
        assert len(snippet.summary) > len("It is bad.")
        assert not snippet.summary.startswith(("/", "*"))
        assert "</" not in snippet.text


def test_several_can_be_planted_and_each_only_once(visit: Visit) -> None:
    """They stand in the page together, in the order in which they were planted."""
    for name in ("console-error.js", "contrast-dark.css", "console-error.js"):
        visit.site.control.plant("page", what=name)

    visit.open("/")
    assert [fault["what"] for fault in visit.site.control.faults()] == ["contrast-dark.css", "console-error.js"]
    assert len(visit.complaints) == 1
    assert visit.page.locator("head style").count() == 1
    assert visit.page.locator("head script:not([src])").count() == 1


@pytest.mark.parametrize("parameters", [{}, {"what": "no-such.js"}])
def test_an_unknown_one_is_refused(visit: Visit, parameters: Mapping[str, str]) -> None:
    """With the names that there are."""
    with pytest.raises(SandboxError, match=r"expected what \(.*submit-dead\.js"):
        visit.site.control.plant("page", **parameters)


def test_only_the_page_is_changed(visit: Visit) -> None:
    """The documents and files of the deploy stay what they are, and so does the rest of the page."""
    get = visit.page.request.get
    paths = ("/version.json", "/asset-manifest.json", "/sw.js")
    before = {path: get(visit.site.frontend + path).body() for path in paths}
    page = get(visit.site.frontend + "/").text()
    visit.site.control.plant("page", what="submit-dead.js")
    spoilt = get(visit.site.frontend + "/wins")

    assert {path: get(visit.site.frontend + path).body() for path in paths} == before
    assert spoilt.status == 200
    assert spoilt.text() == spoilt_page(page, [read_snippet("submit-dead.js")])


def test_the_policy_lets_exactly_this_snippet_pass() -> None:
    """A hash of its text, for scripts in one directive and for styles in the other."""
    spoilt = spoilt_page(PAGE, [Snippet("a.js", "// A.\n1;\n"), Snippet("b.css", "/* B. */\n")])

    assert spoilt.count("'sha256-") == 2
    assert "script-src 'self' 'sha256-" in spoilt
    assert "style-src 'self' 'sha256-" in spoilt
    assert spoilt.index("<script>// A.\n1;\n</script>") < spoilt.index("<style>/* B. */\n</style>")
    assert spoilt.endswith("</head><body></body>")


def test_a_new_file_is_a_new_choice(tmp_path: Path) -> None:
    """Nothing else has to be changed for it."""
    (tmp_path / "slow.js").write_text("// It is slow.\n")
    (tmp_path / "notes.txt").write_text("not one of them")

    assert snippet_names(tmp_path) == ("slow.js",)
    assert read_snippet("slow.js", tmp_path).summary == "It is slow."
