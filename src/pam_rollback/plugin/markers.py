"""The markers: what a test is for, when it runs, and which plan item it serves."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

import pytest
from _pytest.mark import MarkMatcher
from _pytest.mark.expression import Expression

PHASES = {
    "preflight": "read-only: could we roll back right now?",
    "baseline": "records what normal looks like",
    "decision": "evaluates the decision criteria and recommends a strategy",
    "rollback": "part of a story in drills/: incident, rollback, proof",
    "post_rollback": "verifies the service after a rollback, however that was done",
    "redeploy_gate": "may the candidate be deployed again?",
    "ramp": "the staged re-deployment",
    "watch": "the decision criteria, looked at over and over: an incident is opened once, kept up to date and closed",
    "readiness": "are people, credentials and paperwork ready?",
    "doctor": "is the configuration complete? sends nothing; ends with 0 or 11",
}
ONLY_WHEN_NAMED = frozenset(
    {"preflight", "baseline", "decision", "redeploy_gate", "ramp", "watch", "readiness", "doctor"}
)
"""Phases that say nothing of a rollback that was done. They run only when ``-m`` names them, never beside a story."""
KINDS = {
    "health": "asks the health endpoints of the plan",
    "performance": "response times, error rates, memory",
    "window": "the success criteria that have to hold for a time: waits for it",
    "integrity": "SQL invariants",
    "security": "who gets in, and who is shown what; part of the decision, and by itself",
    "journey": "what a user does, in a real browser",
    "accessibility": "WCAG, keyboard, screen readers",
    "load": "under load",
    "communication": "was everybody told?",
    "checklist": "an item of the plan's checklists",
}
SAFETY = {
    "drill": "plants damage or proves planted damage; deselected, and named, in --mode real",
    "writes": "acts as the environment's own test account; on production only where that is declared",
}
WEIGHT = {"advisory": "reported, never decides the verdict"}
CRITERION = (
    "criterion(id, ...): the plan items (plan.toml) that this test serves; an item's verdict is the worst of its tests"
)
ELEMENTS = "elements(name, ...): what of a page the test works with; it is left out where the product's contract describes none"

ALL = {**PHASES, **KINDS, **SAFETY, **WEIGHT}


@dataclass(frozen=True)
class Named:
    """Tells an expression which markers a test has; their arguments do not matter here."""

    names: Collection[str]

    def __call__(self, name: str, /, **_: str | int | bool | None) -> bool:
        """Whether it has this one."""
        return name in self.names


def check_expression(expression: str) -> None:
    """Raise pytest.UsageError when ``-m`` names something that is no marker: nothing would be selected, and nothing verified."""
    words = set(re.findall(r"\w+", re.sub(r"criterion\(.*?\)", "", expression))) - {
        "and",
        "or",
        "not",
        "criterion",
        *ALL,
    }
    for word in sorted(words):
        near = get_close_matches(word, ALL, n=1)
        if near:
            raise pytest.UsageError(
                f"-m {expression!r}: no marker {word!r}, did you mean {near[0]!r}? `pytest --markers` lists them"
            )


def can_select(expression: str, *having: Collection[str]) -> bool:
    """Whether ``-m`` can be true for a test with the markers of one of these; True for what pytest will refuse."""
    try:
        asked = Expression.compile(expression) if expression else None
    except SyntaxError:
        return True
    return asked is None or any(asked.evaluate(Named(names)) for names in having)


def criterion_ids(item: pytest.Item) -> tuple[str, ...]:
    """The plan items that the test serves, in the order written."""
    return tuple(str(identifier) for mark in item.iter_markers("criterion") for identifier in mark.args)


def elements_of(item: pytest.Item) -> tuple[str, ...]:
    """The elements of pages that the test works with, in the order written."""
    return tuple(str(name) for mark in item.iter_markers("elements") for name in mark.args)


def named_in(expression: str) -> set[str]:
    """The markers that ``-m`` names."""
    return set(re.findall(r"\w+", expression)) & ALL.keys()


def asks_for(expression: str, phase: str) -> bool:
    """Whether ``-m`` names the phase, and names it to have it: ``not baseline`` names it, too."""
    try:
        return phase in named_in(expression) and Expression.compile(expression).evaluate(Named({phase}))
    except SyntaxError:
        return False


def is_gate(config: pytest.Config) -> bool:
    """Whether this session asks if the candidate may be deployed again; ``--to`` names the candidate then."""
    return asks_for(config.option.markexpr, "redeploy_gate")


def waits_to_be_named(marks: Collection[str], expression: str) -> bool:
    """Whether all phases among a test's markers run only when ``-m`` names them, and it names none of them."""
    phases = PHASES.keys() & set(marks)
    named = named_in(expression)
    by_kind = {"load", "security"} & set(marks) & named  # `-m load` and `-m security` are whole kinds
    return bool(phases) and phases <= ONLY_WHEN_NAMED and not (phases & named or by_kind)


def names_of(item: pytest.Item) -> set[str]:
    """The names of all its markers."""
    return {mark.name for mark in item.iter_markers()}


def is_selected(item: pytest.Item, expression: str) -> bool:
    """Whether pytest's own ``-m`` selects it, which comes later; True for an expression that pytest will refuse."""
    try:
        return not expression or Expression.compile(expression).evaluate(MarkMatcher.from_markers(item.iter_markers()))
    except SyntaxError:
        return True


def phase_of(item: pytest.Item) -> str:
    """The test's phase; empty when it has none. Of several, one that verifies a rollback, or else the first."""
    return min(
        (name for name in PHASES if item.get_closest_marker(name)), key=lambda name: name in ONLY_WHEN_NAMED, default=""
    )


def kinds_of(item: pytest.Item) -> tuple[str, ...]:
    """The test's kinds."""
    return tuple(name for name in KINDS if item.get_closest_marker(name))
