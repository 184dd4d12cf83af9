"""The question of the audits is held back on a WebSocket, too: the page waits for an answer, and the service hears nothing of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from pam_rollback.browser.journeys import Stopped
from pam_rollback.browser.page_states import QUESTION, Visit
from pam_rollback.browser.site import Site
from pam_rollback.target.contract import Element
from tests.browser.client.socket_server import socket_server
from tests.contracts import PAGES

SAYS = "opened.then(() => socket.send(JSON.stringify({ type: 'chat', message: message.value })));"
POSTS_WHEN_REFUSED = f"{SAYS} ask = () => fetch('/chat', {{ method: 'POST', body: message.value }}).catch(failed);"
PAGE = """<!doctype html><link rel=icon href=data:,><main><h1>Wheels</h1></main>
<form><input id=message aria-label=Message></form>
<script>
const say = (text, role = "note") => {
  const entry = document.createElement("p");
  entry.setAttribute("role", role);
  entry.textContent = text;
  document.body.append(entry);
};
const failed = () => say("PAM did not answer.", "alert");
let ask = failed;
const socket = new WebSocket(`ws://${location.host}/ws`);
const opened = new Promise((open) => { socket.onopen = () => { socket.send("hello"); open(); }; });
socket.onmessage = ({ data }) => {
  const { type, message } = JSON.parse(data);
  if (type === "error") ask(); else say(message);
};
document.querySelector("form").onsubmit = (event) => { event.preventDefault(); say(message.value); SENDS };
</script>"""


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[str], tuple[Visit, list[str]]]]:
    """Gives a visit to the page that sends so, and what its service hears."""
    with ExitStack() as stack:

        def give(sends: str) -> tuple[Visit, list[str]]:
            address, heard = stack.enter_context(
                socket_server(
                    PAGE.replace("SENDS", sends),
                    answers=[{"type": "status", "message": "Thank you."}],
                    greeting={"type": "welcome", "message": "Good morning."},
                )
            )
            page = browser.new_page()
            stack.callback(page.close)
            site = Site(
                address=address,
                services=(address,),
                pages=PAGES.model_copy(update={"chat": "/"}),
                elements={
                    "message": Element(role="textbox", name="Message"),
                    "chat_error": Element(selector="[role=alert]"),
                },
                login_path="/login",
                chat_path="/chat",
                email="nobody@example.net",
                password="none",
                within_s=1.5,
            )
            return Visit(page, site), heard

        yield give


@pytest.mark.parametrize("sends", [SAYS, POSTS_WHEN_REFUSED], ids=["on the socket", "and posted when that failed"])
def test_a_question_on_a_socket_is_held_and_then_refused(
    visit: Callable[[str], tuple[Visit, list[str]]], sends: str
) -> None:
    """The page thinks, and then says that there is no answer; the service heard only greetings, and the page its own."""
    visitor, heard = visit(sends)

    assert QUESTION in visitor.reach("chat-thinking").inner_text()
    assert visitor.page.get_by_text("Good morning.").is_visible()
    assert visitor.page.get_by_text("Thank you.").is_visible()
    assert visitor.reach("chat-error").inner_text() == "PAM did not answer."
    assert heard == ["hello"]


def test_a_question_that_nobody_sent_is_told(visit: Callable[[str], tuple[Visit, list[str]]]) -> None:
    """Neither posted nor said: the page does nothing with it."""
    visitor, heard = visit("")

    with pytest.raises(Stopped, match="nothing was sent to /chat, nor said on a WebSocket, within"):
        visitor.reach("chat-thinking")

    assert heard == ["hello"]


def test_a_page_that_hides_the_error_is_told(visit: Callable[[str], tuple[Visit, list[str]]]) -> None:
    """It was told that there is no answer, and shows nothing of it."""
    visitor, _ = visit(f"{SAYS} ask = () => {{}};")
    visitor.reach("chat-thinking")

    with pytest.raises(Stopped, match="an alert that PAM did not answer did not appear"):
        visitor.reach("chat-error")
