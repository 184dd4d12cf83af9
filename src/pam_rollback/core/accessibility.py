"""What keeps people from using the site: barriers that were found, and which of them are new.

A barrier is known by its rule, the page state in which it was met and the element. Only barriers that the baseline does not have count
against a rollback; without a baseline every one counts. What the rules could not decide never counts: it is kept for a person.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Figures

PUBLIC_STATES = ("login", "login-error", "not-found")
"""What somebody sees who is not signed in."""
STATES = (
    *PUBLIC_STATES,
    "home",
    "chat",
    "chat-dialog",
    "chat-thinking",
    "chat-error",
    "money",
    "trips",
    "settings",
    "profile",
)
WALKED_STATES = ("login", "home", "chat", "money", "trips", "settings", "profile")
"""Where the Tab key is pressed from the top to the end."""
LOOKS = ("light", "dark", "double-size", "phone")
"""How a page is looked at; a page state is ``state-look``, such as ``chat-dark``."""

Key = tuple[str, str, str]
"""Rule, page state, element."""

_ELEMENTS_SHOWN = 5
_STATES_SHOWN = 4
_ANNOUNCED_CHARACTERS = 40

_ID = re.compile(r"#(?:\\.|[^\s>.:\[])+")
_NUMBER = re.compile(r"\d+")
_POSITION = re.compile(r"(:nth-(?:child|of-type)\()\d+\)")


def stable(selector: str) -> str:
    """The selector without what differs between two visits: counters in ids (``#field-3``) and positions among siblings."""
    without_counters = _ID.sub(lambda found: _NUMBER.sub("N", found.group()), selector)
    return _POSITION.sub(r"\1N)", without_counters)


@dataclass(frozen=True)
class Element:
    """One element with a barrier, and what is wrong with it."""

    selector: str
    why: str = ""


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


@dataclass(frozen=True)
class Known:
    """The barriers of a baseline: how often each was there, and the rules that found them."""

    counts: Mapping[Key, int]
    rules: str

    @classmethod
    def of(cls, findings: Iterable["Findings"]) -> "Known":
        """What these findings make known."""
        findings = tuple(findings)
        counts = Counter(
            violation.key_of(element)
            for found in findings
            for violation in found.violations
            for element in violation.elements
        )
        return cls(counts, ", ".join(dict.fromkeys(found.rules for found in findings)))

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"rules": self.rules, "barriers": [[*key, count] for key, count in sorted(self.counts.items())]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Known":
        """Read back what ``as_data`` gave."""
        return cls(
            {(str(rule), str(state), str(target)): int(count) for rule, state, target, count in data["barriers"]},
            str(data["rules"]),
        )


@dataclass(frozen=True, repr=False)
class Findings:
    """What the rules say of one page state. ``passed`` counts the rules that found something to look at and nothing to object to."""

    page_state: str
    rules: str
    """Which rules judged, with their version: another version may find more."""
    passed: int
    violations: tuple[Violation, ...]
    incomplete: tuple[Violation, ...] = ()
    """What a person has to look at. Never a failure."""
    note: str = ""

    def new_against(self, known: Known | None) -> "Findings":
        """The same without what the baseline has. More elements of one kind than the baseline had: all of them are shown."""
        if known is None:
            return self
        found = Counter(violation.key_of(element) for violation in self.violations for element in violation.elements)
        new = []
        for violation in self.violations:
            elements = tuple(
                element
                for element in violation.elements
                if found[violation.key_of(element)] > known.counts.get(violation.key_of(element), 0)
            )
            if elements:
                new.append(replace(violation, elements=elements))
        note = ""
        if new and self.rules not in known.rules.split(", "):
            note = f"the baseline was judged by {known.rules}: perhaps the rule is new and not the barrier"
        return replace(self, violations=tuple(new), note=note)

    @property
    def elements(self) -> int:
        """How many elements have a barrier."""
        return sum(len(violation.elements) for violation in self.violations)

    @property
    def headline(self) -> str:
        """Rules, numbers, page: what one line of a terminal has to say."""
        if not self.violations:
            return f"no barrier on {self.page_state} ({self.passed} rules passed, {self.rules})"
        counts: Counter[str] = Counter()
        for violation in self.violations:
            counts[violation.rule] += len(violation.elements)
        named = ", ".join(f"{rule} ({count})" for rule, count in counts.items())
        states = tuple(dict.fromkeys(violation.page_state for violation in self.violations))
        hidden = len(states) - _STATES_SHOWN
        where = ", ".join(states[:_STATES_SHOWN]) + (f" and {hidden} more" if hidden > 0 else "")
        return f"{named} on {where}, by {self.rules}"

    @property
    def for_review(self) -> str:
        """What the rules could not decide, for a person; empty when there is nothing."""
        lines = [line for violation in self.incomplete for line in [*violation.lines(), f"    {violation.address}"]]
        return (
            "\n".join([f"left for a person to judge on {self.page_state}, by {self.rules}:", *lines]) if lines else ""
        )

    def __str__(self) -> str:
        """The headline, then each rule with its elements."""
        lines = [line for violation in self.violations for line in violation.lines()]
        return "\n".join([self.headline, *lines, *([f"  {self.note}"] if self.note else [])])

    # pytest shows the repr of what an assertion gives as its message: the sentences, not the fields.
    __repr__ = __str__


OWN_RULES = "the suite's own rules"
"""Reflow, motion and keyboard are no rules of axe-core."""


@dataclass(frozen=True)
class FocusStop:
    """One element that the Tab key reached."""

    selector: str
    name: str
    seen: bool
    """Something about it looks different from when it has no focus."""
    in_order: bool
    """It comes after the stop before it, as one reads."""

    def __str__(self) -> str:
        """Name and place."""
        return f"{self.name!r} ({self.selector})" if self.name else self.selector


@dataclass(frozen=True, repr=False)
class FocusWalk:
    """The Tab key from the top of a page to its end."""

    page_state: str
    stops: tuple[FocusStop, ...]
    trapped_at: str = ""
    """Where the focus could not be moved on; empty when the end of the page was reached."""

    def _findings(self, rule: str, meaning: str, stops: Sequence[FocusStop]) -> Findings:
        elements = tuple(Element(stop.selector, stop.name) for stop in stops)
        found = (Violation(rule, "serious", self.page_state, elements, meaning),) if elements else ()
        return Findings(self.page_state, OWN_RULES, max(len(self.stops) - len(elements), 0), found)

    @property
    def unseen(self) -> Findings:
        """Stops on which nobody can see that they have the focus."""
        return self._findings(
            "focus-visible",
            "the focus can be seen on every stop (WCAG 2.4.7)",
            [stop for stop in self.stops if not stop.seen],
        )

    @property
    def out_of_order(self) -> Findings:
        """Stops that come before the one from which the focus came."""
        return self._findings(
            "focus-order",
            "the focus moves as one reads (WCAG 2.4.3)",
            [stop for stop in self.stops if not stop.in_order],
        )

    @property
    def traps(self) -> Findings:
        """Where the keyboard is caught, or that it leads nowhere at all."""
        if not self.stops:
            nowhere = [FocusStop("html", "the Tab key reaches nothing", seen=True, in_order=True)]
            return self._findings("keyboard", "everything can be reached by keyboard (WCAG 2.1.1)", nowhere)
        caught = [stop for stop in self.stops if stop.selector == self.trapped_at][:1]
        return self._findings("keyboard-trap", "the Tab key leads on from every stop (WCAG 2.1.2)", caught)

    def __str__(self) -> str:
        """The way that the focus took."""
        way = ", ".join(map(str, self.stops)) or "none"
        return f"{len(self.stops)} stops of the Tab key on {self.page_state}: {way}"

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class Audit:
    """One page state in one look (light, dark, phone, twice as large), or why it could not be reached."""

    page_state: str
    problem: str = ""
    """What the site did instead of showing this state. Empty: it was reached, and showed its own content."""
    barriers: Findings | None = None
    reflow: Findings | None = None
    """Content that does not fit the width of the window."""
    motion: Findings | None = None
    """What moves although the visitor asked for reduced motion."""
    focus: FocusWalk | None = None
    """The way of the Tab key, in one look and where there is one to walk."""
    unmeasured: str = ""
    """Why we could not judge a state that was reached."""

    @property
    def reached(self) -> bool:
        """The site showed this state."""
        return not self.problem

    @property
    def all_findings(self) -> tuple[Findings, ...]:
        """Everything that was found here, to make it known in a baseline."""
        walk = self.focus
        of_focus = (walk.unseen, walk.out_of_order, walk.traps) if walk is not None else ()
        return tuple(found for found in (self.barriers, self.reflow, self.motion, *of_focus) if found is not None)

    def __str__(self) -> str:
        """The sentence that a failure shows."""
        return (
            f"{self.page_state} was not reached: {self.problem}" if self.problem else f"{self.page_state} was reached"
        )

    __repr__ = __str__


@dataclass(frozen=True)
class Audits:
    """Every state in every look. A state that was not reached is judged by its own test, and left out of what is told of all."""

    of_states: Mapping[str, Audit]

    def of(self, state: str, look: str) -> Audit:
        """One of them. Raises MeasurementFailed with the reason when it could not be judged."""
        audit = self.of_states[f"{state}-{look}"]
        if audit.unmeasured:
            raise MeasurementFailed(f"{audit.page_state} could not be judged: {audit.unmeasured}")
        return audit

    @property
    def reached(self) -> int:
        """How many states were reached."""
        return sum(audit.reached for audit in self.of_states.values())

    def barriers(self, look: str) -> Findings:
        """The barriers of every state in this look. Raises MeasurementFailed when one could not be judged or was not reached."""
        found = []
        for state in STATES:
            audit = self.of(state, look)
            if audit.barriers is None:
                raise MeasurementFailed(f"what barriers there are is not known: {audit}")
            found.append(audit.barriers)
        return _together(found)

    def too_wide(self, look: str) -> Findings:
        """What does not fit the window in this look, on all pages."""
        of_look = [audit for name, audit in self.of_states.items() if name.endswith(f"-{look}")]
        return _together([audit.reflow for audit in of_look])

    @property
    def in_motion(self) -> Findings:
        """What moves, on all pages."""
        return _together([audit.motion for audit in self.of_states.values()])

    @property
    def focus_unseen(self) -> Findings:
        """Where the focus cannot be seen, on all pages."""
        return _together([walk.unseen for walk in self._walks])

    @property
    def focus_out_of_order(self) -> Findings:
        """Where the focus jumps back, on all pages."""
        return _together([walk.out_of_order for walk in self._walks])

    @property
    def traps(self) -> Findings:
        """Where the keyboard is caught, on all pages."""
        return _together([walk.traps for walk in self._walks])

    @property
    def all_findings(self) -> tuple[Findings, ...]:
        """Everything that was found, to make it known in a baseline."""
        return tuple(found for audit in self.of_states.values() for found in audit.all_findings)

    @property
    def _walks(self) -> list[FocusWalk]:
        return [audit.focus for audit in self.of_states.values() if audit.focus is not None]


def _together(found: Sequence[Findings | None]) -> Findings:
    """The findings of several page states as one; those that are None were not reached."""
    there = [findings for findings in found if findings is not None]
    if not there:
        raise MeasurementFailed("no page was reached, so nothing can be said of any")
    return Findings(
        f"{len(there)} pages",
        there[0].rules,
        sum(findings.passed for findings in there),
        tuple(violation for findings in there for violation in findings.violations),
    )


@dataclass(frozen=True, repr=False)
class KeyboardChat:
    """A talk with PAM in which no pointer was used. Each field is what came of one step, in their order."""

    presses: int
    """Presses of the Tab key until the message field had the focus."""
    problem: str = ""
    """What the site did instead, in words; empty when the answer came."""
    answer: str = field(default="", repr=False)
    live_regions: int = 0
    """Regions that a screen reader watched before the message was sent."""
    announced: tuple[str, ...] = ()
    """What appeared in them afterwards."""

    @property
    def completed(self) -> bool:
        """The answer was there."""
        return not self.problem and bool(self.answer)

    @property
    def heard(self) -> bool:
        """Somebody with a screen reader heard the answer."""
        return bool(self.answer) and any(_words(self.answer) in _words(text) for text in self.announced)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="chat by keyboard alone",
            asked="PAM answers",
            measured="answered" if self.completed else self.problem or "no answer",
            n=1,
        )

    @property
    def silence(self) -> str:
        """The sentence for an answer that nobody heard."""
        if not self.live_regions:
            return "PAM's answer is not announced: the page has no live region for a screen reader to watch"
        said = "; ".join(text[:_ANNOUNCED_CHARACTERS] for text in self.announced) or "nothing"
        return (
            f"PAM's answer is not announced: expected it in one of {self.live_regions} live regions, they said {said}"
        )

    def __str__(self) -> str:
        """How far the keyboard led."""
        if self.completed:
            return f"PAM answered after {self.presses} presses of Tab, a message and Enter"
        return f"the chat cannot be completed by keyboard: {self.problem or 'no answer'}"

    __repr__ = __str__


def _words(text: str) -> str:
    return " ".join(text.split())
