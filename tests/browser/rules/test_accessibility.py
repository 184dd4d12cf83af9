"""Nothing that was not looked at is called fine."""

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.browser.accessibility import STATES, Audit, Audits, reachable
from pam_rollback.browser.barriers import Findings
from tests.browser.rules.found_barriers import broken
from tests.fault_rows.accessibility import OF_LOOK


def test_a_state_that_could_not_be_judged_is_unknown() -> None:
    """Neither fine nor broken."""
    audits = Audits({"chat-dark": Audit("chat-dark", unmeasured="the browser gave up")})

    with pytest.raises(MeasurementFailed, match="chat-dark could not be judged: the browser gave up"):
        audits.of("chat", "dark")


def test_what_stood_in_the_way_is_told_with_it() -> None:
    """Of a state that could not be judged, and of all that were not reached since we are blocked."""
    audits = Audits({"chat-dark": Audit("chat-dark", problem="sign in: the page says: later", cause="no database")})

    assert audits.of("chat", "dark").cause == "no database"
    with pytest.raises(MeasurementFailed) as failed:
        audits.not_known_where_not_reached("the site blocks us").of("chat", "dark")
    assert failed.value.cause == "the site blocks us"


def test_a_state_that_was_not_reached_says_what_was_seen() -> None:
    """And has no findings that could be called clean."""
    audit = Audits({"chat-dark": Audit("chat-dark", problem="the page is empty")}).of("chat", "dark")

    assert str(audit) == "chat-dark was not reached: the page is empty"
    assert (audit.reached, audit.barriers, audit.all_findings) == (False, None, ())


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


def test_findings_of_all_pages_name_theirs() -> None:
    """Only of the look that is asked for."""
    wide = broken("form", rule="reflow", state="chat-phone")
    audits = Audits(
        {
            "home-phone": Audit("home-phone", reflow=Findings("home-phone", "own", 1, ())),
            "chat-phone": Audit("chat-phone", reflow=Findings("chat-phone", "own", 0, (wide,))),
            "chat-double-size": Audit("chat-double-size", reflow=Findings("chat-double-size", "own", 1, ())),
        }
    )

    assert audits.too_wide("phone").headline == "reflow (1) on chat-phone, by own"
    assert audits.too_wide("double-size").violations == ()


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


def test_without_an_account_strangers_pages_are_judged() -> None:
    """The first page, the log-in and the page for unknown addresses; a wrong password is not tried."""
    assert set(reachable(("email", "password"), account=False)) == {"home", "login", "not-found"}
    assert set(reachable((), account=False)) == {"home", "not-found"}
