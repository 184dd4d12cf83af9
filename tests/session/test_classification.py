"""The words of a report: what a person reads of what a test found."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.wait import StopFile
from pam_rollback.report.verdict import Outcome
from pam_rollback.session import classification
from pam_rollback.session import runbook as runbook_module
from pam_rollback.session.classification import MESSAGE, OUTCOME


@pytest.fixture(autouse=True)
def runbook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a session without secrets."""
    found = SimpleNamespace(secrets=SimpleNamespace(redact=str), stop=StopFile())
    monkeypatch.setattr(runbook_module, "of", lambda _: found)


def told(error: BaseException) -> tuple[str, str]:
    """Outcome and message of a test whose body ended so."""
    item: Any = SimpleNamespace(config=None, get_closest_marker=lambda _: None)
    call: Any = SimpleNamespace(excinfo=SimpleNamespace(value=error), when="call")
    report: Any = SimpleNamespace(outcome="failed", when="call", user_properties=[], longrepr=None, sections=[])
    hook = classification.pytest_runtest_makereport(item, call)
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(report)
    properties = dict(report.user_properties)
    return properties[OUTCOME], properties[MESSAGE]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("SELECT id, \\u2026 FROM t\nassert False", "SELECT id, … FROM t"),
        ("p95 \\u2264 500 ms, Gr\\xf6\\xdfe \\U0001f691", "p95 ≤ 500 ms, Größe 🚑"),
        ("a turned line \\u202e stays written out, \\x1b and \\ud800, too", None),
        ("C:\\users\\x and \\u12", None),
    ],
)
def test_what_can_be_seen_is_read_as_it_is(written: str, read: str | None) -> None:
    """A fact is written out by pytest in ASCII: what people can see is put back; what nobody sees stays written out."""
    assert told(AssertionError(written)) == (Outcome.BROKEN_CRITERION.value, read or written)


def test_a_list_of_lines_is_one_sentence() -> None:
    """Each kind of error with the name that tells it apart, and no semicolon behind a colon."""
    assert told(MeasurementFailed("2 problems:\none\ntwo")) == (
        Outcome.UNKNOWN.value,
        "MeasurementFailed: 2 problems: one; two",
    )
    assert told(ActionFailed(""))[1] == "ActionFailed"
    assert told(AssertionError(""))[1] == "the assertion failed without a message"
