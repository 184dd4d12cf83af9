"""The words of a report: what a person reads of what a test found."""

from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.browser.accessibility import Audit
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.core.wait import StopFile
from pam_rollback.plugin import classification
from pam_rollback.plugin import fixtures as scoring
from pam_rollback.plugin.classification import CAUSE, MESSAGE, OUTCOME, STOOD_IN_THE_WAY
from pam_rollback.plugin.fixtures import tell_cause
from pam_rollback.report.verdict import Outcome
from tests.plan.plan_scene import body


def told(error: BaseException) -> tuple[str, str]:
    """Outcome and message of a test whose body ended so."""
    properties = properties_of(error)
    return properties[OUTCOME], properties[MESSAGE]


def properties_of(error: BaseException, *entered: tuple[str, str]) -> dict[str, Any]:
    """What its report says. ``entered``: causes that its facts knew of, with their sentences."""
    item: Any = SimpleNamespace(config=None, get_closest_marker=lambda _: None, stash=pytest.Stash())
    item.stash[STOOD_IN_THE_WAY] = [*entered]
    call: Any = SimpleNamespace(excinfo=SimpleNamespace(value=error), when="call")
    report: Any = SimpleNamespace(outcome="failed", when="call", user_properties=[], longrepr=None, sections=[])
    runbook: Any = SimpleNamespace(secrets=SimpleNamespace(redact=str), stop=StopFile())
    return dict(classification.classified(item, call, report, runbook).user_properties)


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


def test_what_stood_in_the_way_is_told_with_the_outcome() -> None:
    """By the error, or by the fact on which the assertion was. Neither of another assertion, nor of what an action did."""
    down = MeasurementFailed("memory is not known: HTTP 502", cause="the API answers HTTP 502")
    fact = ("the API answers HTTP 502", "the notice cannot be read: HTTP 502")

    assert properties_of(down)[CAUSE] == "the API answers HTTP 502"
    assert properties_of(AssertionError(f"{fact[1]}\nassert False"), fact)[CAUSE] == "the API answers HTTP 502"
    assert CAUSE not in properties_of(AssertionError("the notice says what is not true"), fact)
    assert CAUSE not in properties_of(MeasurementFailed("too few samples"), fact)
    failed = ActionFailed("not done")
    failed.__cause__ = down
    assert CAUSE not in properties_of(failed)


def test_only_a_fact_that_knows_a_cause_tells_one() -> None:
    """With the sentence by which an assertion on it is known: one line of it, as the message has it."""
    item: Any = SimpleNamespace(stash=pytest.Stash())
    for fact in (
        SimpleNamespace(cause=""),
        SimpleNamespace(),
        Audit("chat-dark", problem="no\ndatabase", cause="no database"),
    ):
        tell_cause(item, fact)

    assert item.stash[STOOD_IN_THE_WAY] == [("no database", "chat-dark was not reached: no")]


def test_a_fact_may_judge_some_of_the_plan_items_of_its_test() -> None:
    """The last word counts: what it says nothing of is not told as ok. What its fixtures do not notice stands beside it."""
    entered: list[tuple[str, object]] = [("criterion", "RA-1 RA-2")]
    item = SimpleNamespace(user_properties=entered, stash=pytest.Stash())
    fact: Any = SimpleNamespace(judges="RA-2", measured=Measured(what="users", asked="10 %", value=10))

    config = SimpleNamespace(stash={scoring.UNPROVEN_BY: {"link": "whose it is", "other": "what", "fine": ""}})
    request = SimpleNamespace(node=item, config=config, fixturenames=["link", "fine"])

    assert body(scoring.scored)(request)(fact) is fact
    assert dict(entered)["criterion"] == "RA-2"
    assert [one for one in entered if one[0] == scoring.UNPROVEN] == [(scoring.UNPROVEN, "whose it is")]
