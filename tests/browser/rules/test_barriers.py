"""Barriers are told in words."""

from pam_rollback.browser.barriers import Element, Findings, Violation
from tests.browser.rules.found_barriers import RULES, findings


def test_what_the_rules_could_not_decide_is_no_barrier() -> None:
    """It is kept for a person, with the address that explains it."""
    undecided = Violation(
        "color-contrast", "serious", "chat-dark", (Element("p"),), "Text must stand out", "https://e.test/x"
    )
    found = Findings("chat-dark", RULES, 27, (), (undecided,))

    assert found.findings == ()
    assert "for a person to judge" in found.for_review
    assert "https://e.test/x" in found.for_review
    assert findings().for_review == ""
