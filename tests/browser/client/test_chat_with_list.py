"""A chat that lists what was said: PAM's answer is the one below this very question, whatever was said before in the same words."""

import json
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser

from pam_rollback.browser import site as described_site
from pam_rollback.browser.journeys import Stopped
from pam_rollback.browser.pam_site import PamSite, Session
from pam_rollback.browser.traveller import Clearing, Shared, Traveller
from pam_rollback.core.wait import Waiter
from tests.contracts import PAGES, elements

TRIPS = '<main><h1>Trips</h1><a href="/pam">Ask PAM about the coast</a></main>'
CHAT = """<main><h1>Chat</h1><ol aria-label=Messages></ol>
<form><label for=message>Your message to PAM</label><input id=message value="Plan the coast for me"></form>
<button id=voice>Speak</button></main><script>
const kept = JSON.parse(sessionStorage.said ?? "[]"), list = document.querySelector("ol"), form = document.querySelector("form");
const say = (who, words) => {
  list.append(Object.assign(document.createElement("li"), { innerHTML: `<b>${who}</b><p>${words}</p>` }));
};
fetch("/history").then((answer) => answer.json()).then((said) => [...said, ...kept].forEach(([who, words]) => say(who, words)));
form.onsubmit = (event) => {
  event.preventDefault();
  if (!ANSWERS) return;
  const asked = ["You", message.value];
  say(...asked);
  say("PAM", "Two sites are free.");
  sessionStorage.said = JSON.stringify([...kept, asked, ...(KEEPS ? [["PAM", "Two sites are free."]] : [])]);
};
voice.onclick = () => { voice.textContent = voice.textContent === "Speak" ? "Stop and send" : "Speak"; };
</script>"""
BEFORE = [["You", "Plan the coast for me"], ["PAM", "Two sites are free."]]
"""As an earlier run of the same checks left it."""


class Site:
    """Serves the pages; the history comes late."""

    def __init__(self) -> None:
        self.answers = self.keeps = True
        self.late_s, self.over = 0.0, Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer."""
                if self.path == "/history":
                    site.over.wait(site.late_s)
                    self._answer("application/json", json.dumps(BEFORE))
                    return
                chat = CHAT.replace("ANSWERS", json.dumps(site.answers)).replace("KEEPS", json.dumps(site.keeps))
                page = TRIPS if self.path == PAGES.trips else chat
                self._answer("text/html", f"<!doctype html><title>Wheels</title><link rel=icon href=data:,>{page}")

            def _answer(self, kind: str, text: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    """One for each test."""
    served = Site()
    thread = Thread(target=served.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield served
    served.over.set()
    served.server.shutdown()
    served.server.server_close()
    thread.join()


@pytest.fixture
def traveller(site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traveller]:
    """Somebody who is signed in there."""
    environment: Any = SimpleNamespace(contract=SimpleNamespace(operations={"chat": SimpleNamespace(kept=False)}))
    described = described_site.Site(site.address, PAGES, elements(), within_s=2, intent="never")
    made: list[Any] = []

    def new_context(**given: Any) -> Any:
        made.append(browser.new_context(**given))
        return made[-1]

    shared = Shared(Session(None, site.address, {}, "token", "somebody"))
    of_account = (shared, Clearing(Waiter()), lambda _: None)
    one = Traveller(environment, described, "chromium", new_context, *of_account)
    monkeypatch.setattr(one, "signs_in", one.enters)
    yield one
    for context in made:
        context.close()


@pytest.mark.parametrize("answers", [True, False])
def test_an_old_answer_about_the_same_trip_is_none(site: Site, traveller: Traveller, answers: bool) -> None:  # noqa: FBT001 - a case
    """The page writes the same message for a trip each time, and the chat has it from the last time, with its answer."""
    site.answers = answers
    chat = traveller.enters()

    assert chat.open_trips() == 1
    chat.choose_trip()
    with nullcontext() if answers else pytest.raises(Stopped, match="no answer"):
        assert chat.ask(f"{chat.written()} (1)")


@pytest.mark.parametrize("keeps", [True, False])
def test_an_answer_that_is_gone_is_not_found_further_up(site: Site, traveller: Traveller, keeps: bool) -> None:  # noqa: FBT001 - a case
    """PAM has said the same before: the question is there after a reload, and nothing below it."""
    site.keeps = keeps
    talk = traveller.asks_pam()

    assert talk.answer, talk
    assert talk.shown_again is keeps, talk


def test_what_was_said_before_is_no_answer_to_what_is_spoken(site: Site, browser: Browser) -> None:
    """Also when it comes only after somebody has begun to speak, who is not heard at all."""
    site.late_s = 0.7
    page = browser.new_page()
    described: Mapping[Any, Any] = elements()
    person = PamSite(page, described_site.Site(site.address, PAGES, described, within_s=2))
    person.open_chat()

    with pytest.raises(Stopped, match="speak to PAM: no answer within 2 s"):
        person.speak()
    page.close()
