"""The third engine: WebKitGTK through its own WebDriver, on a screen that nobody sees. Both end with whoever started them."""

import os
import select
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from pam_rollback.adapters.browser import BrowserMissing, webkit
from pam_rollback.core.chat_answer import apology, shown
from pam_rollback.core.environment_tables import Pages
from pam_rollback.core.journeys import Stopped, Unreachable
from pam_rollback.core.outside_text import cut

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
    """The site in WebKit, as far as the smoke test goes. Raises Stopped as PamSite does, and WebKitFailed when the browser breaks."""

    def __init__(self, driver: Any, address: str, pages: Pages, *, within_s: float) -> None:
        self._driver = driver
        self._address = address
        self._pages = pages
        self._within_s = within_s

    def sign_in(self, email: str, password: str) -> None:
        """Open the form, fill it in and send it."""
        try:
            self._driver.get(self._address + self._pages.login)
        except TimeoutException:
            raise Stopped(f"sign in: the page does not load within {self._within_s:g} s") from None
        except WebDriverException as error:
            raise Unreachable(f"sign in: {self._address} could not be reached ({_first_line(error)})") from None
        self._find("input[type=email]", "sign in").send_keys(email)
        field = self._find("input[type=password]", "sign in")
        field.send_keys(password)
        field.send_keys(Keys.ENTER)
        self._until(
            lambda: not self._driver.current_url.startswith(self._address + self._pages.login),
            "sign in: still not signed in",
        )

    def ask(self, question: str) -> str:
        """Open the chat, send a message and wait for PAM's answer; gives the answer."""
        if not self._driver.current_url.startswith(self._address + self._pages.chat):
            self._driver.get(self._address + self._pages.chat)
        field = self._find("main form textarea", "ask PAM")
        field.send_keys(question)
        field.send_keys(Keys.ENTER)
        self._until(lambda: self._answer(question), "ask PAM: no answer")
        answer = self._answer(question)
        if apology(answer):
            raise Stopped(f"ask PAM: an apology instead of an answer: {shown(answer)!r}")
        return answer

    def _answer(self, question: str) -> str:
        """The text of the entry after the question's, once it is PAM's; empty until then."""
        found = self._driver.execute_script(_ANSWER, question)
        return str(found or "")

    def _find(self, selector: str, what: str) -> Any:
        self._until(lambda: self._driver.find_elements(By.CSS_SELECTOR, selector), f"{what}: no {selector}")
        return self._driver.find_element(By.CSS_SELECTOR, selector)

    def _until(self, condition: Callable[[], object], missing: str) -> None:
        try:
            WebDriverWait(self._driver, self._within_s, _LOOK_AGAIN_S).until(lambda _: condition())
        except TimeoutException:
            raise Stopped(f"{missing} within {self._within_s:g} s; the page shows: {self._shown()}") from None
        except WebDriverException as error:
            raise WebKitFailed(f"webkit broke down: {_first_line(error)}") from None

    def _shown(self) -> str:
        try:
            mains = self._driver.find_elements(By.CSS_SELECTOR, "main")
            words = " ".join((mains[0] if mains else self._driver.find_element(By.TAG_NAME, "body")).text.split())
        except WebDriverException:
            return "nothing that can be read"
        return cut(words, _SHOWN_CHARACTERS) or "an empty page"


# The same rule as in pam_site: PAM's entry has PAM as its author, the one that says that PAM is thinking has none.
_ANSWER = """
const [question] = arguments;
const items = [...document.querySelectorAll('[aria-label="Messages"] > li')];
const asked = items.findLastIndex((item) => item.textContent.includes(question));
const answer = asked < 0 ? undefined : items.slice(asked + 1).find(
  (item) => [...item.querySelectorAll("*")].some((part) => part.textContent.trim() === "PAM"));
return answer === undefined ? "" : answer.innerText.trim().split("\\n").at(-1);
"""


def _first_line(error: WebDriverException) -> str:
    return (error.msg or type(error).__name__).splitlines()[0]
