"""The third engine: WebKitGTK through its own WebDriver, on a screen that nobody sees. Both end with whoever started them.

In one module: the browser, its screen and the one visit that is made with it; nobody else uses any of them.
"""

import os
import select
import subprocess
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from pam_rollback.base.outside_text import cut
from pam_rollback.browser.client.browser import BrowserMissing, webkit
from pam_rollback.browser.rules.journeys import Stopped, Unreachable
from pam_rollback.browser.rules.never_found import NotAsDescribed, PageSigns
from pam_rollback.environment.environment_tables import Pages
from pam_rollback.outside.pace import before_page
from pam_rollback.product.rules.chat_answer import Intent, apology, said_on_socket, shortcoming, shown, telling_part
from pam_rollback.product.rules.front_page import PageContent
from pam_rollback.product.rules.site import Element, ElementName

_SCREEN_WITHIN_S = 5.0
_END_WITHIN_S = 3.0
_LOOK_AGAIN_S = 0.05
_SHOWN_CHARACTERS = 160


class WebKitFailed(Exception):  # noqa: N818 - named by what happened
    """WebKit could not be started, or broke down: nothing is known of the site."""


@contextmanager
def webkit_browser(*, within_s: float) -> Iterator[Any]:
    """A running WebKit. Raises WebKitFailed when there is none or it does not start."""
    try:
        found = webkit()
    except BrowserMissing as problem:
        raise WebKitFailed(str(problem)) from None
    with _screen(found.screen) as display:
        service = Service(executable_path=found.driver, env={**os.environ, "DISPLAY": display})
        try:
            with warnings.catch_warnings():
                # Selenium warns of a setting that it makes itself.
                warnings.simplefilter("ignore", DeprecationWarning)
                driver = webdriver.WebKitGTK(options=Options(), service=service)
        except WebDriverException as error:
            raise WebKitFailed(f"webkit does not start: {_first_line(error)}") from None
        try:
            driver.set_page_load_timeout(within_s)
            driver.set_script_timeout(within_s)
            yield driver
        finally:
            _end(driver)


@contextmanager
def _screen(program: str) -> Iterator[str]:
    """A screen in memory; the server itself chooses a number that is free, and says it when it is ready."""
    reading, writing = os.pipe()
    try:
        server = subprocess.Popen(  # noqa: S603 - found on the PATH
            [program, "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
            pass_fds=(writing,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    finally:
        os.close(writing)
    try:
        yield f":{_number(reading)}"
    finally:
        os.close(reading)
        server.terminate()
        try:
            server.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _number(reading: int) -> str:
    ready, _, _ = select.select([reading], [], [], _SCREEN_WITHIN_S)
    number = os.read(reading, 16).decode().strip() if ready else ""
    if not number:
        raise WebKitFailed(f"the screen for webkit (Xvfb) is not ready within {_SCREEN_WITHIN_S:g} s")
    return number


def _end(driver: Any) -> None:
    """Close the browser and its driver; a browser that broke down has no more to say."""
    try:
        driver.quit()
    except WebDriverException:
        driver.service.stop()


class WebKitSite:
    """The site in WebKit, as far as the smoke test goes. Raises what PamSite does, and WebKitFailed when the browser breaks."""

    def __init__(
        self,
        driver: Any,
        address: str,
        pages: Pages,
        elements: Mapping[ElementName, Element],
        *,
        within_s: float,
        chat_path: str,
        intent: Intent = "named",
    ) -> None:
        self._driver = driver
        self._address = address
        self._pages = pages
        self._elements = elements
        self._within_s = within_s
        self._chat_path = chat_path
        self._intent = intent

    def sign_in(self, email: str, password: str) -> None:
        """Open the form, fill it in and send it."""
        before_page()
        try:
            self._driver.get(self._address + self._pages.login)
        except TimeoutException:
            raise Stopped(f"sign in: the page does not load within {self._within_s:g} s") from None
        except WebDriverException as error:
            raise Unreachable(f"sign in: {self._address} could not be reached ({_first_line(error)})") from None
        self._find("email", "sign in").send_keys(email)
        field = self._find("password", "sign in")
        field.send_keys(password)
        field.send_keys(Keys.ENTER)
        self._until(
            lambda: not self._driver.current_url.startswith(self._address + self._pages.login),
            "sign in: still not signed in",
        )

    def ask(self, question: str) -> str:
        """Open the chat, send a message and wait for PAM's answer; gives the answer."""
        if not self._driver.current_url.startswith(self._address + self._pages.chat):
            before_page()
            self._driver.get(self._address + self._pages.chat)
        if "open_chat" in self._elements and not self._located("message"):
            self._find("open_chat", "open the chat").click()
        field = self._find("message", "ask PAM")
        self._until(field.is_enabled, "ask PAM: the field for a message stays disabled")
        self._driver.execute_script(_LISTEN, self._chat_path)
        field.send_keys(question)
        field.send_keys(Keys.ENTER)
        answered = self._answer if "messages" in self._elements else self._said
        self._until(lambda: answered(question), "ask PAM: no answer")
        answer = answered(question)
        told = self._told()
        apologises = apology(answer) and f"an apology instead of an answer: {shown(answer)!r}"
        if wrong := shortcoming(told, self._intent) if told else apologises:
            raise Stopped(f"ask PAM: {wrong}")
        return answer

    def _answer(self, question: str) -> str:
        """The text of the entry after the question's, once it is PAM's; empty until then."""
        found = self._driver.execute_script(_LOCATED + _ANSWER, self._described("messages"), question)
        return str(found or "")

    def _said(self, _: str) -> str:
        """Where what is said is no list: what the service answered, once the page shows it; empty until then."""
        words = str((self._told() or {}).get("response") or "")
        seen = words and telling_part(words) in self._content().text
        return words if seen else ""

    def _told(self) -> Mapping[str, Any] | None:
        """What the service answered to the message."""
        told, frames = self._driver.execute_script("return [window.__pamAnswer ?? null, window.__pamFrames ?? []]")
        if isinstance(told, dict) and "response" in told:
            return told
        said = [one for frame in frames if (one := said_on_socket(frame)) is not None]
        return said[-1] if said else None

    def _located(self, name: ElementName, *, hidden_too: bool = False) -> list[Any]:
        wanted = self._described(name)
        script = _LOCATED + "return located(arguments[0], arguments[1]);"
        return list(self._driver.execute_script(script, wanted, hidden_too) or ())

    def _described(self, name: ElementName) -> dict[str, Any]:
        return self._elements[name].model_dump(exclude_none=True)

    def _find(self, name: ElementName, what: str) -> Any:
        try:
            self._until(lambda: self._located(name), f"{what}: no {name}")
        except Stopped as stop:
            hidden = bool(self._located(name, hidden_too=True))
            if broken := PageSigns(self._content(), hidden).broken:
                raise Stopped(f"{stop} ({broken})") from None
            raise NotAsDescribed(
                f"{what}: {name} was never found, and the page is well otherwise: the page has changed, or the contract; "
                f"it shows: {self._shown()}"
            ) from None
        return self._located(name)[0]

    def _content(self) -> PageContent:
        seen = self._driver.execute_script(_CONTENT)
        return PageContent(tuple(seen["statements"]), seen["text"], controls=seen["controls"])

    def _until(self, condition: Callable[[], object], missing: str) -> None:
        try:
            WebDriverWait(self._driver, self._within_s, _LOOK_AGAIN_S).until(lambda _: condition())
        except TimeoutException:
            raise Stopped(f"{missing} within {self._within_s:g} s; the page shows: {self._shown()}") from None
        except WebDriverException as error:
            raise WebKitFailed(f"webkit broke down: {_first_line(error)}") from None

    def _shown(self) -> str:
        try:
            words = str(
                self._driver.execute_script('return (document.querySelector("main") ?? document.body).innerText')
            )
            words = " ".join(words.split())
        except WebDriverException:
            return "nothing that can be read"
        return cut(words, _SHOWN_CHARACTERS) or "an empty page"


# An element as the contract describes it. WebDriver finds by selectors only; these are the elements that have such roles by themselves.
_LOCATED = """
const located = (wanted, hiddenToo) => {
  const OF_ROLE = {
    button: "button, input[type=submit], input[type=button], [role=button]",
    link: "a[href], [role=link]",
    list: "ul, ol, [role=list]",
    listitem: "li, [role=listitem]",
    row: "tr, [role=row]",
    status: "output, [role=status]",
    textbox: "textarea, input:not([type]), input[type=text], input[type=email], [role=textbox]",
    combobox: "select, [role=combobox]",
    main: "main, [role=main]",
    navigation: "nav, [role=navigation]",
  };
  const seen = (element) => hiddenToo || element.getClientRects().length > 0;
  const words = (element) => (element?.textContent ?? "").replace(/\\s+/g, " ").trim();
  const labels = (element) => [...(element.labels ?? [])].map(words).join(" ");
  const of = (element, byLabel) =>
    element.getAttribute("aria-label") ??
    (labels(element) || (byLabel ? "" : element.placeholder || words(element)));
  const fits = (element, byLabel) => {
    const name = of(element, byLabel).toLowerCase();
    if (wanted.name_matches !== undefined) return new RegExp(wanted.name_matches).test(of(element, byLabel));
    return name.includes((wanted.name ?? wanted.label ?? "").toLowerCase());
  };
  const places = wanted.within === undefined ? [document] : [...document.querySelectorAll(OF_ROLE[wanted.within])];
  const selector = wanted.selector ?? (wanted.role === undefined ? "input, textarea, select" : OF_ROLE[wanted.role]);
  let found = places.flatMap((place) => [...place.querySelectorAll(selector)]);
  if (wanted.selector === undefined) found = found.filter((element) => fits(element, wanted.role === undefined));
  if (wanted.items !== undefined) found = found.flatMap((element) => [...element.querySelectorAll(OF_ROLE[wanted.items])]);
  return found.filter(seen);
};
"""

_CONTENT = """
const visible = (part) => part.getClientRects().length > 0;
const words = (part) => part.innerText.replace(/\\s+/g, " ").trim();
const all = (selector) => [...document.querySelectorAll(selector)].filter(visible);
return {
  statements: [document.title, ...all("h1, h2, h3, [role=alert]").map(words)],
  text: document.body === null ? "" : words(document.body),
  controls: all("a[href], button, input, textarea, select").length,
};
"""

# WebDriver shows no traffic: the page's own fetch is listened to.
_LISTEN = """
const [path] = arguments;
if (window.__pamFetch === undefined) {
  window.__pamFetch = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await window.__pamFetch(...asked);
    if (new URL(answer.url, location.href).pathname === path && answer.ok)
      answer.clone().json().then((body) => { window.__pamAnswer = body; }, () => {});
    return answer;
  };
  // A socket is known by what is sent on it: it was opened long before.
  const send = WebSocket.prototype.send, heard = new WeakSet();
  WebSocket.prototype.send = function (...said) {
    if (!heard.has(this)) {
      heard.add(this);
      this.addEventListener("message", ({ data }) => { if (typeof data === "string") window.__pamFrames.push(data); });
    }
    return send.apply(this, said);
  };
}
window.__pamAnswer = undefined;
window.__pamFrames = [];
"""

# The same rule as in pam_site: PAM's entry has PAM as its author, the one that says that PAM is thinking has none.
_ANSWER = """
const [described, question] = arguments;
const items = located(described, false);
const asked = items.findLastIndex((item) => item.textContent.includes(question));
const answer = asked < 0 ? undefined : items.slice(asked + 1).find(
  (item) => [...item.querySelectorAll("*")].some((part) => part.textContent.trim() === "PAM"));
return answer === undefined ? "" : answer.innerText.trim().split("\\n").at(-1);
"""


def _first_line(error: WebDriverException) -> str:
    return (error.msg or type(error).__name__).splitlines()[0]
