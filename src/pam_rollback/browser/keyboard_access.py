"""What the keyboard alone reaches: the way of the Tab key over a page, and a talk with PAM."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.base.outside_text import cut
from pam_rollback.browser.barriers import OWN_RULES, Element, Findings, Violation
from pam_rollback.browser.known_barriers import ITEM
from pam_rollback.environment.known_before import NOTHING_TOLD, Finding, JudgedFindings, without_numbers

_ANNOUNCED_CHARACTERS = 40


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
class FocusWalk(Sentence):
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


@dataclass(frozen=True, repr=False)
class KeyboardChat(Sentence):
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
    barred: str = ""
    """Of a talk that the keyboard alone cannot begin: what bars it, in words that do not differ between two talks."""
    cause: str = ""
    """What stood in its way, and in that of others."""

    @property
    def completed(self) -> bool:
        """The answer was there."""
        return not self.problem and bool(self.answer)

    @property
    def heard(self) -> bool:
        """Somebody with a screen reader heard the answer."""
        return bool(self.answer) and any(_words(self.answer) in _words(text) for text in self.announced)

    @property
    def by_keyboard(self) -> "TalkBarrier":
        """Whether somebody without a pointer gets an answer. Only what bars the keyboard can have been there before, no missing answer."""
        problem = "" if self.completed else str(self)
        return TalkBarrier(problem, _barring("by keyboard alone", self.barred), cause=self.cause)

    @property
    def by_ear(self) -> "TalkBarrier":
        """Whether somebody with a screen reader hears the answer."""
        if not self.completed:
            return self.by_keyboard
        if self.heard:
            return TalkBarrier("", None)
        return TalkBarrier(self.silence, _barring("by ear", "it is not announced"))

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
        said = "; ".join(cut(text, _ANNOUNCED_CHARACTERS, sign="") for text in self.announced) or "nothing"
        return (
            f"PAM's answer is not announced: expected it in one of {self.live_regions} live regions, they said {said}"
        )

    def __str__(self) -> str:
        """How far the keyboard led."""
        if self.completed:
            return f"PAM answered after {self.presses} presses of Tab, a message and Enter"
        return f"the chat cannot be completed by keyboard: {self.problem or 'no answer'}"


@dataclass(frozen=True, repr=False)
class TalkBarrier(Sentence):
    """What keeps somebody from PAM's answer. It may have been there before, as other barriers may."""

    problem: str
    """In words; empty when nothing does."""
    finding: Finding | None
    """None, too, for a problem that is no barrier: then PAM answers nobody."""
    told: JudgedFindings = NOTHING_TOLD
    cause: str = ""
    """What stood in its way, and in that of others."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The barrier."""
        return () if self.finding is None else (self.finding,)

    def without(self, told: JudgedFindings) -> Self:
        """Nothing is left of it when it is known."""
        return replace(self, problem="" if told.known else self.problem, told=told)

    @property
    def gone(self) -> bool:
        """Nothing new keeps anybody from it."""
        return not self.problem

    def __str__(self) -> str:
        """The sentence that a failure shows, with why it counts where a baseline says more."""
        return self.told.after(self.problem or "PAM's answer reaches everybody") + self.told.advice


def _barring(whom: str, what: str) -> Finding | None:
    return Finding(ITEM, f"PAM's answer {whom}", without_numbers(what)) if what else None


def _words(text: str) -> str:
    return " ".join(text.split())
