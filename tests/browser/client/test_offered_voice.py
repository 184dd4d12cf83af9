"""A page offers voice, or it does not: one that still asks what this user has is not asked too soon."""

import time

import pytest
from playwright.sync_api import Browser, Route

from pam_rollback.browser.pam_site import PamSite
from pam_rollback.browser.site import Site
from pam_rollback.target.contract import Element
from tests.contracts import PAGES

SITE = "http://pam.test"
PAGE = """<title>PAM</title><h1>PAM</h1><script>
const draws = async () => {
  if ((await (await fetch("/flags")).json()).voice)
    document.body.append(Object.assign(document.createElement("button"), { textContent: "Speak" }));
};
draws();
</script>"""
SLOW_S = 1.5
"""Longer than anybody would wait for what is not expected."""


@pytest.mark.parametrize("voice", [True, False])
def test_what_is_not_expected_is_seen_however_slow_the_answer(browser: Browser, voice: bool) -> None:  # noqa: FBT001 - a case
    """Both ways, and where there is no button nobody waits for the time of a whole step."""
    page = browser.new_page()

    def flags(route: Route) -> None:
        due_s = time.monotonic() + SLOW_S
        while time.monotonic() < due_s:
            time.sleep(0.05)
        route.fulfill(json={"voice": voice})

    page.route(f"{SITE}/**", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.route(f"{SITE}/flags", flags)
    site = PamSite(page, Site(SITE, PAGES, {"speak": Element(role="button", name="Speak")}, within_s=10))
    began_s = time.monotonic()

    site.open(PAGES.chat)
    offered = site.offers_voice(soon=False)

    assert offered is voice
    assert SLOW_S < time.monotonic() - began_s < 10
    page.close()
