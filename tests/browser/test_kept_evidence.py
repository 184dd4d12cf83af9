"""What is kept of the test of a browser: all of one that did not pass; for one that passed, nothing is made."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.browser.fixtures.browser import recording_little
from pam_rollback.session.browser_gate import PASSED, pytest_runtest_makereport, pytest_runtest_setup


class Tracing:
    """Of a window: what it was asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.stopped: list[Path | None] = []

    def start(self, **asked: Any) -> None:
        """Begin."""
        self.asked = asked

    def stop(self, path: Path | None = None) -> None:
        """End, and pack it where a path is given."""
        self.stopped.append(path)
        if path is not None:
            path.write_text("a trace", encoding="utf-8")


def tracing_of(*, passed: bool) -> Tracing:
    """A window's, opened in a browser of a test that passed, or did not."""
    tracing = Tracing()
    browser = SimpleNamespace(new_context=lambda **_: SimpleNamespace(tracing=tracing))
    recording_little(browser, lambda: passed).new_context()
    return tracing


@pytest.mark.parametrize("passed", [False, True])
def test_a_trace_is_packed_of_what_did_not_pass(tmp_path: Path, passed: bool) -> None:  # noqa: FBT001 - a case
    """pytest-playwright asks for it of every test, and removes the file of one that passed: it has to be there."""
    path = tmp_path / "trace"
    tracing = tracing_of(passed=passed)
    tracing.start(title="a test", screenshots=True, snapshots=True, sources=True)

    tracing.stop(path=path)

    assert tracing.asked == {"title": "a test", "screenshots": False, "snapshots": True, "sources": False}
    assert tracing.stopped == ([None] if passed else [path])
    assert path.read_text(encoding="utf-8") == ("" if passed else "a trace")


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
