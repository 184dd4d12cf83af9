"""The notice is on every page for as long as there is one: readable, spoken, and never in the way of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.sandbox.site_visits import RunningSandbox, Visit

TEXT = "PAM answers slowly. We are on it, <b>really</b>."
PHONE: ViewportSize = {"width": 390, "height": 844}
CONTRAST = """
element => {
  const style = getComputedStyle(element);
  const channels = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const luminance = text => {
    const [r, g, b] = channels(text).map(c => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dark, light] = [luminance(style.color), luminance(style.backgroundColor)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
"""


def put_up(site: RunningSandbox, text: str | None) -> None:
    """Put a notice up, or take it away."""
    site.call("PUT", f"{site.api}/admin/notice", site.admin_token, {"active": text is not None, "text": text or ""})


@pytest.fixture
def told(site: RunningSandbox) -> Iterator[RunningSandbox]:
    """A site with a notice."""
    put_up(site, TEXT)
    yield site
    put_up(site, None)


def test_without_a_notice_there_is_nothing(visit: Visit) -> None:
    """The place for it is there, for screen readers, and takes no room."""
    visit.open("/")
    place = visit.page.locator("#site-notice")

    expect(place).to_be_empty()
    box = place.bounding_box()
    assert box is None or box["height"] == 0
    assert visit.complaints == []


@pytest.mark.parametrize("path", ["/", "/login", "/no-such-page"])
def test_everybody_reads_it(told: RunningSandbox, visit: Visit, path: str) -> None:
    """Also without signing in, word for word and never as markup."""
    visit.open(path)

    expect(visit.page.locator("#site-notice[role=status]")).to_have_text(TEXT)
    assert visit.page.locator("#site-notice b").count() == 0
    assert visit.complaints == []
    assert told.api.startswith("http://127.0.0.1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1280, "height": 800}, PHONE], ids=["desktop", "phone"])
def test_it_is_readable_and_covers_nothing(told: RunningSandbox, visit: Visit, scheme: str, size: ViewportSize) -> None:
    """Above the view and not over it, with enough contrast in both modes, and no wider than the screen."""
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.page.set_viewport_size(size)
    visit.open("/")
    text = visit.page.locator("#site-notice .notice-text")
    expect(text).to_have_text(TEXT)

    notice, header, view = (
        part.bounding_box() for part in (text, visit.page.locator("#site-header"), visit.page.locator("#main"))
    )
    assert notice is not None
    assert header is not None
    assert view is not None
    assert header["y"] + header["height"] <= notice["y"]
    assert notice["y"] + notice["height"] <= view["y"]
    assert notice["width"] <= size["width"]
    assert text.evaluate(CONTRAST) >= 4.5
    assert told is visit.site


def test_it_comes_and_goes_while_somebody_is_there(visit: Visit) -> None:
    """The next page has it, and the one after it was taken away has not; the same notice is not read out twice."""
    visit.open("/")
    place = visit.page.locator("#site-notice")
    try:
        put_up(visit.site, TEXT)
        visit.page.get_by_role("link", name="Log in").first.click()
        expect(place).to_have_text(TEXT)

        visit.page.evaluate(
            "window.spoken = 0; new MutationObserver(() => window.spoken++).observe("
            "document.getElementById('site-notice'), {childList: true, characterData: true, subtree: true})"
        )
        with visit.page.expect_response("**/api/v1/notice"):
            visit.page.get_by_role("link", name="Home").first.click()
        expect(place).to_have_text(TEXT)
        assert visit.page.evaluate("window.spoken") == 0
    finally:
        put_up(visit.site, None)
    visit.page.get_by_role("link", name="Log in").first.click()
    expect(place).to_be_empty()


def test_a_warning_stays_when_the_api_falls_silent(told: RunningSandbox, visit: Visit) -> None:
    """Not to know is no reason to take it away."""
    visit.open("/")
    place = visit.page.locator("#site-notice")
    expect(place).to_have_text(TEXT)
    told.control.plant("answers-garbage", server="api", path="/api/v1/notice")

    with visit.page.expect_event("requestfailed", lambda request: request.url.endswith("/api/v1/notice")):
        visit.page.get_by_role("link", name="Log in").first.click()

    expect(place).to_have_text(TEXT)
