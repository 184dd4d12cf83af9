"""What people do in a window: one failure that is not repeated counts as little as one of ours, and silence is no proof."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.ledger_config import WEIGHTS, Write, WriteKind, Writes, not_written, weights_of
from pam_rollback.probe.until_the_end import SEEN_WITHIN_S, WindowWrites, judge_until_the_end
from pam_rollback.target.contract import Contract
from pam_rollback.target.files import load_contract

EXPENSE, CHAT = WriteKind.EXPENSE, WriteKind.CHAT


def writes(kind: WriteKind, said: str) -> Iterator[Write]:
    """One each 10 s: ``.`` was good, ``x`` failed, ``o`` was refused because of us, ``b`` was not shown, ``?`` has no answer yet."""
    for at, sign in enumerate(said):
        why = {"x": "HTTP 500", "o": "HTTP 429"}.get(sign, "")
        unseen = "not among what is shown" if sign == "b" else ""
        acked_s = None if why or sign == "?" else at * 10 + 1.0
        yield Write(at, kind, f"m{at}", "v", at * 10.0, acked_s, why, acked_s if not unseen else None, unseen)


def judged(expenses: str, chat: str = "..........", sign_in: str = "") -> WindowWrites:
    """A window of 100 s."""
    given = (*writes(EXPENSE, expenses), *writes(CHAT, chat))
    return judge_until_the_end(given, (EXPENSE, CHAT), start_s=0, end_s=90, sign_in=sign_in)


@pytest.mark.parametrize("said", ["..........", "x.........", "....x.....", "x.x.x.x.x.", ".....o....", ".........?"])
def test_it_works_until_the_end(said: str) -> None:
    """What failed and went well at once, and what is still out, is no outage."""
    assert judged(said).work


@pytest.mark.parametrize("said", ["......xxxx", "xx........", "........xx", ".....b....", "xxxxxxxxxx", ".x..xx...."])
def test_what_fails_twice_or_is_not_shown_is_red(said: str) -> None:
    """Wherever in the window that is, and whatever the other kind does."""
    found = judged(said)

    assert not found.work
    assert len(found.broken) == 1
    assert "expense failed" in str(found)
    assert (f"for {SEEN_WITHIN_S:g} s not among what is shown" in str(found)) is ("b" in said)


def test_a_failure_says_when_it_began_and_when_it_was_good() -> None:
    """So that somebody can look into the right minute of a log."""
    assert "expense failed 4 of 10 times, from +60 s to +90 s, good at +50 s the last time: HTTP 500" in str(
        judged("......xxxx")
    )
    assert "and never good" in str(judged("xxxxxxxxxx"))


@pytest.mark.parametrize("said", ["", "...", "......oooo", "......????"])
def test_a_kind_without_a_good_one_at_the_end_is_not_known(said: str) -> None:
    """Neither is one that was refused because we asked too often; what is broken beside it stands."""
    with pytest.raises(MeasurementFailed, match="not known of expense"):
        _ = judged(said).work
    assert not judged(said, "......xxxx").work


def test_who_cannot_sign_in_when_it_is_over_is_told_first() -> None:
    """Unless there were too many sign-ins: then nothing is known of the end."""
    assert (
        judged("..........", sign_in="HTTP 500 without an access_token")
        .broken[0]
        .startswith("the test account cannot sign in when it is over: HTTP 500")
    )
    with pytest.raises(MeasurementFailed, match="HTTP 429"):
        _ = judged("..........", sign_in="HTTP 429 without an access_token").work


THREE = [
    Write(0, WriteKind.EXPENSE, "m0", "1.00 fuel", sent_s=1.0, acked_s=1.5),
    Write(1, WriteKind.CHAT, "m1", "m1: remember this", sent_s=2.0, why="HTTP 503"),
    Write(2, WriteKind.SETTING, "m2", "m2", sent_s=3.0, acked_s=3.5),
]


def test_an_acknowledgement_counts_once() -> None:
    """A second one for the same write is no second write."""
    writes = Writes(THREE)
    writes.acknowledge(0, 9.0)
    writes.acknowledge(1, 9.5)

    assert writes.acknowledged == 3
    assert [write.acked_s for write in writes] == [9.0, 9.5, 3.5]


PRODUCTS = Path(__file__).parents[3] / "products"
NOTHING_KEPT = "messages: the product keeps nothing of a question"
NO_COLUMN = "settings: the product takes none of ours"


def contract(name: str, **operations: dict[str, Any]) -> Contract:
    """A committed product, with other operations."""
    found = load_contract(PRODUCTS / f"{name}.toml")
    changed = {one: found.operation(one).model_copy(update=facts) for one, facts in operations.items()}
    return found.model_copy(update={"operations": {**found.operations, **changed}})


def test_the_plans_product_keeps_all_kinds() -> None:
    """As often as ever, and nothing is left out."""
    plans = contract("pam-plan")

    assert weights_of(plans) == WEIGHTS
    assert not_written(plans) == ""


def test_todays_product_keeps_expenses() -> None:
    """What is said to PAM is kept nowhere, and its settings have no column for another one."""
    today = contract("pam-today")

    assert weights_of(today) == {WriteKind.EXPENSE: WEIGHTS[WriteKind.EXPENSE]}
    assert not_written(today) == f"{NOTHING_KEPT}; {NO_COLUMN}"


@pytest.mark.parametrize(
    ("name", "operations", "left", "said"),
    [
        ("pam-plan", {"chat": {"kept": False}}, {WriteKind.EXPENSE, WriteKind.SETTING}, NOTHING_KEPT),
        ("pam-plan", {"settings": {"path": None, "no_endpoint": "no more"}}, {"expense", "chat"}, "settings: no more"),
        (
            "pam-today",
            {"expenses": {"path": None, "no_endpoint": "sold"}},
            set(),
            f"expenses: sold; {NOTHING_KEPT}; {NO_COLUMN}",
        ),
    ],
)
def test_what_is_not_kept_is_not_written(name: str, operations: Any, left: set[WriteKind], said: str) -> None:
    """Each kind by itself, down to none at all, with its reason."""
    other = contract(name, **operations)

    assert set(weights_of(other)) == left
    assert not_written(other) == said
