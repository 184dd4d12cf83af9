"""What is kept of the test of a browser: all of one that did not pass; for one that passed, nothing is made."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.session.browser_gate import PASSED, pytest_runtest_makereport, pytest_runtest_setup


def session(**options: str) -> Any:
    """The test of a session with these options for what is kept."""
    option = SimpleNamespace(browser=["chromium"], **options)
    return SimpleNamespace(config=SimpleNamespace(option=option, stash=pytest.Stash()))


def reported(item: Any, when: str, *, failed: bool) -> None:
    """One part of the test is over."""
    steps = pytest_runtest_makereport(item, SimpleNamespace(when=when))  # type: ignore[arg-type]  # what is read of a call
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(SimpleNamespace(failed=failed))  # type: ignore[arg-type]  # what is read of a report


def kept(item: Any) -> tuple[bool, str]:
    """Whether a trace is packed now, and which pictures are asked for."""
    return not item.config.stash[PASSED], item.config.option.screenshot


def test_only_the_body_of_a_test_says_that_nothing_is_kept() -> None:
    """Its setup passes first, and the next test begins anew: of one that fails, or never comes to its body, all is kept."""
    item = session(tracing="retain-on-failure", screenshot="only-on-failure")
    everything, nothing = (True, "only-on-failure"), (False, "off")

    pytest_runtest_setup(item)
    reported(item, "setup", failed=False)
    assert kept(item) == everything
    reported(item, "call", failed=False)
    assert kept(item) == nothing
    reported(item, "teardown", failed=True)
    pytest_runtest_setup(item)
    assert kept(item) == everything
    reported(item, "call", failed=True)
    assert kept(item) == everything


def test_what_somebody_asks_for_is_kept_of_every_test() -> None:
    """By the options of pytest-playwright."""
    item = session(tracing="on", screenshot="on")

    pytest_runtest_setup(item)
    reported(item, "call", failed=False)

    assert kept(item) == (True, "on")
