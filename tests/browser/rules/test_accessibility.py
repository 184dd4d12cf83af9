"""Nothing that was not looked at is called fine."""

import pytest

from pam_rollback.browser.accessibility import STATES, Audit, Audits, reachable
from pam_rollback.core.errors import MeasurementFailed
from tests.fault_rows.accessibility import OF_LOOK


def test_a_state_that_could_not_be_judged_is_unknown() -> None:
    """Neither fine nor broken."""
    audits = Audits({"chat-dark": Audit("chat-dark", unmeasured="the browser gave up")})

    with pytest.raises(MeasurementFailed, match="chat-dark could not be judged: the browser gave up"):
        audits.of("chat", "dark")


@pytest.mark.parametrize("question", ["focus_unseen", "traps"])
def test_nothing_is_said_of_all_pages_when_none_was_reached(question: str) -> None:
    """No page is no clean page."""
    audits = Audits(
        {f"{state}-{look}": Audit(f"{state}-{look}", problem="dead") for state in STATES for look in OF_LOOK}
    )

    assert audits.reached == 0
    with pytest.raises(MeasurementFailed, match="no page was reached"):
        getattr(audits, question)
    with pytest.raises(MeasurementFailed, match="no page was reached"):
        audits.too_wide("phone")


@pytest.mark.parametrize(
    ("described", "left_out"),
    [
        (("email", "password", "log_in", "log_out", "message", "clear_chat", "chat_error"), set()),
        (("email", "password", "log_in", "log_out", "message"), {"chat-dialog", "chat-error"}),
        (("password",), set(STATES) - {"login", "not-found"}),
        ((), set(STATES) - {"not-found"}),
    ],
)
def test_what_nobody_described_is_left_out(described: tuple[str, ...], left_out: set[str]) -> None:
    """And nothing else is."""
    assert set(STATES) - set(reachable(described, account=True)) == left_out
