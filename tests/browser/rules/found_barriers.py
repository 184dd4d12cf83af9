"""Barriers as the tests of accessibility make them up."""

from pam_rollback.browser.barriers import Element, Findings, Violation

RULES = "axe-core 4.14.1 (npm)"


def broken(*selectors: str, rule: str = "color-contrast", state: str = "chat-dark") -> Violation:
    """A rule with the elements that break it."""
    elements = tuple(Element(selector, "has 2.1:1, expected 4.5:1") for selector in selectors)
    return Violation(rule, "serious", state, elements, "Text must stand out")


def findings(*violations: Violation, rules: str = RULES) -> Findings:
    """What the rules say of the chat in the dark."""
    return Findings("chat-dark", rules, 27, violations)
