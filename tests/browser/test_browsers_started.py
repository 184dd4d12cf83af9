"""The browsers of a session run before anybody waits for them, and one that does not start is left to its tests."""

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Error

from pam_rollback.browser import browser as engines
from pam_rollback.browser.fixtures.browser import Browsers, browsers_started
from pam_rollback.session.needs import needs
from tests.plan.plan_scene import body

PLAIN = {"headed": False, "slowmo": 0, "browser_channel": None}


def driven(browser: str) -> Any:
    """A test in that browser."""
    return SimpleNamespace(callspec=SimpleNamespace(params={"browser_name": browser}))


@needs(browser="chromium")
def loads_pages() -> None:
    """Measures in the browser that tells it."""


HEALTH: Any = SimpleNamespace()
PAGE_LOADS: Any = SimpleNamespace(callspec=SimpleNamespace(params={}), function=loads_pages)


class Engines:
    """Playwright, and what was launched with it; those named do not start."""

    def __init__(self, *broken: str) -> None:
        self.launched: list[str] = []
        self._broken = broken

    def __getattr__(self, name: str) -> Any:
        def launch(**_how: object) -> Any:
            self.launched.append(name)
            if name in self._broken:
                raise Error(f"{name} is not there")
            return SimpleNamespace(is_connected=lambda: True, new_context=lambda: None, close=lambda: None)

        return SimpleNamespace(executable_path="/nowhere", launch=launch)


def started(found: Engines, *items: Any, **options: object) -> Browsers:
    """The browsers of a session with these tests."""
    running = Browsers()
    given = {"playwright": found, "browsers": running}
    config = SimpleNamespace(option=SimpleNamespace(**{**PLAIN, **options}))
    request = SimpleNamespace(
        session=SimpleNamespace(items=items), config=config, getfixturevalue=lambda name: given[name]
    )
    body(browsers_started)("after-it", request)
    return running


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both browsers are on this machine."""
    monkeypatch.setenv(engines.CHROMIUM.variable, __file__)
    monkeypatch.setenv(engines.FIREFOX.variable, __file__)


def test_each_browser_of_the_session_is_started_once() -> None:
    """Whoever drives it gets the one that runs."""
    found = Engines()

    running = started(found, HEALTH, driven("chromium"), driven("firefox"), PAGE_LOADS)
    running.get("firefox", lambda: pytest.fail("started anew"))

    assert found.launched == ["chromium", "firefox"]


def test_what_does_not_start_is_left_to_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """They say what is missing; the others run."""
    found = Engines("chromium")
    monkeypatch.setenv(engines.FIREFOX.variable, "/not/there")

    running = started(found, driven("firefox"), PAGE_LOADS)

    assert found.launched == ["chromium"]
    with pytest.raises(Error):
        running.get("chromium", found.chromium.launch)


@pytest.mark.parametrize(
    ("items", "options"),
    [
        pytest.param((HEALTH,), {}, id="nobody-drives-one"),
        pytest.param((driven("chromium"),), {"headed": True}, id="with-windows"),
        pytest.param((driven("chromium"),), {"slowmo": 50}, id="slowed-down"),
        pytest.param((driven("chromium"),), {"browser_channel": "msedge"}, id="another-channel"),
    ],
)
def test_none_is_started_for_nobody_or_otherwise_than_its_tests_would(items: tuple[Any, ...], options: Any) -> None:
    """A session of health checks has no Playwright; options of pytest-playwright are for its own way to start them."""
    found = Engines()

    started(found, *items, **options)

    assert found.launched == []
