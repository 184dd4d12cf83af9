"""What keeps people from using the site: rules that elements of a page state break, in words, and which of it is new.

Only barriers that the baseline does not have count against a rollback; without a baseline every one counts. What the rules could not
decide never counts: it is kept for a person.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from pam_rollback.core.figures import Sentence
from pam_rollback.target.known_before import NEW, NOTHING_TOLD, Finding, JudgedFindings, counted

ITEM = "CR-4"
"""Accessibility broken, of the plan's criteria."""

Key = tuple[str, str, str]
"""Rule, page state, element."""

_ID = re.compile(r"#(?:\\.|[^\s>.:\[])+")
_NUMBER = re.compile(r"\d+")
_REACT = re.compile(r"(\\:r|«r|_r_)[0-9a-vN]+(\\:|»|_)")
"""What React's useId counts up, to the base of 32."""
_CLASSES = re.compile(r"\[[^\]]*\]|(?:\.(?:\\.|[^\s>.:\[#+~,\\])+){2,}")
"""Classes of one element, one after the other. What stands in brackets is passed over."""
_CLASS = re.compile(r"\.(?:\\.|[^.\\])+")
_POSITION = re.compile(r"(:nth-(?:child|of-type)\()\d+\)")


def stable(selector: str) -> str:
    """The selector without what differs between two visits: counters in ids, positions among siblings, and the order of classes.

    axe-core names the rarest class of an element first, and which one that is depends on what else the page shows.
    """
    without_counters = _ID.sub(lambda found: _NUMBER.sub("N", _REACT.sub(r"\1N\2", found.group())), selector)
    return _POSITION.sub(r"\1N)", _CLASSES.sub(_in_order, without_counters))


def _in_order(found: re.Match[str]) -> str:
    text = found.group()
    return text if text.startswith("[") else "".join(sorted(_CLASS.findall(text)))


def as_finding(key: Key, count: int = 1, by: str = "", path: str = "") -> Finding:
    """A barrier as a waiver names it, ``color-contrast on home-light: a.button``; and, with all of its rule, ``color-contrast on *: *``.

    ``path``: the element's place in the page. axe-core names an element by what is rare at that moment, so one can have two names.
    """
    rule, page_state, selector = key
    place = f"{rule} on {page_state}: {path}" if path else ""
    pattern = f"{rule} on *: *"
    return Finding(ITEM, f"{rule} on {page_state}", selector, count, kind=rule, pattern=pattern, by=by, place=place)


OWN_RULES = "the suite's own rules"
"""Reflow and keyboard are no rules of axe-core."""

_ELEMENTS_SHOWN = 5
_STATES_SHOWN = 4


@dataclass(frozen=True)
class Element:
    """One element with a barrier, and what is wrong with it."""

    selector: str
    why: str = ""
    path: str = ""
    """From the top of the page, by the number of each part among its siblings; empty where the selector is that already."""


@dataclass(frozen=True)
class Violation:
    """One rule that some elements of a page state break. ``impact`` is the rule's own word: minor, moderate, serious or critical."""

    rule: str
    impact: str
    page_state: str
    elements: tuple[Element, ...]
    help: str
    address: str = ""
    """Where the rule is explained."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The elements' selectors."""
        return tuple(element.selector for element in self.elements)

    def key_of(self, element: Element) -> Key:
        """By what this element is known in a baseline."""
        return (self.rule, self.page_state, stable(element.selector))

    def lines(self) -> list[str]:
        """The rule, what it means, and each element."""
        shown = [
            f"    {element.selector}" + (f": {element.why}" if element.why else "")
            for element in self.elements[:_ELEMENTS_SHOWN]
        ]
        hidden = len(self.elements) - _ELEMENTS_SHOWN
        more = [f"    … and {hidden} more"] if hidden > 0 else []
        return [f"  {self.rule} on {self.page_state} ({self.impact}): {self.help}", *shown, *more]


@dataclass(frozen=True, repr=False)
class Findings(Sentence):
    """What the rules say of one page state. ``passed`` counts the rules that found something to look at and nothing to object to."""

    page_state: str
    rules: str
    """Which rules judged, with their version: another version may find more."""
    passed: int
    violations: tuple[Violation, ...]
    incomplete: tuple[Violation, ...] = ()
    """What a person has to look at. Never a failure."""
    told: JudgedFindings = NOTHING_TOLD
    """What of it is known, and why the rest counts."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each kind of barrier, with the number of its elements."""
        by = "" if self.rules == OWN_RULES else self.rules
        return tuple(as_finding(key, count, by, path) for key, (count, path) in self._by_key.items())

    @property
    def _by_key(self) -> dict[Key, tuple[int, str]]:
        """How many elements each has, and their place in the page: the one that all of them have, else empty."""
        paths: dict[Key, list[str]] = {}
        for violation in self.violations:
            for element in violation.elements:
                paths.setdefault(violation.key_of(element), []).append(element.path)
        return {key: (len(found), found[0] if len({*found}) == 1 else "") for key, found in paths.items()}

    def without(self, told: JudgedFindings) -> Self:
        """The same without what is known. Of a kind that counts all elements are shown."""
        return replace(self, violations=self._but(told.knows), told=told)

    def _but(self, left_out: Callable[[str], bool]) -> tuple[Violation, ...]:
        """The violations without elements of which the finding's text is to be left out."""
        kept = []
        for violation in self.violations:
            elements = tuple(
                element for element in violation.elements if not left_out(as_finding(violation.key_of(element)).text)
            )
            if elements:
                kept.append(replace(violation, elements=elements))
        return tuple(kept)

    @property
    def elements(self) -> int:
        """How many elements have a barrier."""
        return sum(len(violation.elements) for violation in self.violations)

    @property
    def headline(self) -> str:
        """Rules, numbers, page: what one line of a terminal has to say."""
        if not self.violations:
            return f"no barrier on {self.page_state} ({self.passed} rules passed, {self.rules})"
        if self.told.compared:
            new = replace(self, violations=self._but(self.told.is_old)).findings
            where = "" if new else f"{self._where}: "
            return where + self.told.after(f"{NEW}{'; '.join(map(str, new))}" if new else "")
        return self.told.after(f"{counted(self.findings)} on {self._where}, by {self.rules}")

    @property
    def _where(self) -> str:
        states = tuple(dict.fromkeys(violation.page_state for violation in self.violations))
        hidden = len(states) - _STATES_SHOWN
        return ", ".join(states[:_STATES_SHOWN]) + (f" and {hidden} more" if hidden > 0 else "")

    @property
    def for_review(self) -> str:
        """What the rules could not decide, for a person; empty when there is nothing."""
        lines = [line for violation in self.incomplete for line in [*violation.lines(), f"    {violation.address}"]]
        return (
            "\n".join([f"left for a person to judge on {self.page_state}, by {self.rules}:", *lines]) if lines else ""
        )

    def __str__(self) -> str:
        """The headline; then each rule with its elements, and the waiver that would name what nobody answers for."""
        lines = [line for violation in self.violations for line in violation.lines()]
        return "\n".join([self.headline, *lines]) + self.told.advice


def by_own_rule(page_state: str, rule: str, meaning: str, broken_by: Sequence[Element], *, of: int = 1) -> Findings:
    """Return what a rule of the suite's own found. ``of``: how much it looked at."""
    found = (Violation(rule, "serious", page_state, tuple(broken_by), meaning),) if broken_by else ()
    return Findings(page_state, OWN_RULES, max(of - len(broken_by), 0), found)
