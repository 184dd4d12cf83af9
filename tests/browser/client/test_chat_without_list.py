"""A chat that is no list whose entries name who says them: PAM's words are what the service answered, once the page shows them."""

import json
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from playwright.sync_api import Browser, Route

from pam_rollback.browser.journeys import Stopped
from pam_rollback.browser.page_audits import chat
from pam_rollback.browser.pam_site import PamSite
from pam_rollback.browser.site import Site
from pam_rollback.target.contract import Element
from tests.browser.client.socket_server import socket_server
from tests.contracts import CHAT, PAGES

SITE, API = "http://pam.test", "http://pam.test/api/v1/pam/chat"
ELEMENTS = {
    "open_chat": Element(role="button", name="Open PAM Chat"),
    "message": Element(role="textbox", name="Message"),
}
PAGE = """<title>Wheels</title><main><h1>Wheels</h1></main><section></section><button>Open PAM Chat</button>
<script>
const shows = SHOWS;
document.querySelector("button").onclick = () => {
  document.querySelector("section").innerHTML = "<div id=said aria-live=polite></div><form><input aria-label=Message></form>";
  document.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    const answer = await fetch("/api/v1/pam/chat", { method: "POST", body: "{}" });
    if (!answer.ok || !shows) return;
    said.append(Object.assign(document.createElement("p"), { textContent: (await answer.json()).response }));
  };
};
</script>"""
SOCKET_PAGE = """<title>Wheels</title><main><h1>Wheels</h1></main><section></section><button>Open PAM Chat</button>
<script>
const socket = new WebSocket(`ws://${location.host}/ws`), opened = new Promise((open) => { socket.onopen = open; });
socket.onmessage = ({ data }) => said.append(JSON.parse(data).message ?? "");
document.querySelector("button").onclick = () => {
  document.querySelector("section").innerHTML = "<div id=said aria-live=polite></div><form><input aria-label=Message></form>";
  document.querySelector("form").onsubmit = (event) => { event.preventDefault(); opened.then(() => socket.send("{}")); };
};
</script>"""

CONNECTED_PAGE = """<title>Wheels</title><main><h1>Wheels</h1></main><section></section><button>Open PAM Chat</button>
<script>
document.querySelector("button").onclick = () => {
  document.querySelector("section").innerHTML = "<div id=said></div><form><input aria-label=Message disabled></form>";
  const socket = new WebSocket(`ws://${location.host}/ws`), form = document.querySelector("form");
  socket.onmessage = ({ data }) => { form[0].disabled = false; said.append(JSON.parse(data).message ?? ""); };
  form.onsubmit = (event) => { event.preventDefault(); socket.send("{}"); };
};
</script>"""
"""The field takes no words before the service has greeted."""


APOLOGY = {"response": "I'm sorry, I'm having trouble connecting. Please try again.", "intent": None}


@pytest.fixture
def site(browser: Browser, request: pytest.FixtureRequest) -> Iterator[PamSite]:
    """With an open chat; the parameter is what the service answers, and whether the page shows it."""
    status, body, shows = getattr(request, "param", (200, CHAT, True))
    page = browser.new_page()

    def answer(route: Route) -> None:
        if route.request.url == API:
            route.fulfill(status=status, body=json.dumps(body), content_type="application/json")
        else:
            route.fulfill(body=PAGE.replace("SHOWS", str(shows).lower()), content_type="text/html")

    page.route(f"{SITE}/**", answer)
    made = PamSite(page, Site(SITE, PAGES, ELEMENTS, within_s=1))  # type: ignore[arg-type]
    made.open_chat()
    yield made
    page.close()


def test_what_the_service_answers_is_pams_answer(site: PamSite) -> None:
    """As soon as the page shows it."""
    assert not site.lists_messages
    assert site.ask("Is a site free?") == CHAT["response"]


@pytest.mark.parametrize(
    ("frames", "wrong"),
    [
        ([{"type": "ping"}, {"type": "chat_response", "message": "Two sites are free."}], ""),
        ([{"type": "error", "message": "Two sites are free."}], "ask PAM: an error instead of an answer"),
        ([{"type": "ping"}], "ask PAM: no answer within 1 s"),
    ],
    ids=["an answer", "an error", "signs of life only"],
)
def test_what_is_said_on_a_socket_is_pams_answer(browser: Browser, frames: list[object], wrong: str) -> None:
    """The page asks on a WebSocket that it opened when it was loaded: nothing is posted."""
    page = browser.new_page()
    with socket_server(SOCKET_PAGE, answers=frames) as (address, _):
        site = PamSite(page, Site(address, PAGES, ELEMENTS, within_s=1, intent="never"))  # type: ignore[arg-type]
        site.open_chat()
        with pytest.raises(Stopped, match=wrong) if wrong else nullcontext():
            assert site.ask("Is a site free?") == "Two sites are free."
    page.close()


@pytest.mark.parametrize(("greeting", "opens"), [({"type": "connection", "message": ""}, True), (None, False)])
def test_a_field_that_waits_for_the_connection_is_waited_for(browser: Browser, greeting: object, opens: bool) -> None:  # noqa: FBT001 - a case
    """It takes words once the service greets; one that never does is a chat that does not open."""
    page = browser.new_page()
    with socket_server(CONNECTED_PAGE, answers=[{"message": "Two sites are free."}], greeting=greeting) as (address, _):
        site = PamSite(page, Site(address, PAGES, ELEMENTS, within_s=1, intent="never"))  # type: ignore[arg-type]
        with nullcontext() if opens else pytest.raises(Stopped, match="the field for a message stays disabled for 1 s"):
            site.open_chat()
            assert site.ask("Is a site free?") == "Two sites are free."
    page.close()


def test_it_is_reached_and_heard_by_keyboard(site: PamSite) -> None:
    """Tab, question, Enter; and the live region says the answer."""
    talk = chat(site, "Is a site free?")

    assert talk.completed, talk
    assert talk.heard, talk.silence


@pytest.mark.parametrize(
    ("site", "words"),
    [
        ((200, APOLOGY, True), "an apology instead of an answer (intent: None)"),
        ((200, CHAT, False), "the service answered 'Two sites are free.', and the page does not show it"),
        ((500, {}, True), "ask PAM: no answer within 1 s"),
        ((200, {"response": "", "intent": "x"}, True), "without text in 'response'"),
    ],
    indirect=["site"],
)
def test_what_is_no_answer_is_told(site: PamSite, words: str) -> None:
    """An apology with 200, an answer that nobody sees, and none."""
    with pytest.raises(Stopped) as stopped:
        site.ask("Is a site free?")

    assert words in str(stopped.value)
