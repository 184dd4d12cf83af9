"""Loads pytest-playwright only when ``-m`` can select a browser test, and tells it which browsers, and what to keep of a failure.

Loading costs about 0.4 s of every start. Lazy loading after collection does not work: options, parametrization and fixture closures are
fixed by then.
"""

from collections.abc import Generator
from typing import Any

import pytest

from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.markers import can_select
from pam_rollback.plugin.needs import fixtures_with
from pam_rollback.plugin.pytest_options import only_own_tests

BROWSER_KINDS = ("journey", "accessibility", "performance", "window")
"""Kinds of tests that open a browser; each of them may stand beside one of the phases."""
BROWSER_PHASES = frozenset({"post_rollback", "rollback", "redeploy_gate", "baseline", "decision"})
_AMONG = " among its browsers"
_OPTIONS = ("--browser", "--tracing", "--headed", "--screenshot", "--video", "--slowmo")
_KEPT_OF_A_FAILURE = {"--tracing": "retain-on-failure", "--screenshot": "only-on-failure"}
_WANTED = pytest.StashKey[str]()
"""The option for pictures, as long as it is off."""
_SILENT = "webkit"
"""Playwright gives it no microphone that hums by itself, so nobody speaks to PAM there where another browser can."""
PASSED = pytest.StashKey[bool]()
"""Whether the body of the running test passed, and no trace is wanted then. Its windows are closed after that."""


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Decide by the command line alone; workers of pytest-xdist come to the same answer."""
    known = early_config.known_args_namespace
    if only_own_tests(known.file_or_dir):
        return
    with_browsers = ({kind, *BROWSER_PHASES} for kind in BROWSER_KINDS)
    if can_select(known.markexpr, *with_browsers) or any(arg.startswith(_OPTIONS) for arg in args):
        early_config.pluginmanager.import_plugin("playwright", consider_entry_points=True)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """In a session of the runbook the environment says which browsers there must be; ``--browser`` can only narrow that."""
    runbook = runbook_module.of(config)
    if runbook is None or not is_loaded(config):
        return
    option = config.option
    option.browser = option.browser or list(runbook.environment.browsers)
    given = [str(arg).partition("=")[0] for arg in config.invocation_params.args]
    for name, value in _KEPT_OF_A_FAILURE.items():
        if name not in given:
            setattr(option, name.removeprefix("--"), value)
    if "--output" not in given:
        # pytest-playwright empties this folder when it starts, so no two workers may share it.
        option.output = str(runbook.folder / "browser" / (runbook.worker or "main"))


def note(config: pytest.Config, *, passed: bool) -> None:
    """A picture and a packed trace of a test that passed would be made, and thrown away. If its teardown fails, words are all there is."""
    if not is_loaded(config):
        return
    option = config.option
    config.stash[PASSED] = passed and option.tracing == _KEPT_OF_A_FAILURE["--tracing"]
    if not passed:
        option.screenshot = config.stash.get(_WANTED, option.screenshot)
    elif option.screenshot == _KEPT_OF_A_FAILURE["--screenshot"]:
        config.stash[_WANTED], option.screenshot = option.screenshot, "off"


@pytest.hookimpl(wrapper=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, Any, Any]:
    """A test for which one browser is enough runs in the first one only, and one that speaks in those that can."""
    option = metafunc.config.option
    browsers = getattr(option, "browser", None)
    if not browsers:
        return (yield)
    if fixtures_with(metafunc, lambda one: one.one_browser):
        option.browser = browsers[:1]
    elif any("speak" in mark.args for mark in metafunc.definition.iter_markers("elements")):
        option.browser = [name for name in browsers if name != _SILENT] or browsers
    try:
        return (yield)
    finally:
        option.browser = browsers


def of_another_browser(environment: str, browser: str) -> str:
    """Why a test of that browser is left out."""
    return f"{environment} declares no {browser}{_AMONG}"


def is_of_another_browser(reason: str) -> bool:
    """Whether a test was left out for a browser that nobody asks for."""
    return reason.endswith(_AMONG)


def is_loaded(config: pytest.Config) -> bool:
    """Whether pytest-playwright takes part in this session."""
    return hasattr(config.option, "browser")
