"""What is told while a session runs: each phase, and at once what is not good, without saying it again."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import ActionFailed
from pam_rollback.plugin import fixtures
from pam_rollback.plugin.classification import HEARD, MESSAGE, NOTHING_NEW, OUTCOME, Heard
from pam_rollback.plugin.phases import LiveReport, bad
from pam_rollback.report.verdict import Outcome
from pam_rollback.rollback.journal import ACTION_FAILED
from tests.plan.plan_scene import body


class Told:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def announce(self, line: str) -> None:
        """What is not good."""
        self.lines.append(line)

    def __getattr__(self, _: str) -> Any:
        return lambda *_: None


def red(nodeid: str, message: str, outcome: Outcome = Outcome.BROKEN_CRITERION) -> Any:
    """The report of a test that is not good."""
    said = {OUTCOME: outcome.value, MESSAGE: message, "criterion": "CR-4", "title": "It is so.", "runbook": "x"}
    return SimpleNamespace(
        nodeid=nodeid, user_properties=[*said.items()], failed=True, passed=False, when="call", duration=0.1
    )


class Live:
    """A session's live report, which hears what the collector has heard."""

    def __init__(self, told: Told) -> None:
        stash, self.heard = pytest.Stash(), Heard()
        stash[HEARD] = self.heard
        self.report = LiveReport(SimpleNamespace(stash=stash), SimpleNamespace(), told)  # type: ignore[arg-type]

    def hear(self, report: Any) -> None:
        """One part of a test."""
        hearing = self.heard.pytest_runtest_logreport(report)
        next(hearing)
        self.report.pytest_runtest_logreport(report)


def said(line: str) -> str:
    """What the test found, of a line that says that it is not good."""
    return line.partition(": It is so: ")[2].partition(";")[0]


@pytest.fixture
def told() -> Told:
    """By a session's live report."""
    return Told()


def test_a_test_and_a_cause_are_told_once(told: Told) -> None:
    """Thirty pages that cannot be reached are a line, as are twenty tests that met one cause; another outcome is another line."""
    live = Live(told)
    for page in ("home", "chat", "trips"):
        live.hear(red(f"checks/test_a.py::test_pages[{page}]", f"{page} was not reached"))
    live.hear(red("checks/test_a.py::test_other", "home was not reached"))
    live.hear(red("checks/test_a.py::test_pages[money]", "no browser", Outcome.UNKNOWN))
    live.hear(red("checks/test_a.py::test_third", "another reason"))

    assert [said(line) for line in told.lines] == [
        "home was not reached",
        "no browser",
        "another reason",
    ]


def test_what_is_new_is_told_after_what_is_not(told: Told) -> None:
    """Also of the same test: only its cases of one kind are one line."""
    live = Live(told)
    for page, old in (("home", True), ("chat", True), ("money", False)):
        report = red(f"checks/test_a.py::test_pages[{page}]", f"label on {page}")
        report.user_properties.append((NOTHING_NEW, old))
        live.hear(report)

    assert [said(line) for line in told.lines] == ["label on home", "label on money"]


def test_what_is_red_has_its_reason_and_the_way_on() -> None:
    """In one line, at once."""
    told = bad(
        Outcome.BROKEN_CRITERION, "HC-2", "The back end is healthy.", "AssertionError: HTTP 503", "docs/runbook.md#api"
    )

    assert told == "! BROKEN HC-2 The back end is healthy: HTTP 503; docs/runbook.md#api"


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (
            SimpleNamespace(decided_s=1.0, finished_s=3.0, steps=(1, 2)),
            ("done", "gradual: 2 steps, 2.0 s after the decision"),
        ),
        (ActionFailed("HTTP 503"), ("NOT DONE", "gradual: HTTP 503")),
    ],
    ids=["done", "failed"],
)
def test_what_became_of_the_action_is_told(action: Any, told: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it is known; one that failed is noted, and the checks go on."""
    said: list[tuple[str, str]] = []
    noted: list[str] = []

    def acts(name: str) -> Any:
        assert name == "gradual"
        if isinstance(action, ActionFailed):
            raise action
        return action

    monkeypatch.setattr(fixtures, "progress_of", lambda *_: SimpleNamespace(phase=lambda *line: said.append(line)))
    journal = SimpleNamespace(append=lambda event, **_: noted.append(event))
    begins = SimpleNamespace(hook=SimpleNamespace(pytest_pam_situation_begins=lambda **_: None))
    runbook = SimpleNamespace(journal_of=lambda _: journal)

    given = body(fixtures.in_situation)("after-gradual", runbook, SimpleNamespace(config=begins, getfixturevalue=acts))

    assert (given, said) == (action, [told])
    assert noted == ([ACTION_FAILED] if isinstance(action, ActionFailed) else [])
