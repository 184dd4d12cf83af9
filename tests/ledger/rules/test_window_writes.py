"""What people do in a window: one failure that is not repeated counts as little as one of ours, and silence is no proof."""

from collections.abc import Iterator

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.ledger.ledger_config import Write, WriteKind
from pam_rollback.ledger.window_writes import SEEN_WITHIN_S, WindowWrites, judge_until_the_end

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
