"""Barriers are told in words."""

from pam_rollback.browser.barriers import Element, Findings, Violation
from tests.browser.rules.found_barriers import RULES, broken, findings


def test_the_first_line_names_rules_numbers_and_page() -> None:
    """It is what a terminal shows at 3 a.m.; the elements and what is wrong with them stand below."""
    found = findings(broken("h1", "label"), broken("button", rule="button-name"))

    lines = str(found).splitlines()
    assert lines[0] == f"color-contrast (2), button-name (1) on chat-dark, by {RULES}"
    assert lines[1] == "  color-contrast on chat-dark (serious): Text must stand out"
    assert lines[2] == "    h1: has 2.1:1, expected 4.5:1"
    assert repr(found) == str(found)


def test_many_elements_are_counted_and_not_all_listed() -> None:
    """A whole page in the wrong colour is one problem."""
    text = str(findings(broken(*(f"p.a{letter}" for letter in "bcdefgh"))))

    assert "color-contrast (7)" in text
    assert "… and 2 more" in text


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
