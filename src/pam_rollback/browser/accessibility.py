"""Every page state in every look: what barriers it has, or why it could not be judged.

A state that was not reached is judged by its own test, and left out of what is told of all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from pam_rollback.browser.barriers import ITEM, Element, Findings, by_own_rule
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, Sentence
from pam_rollback.core.outside_text import cut
from pam_rollback.target.known_before import NOTHING_TOLD, Finding, JudgedFindings, without_numbers

_ANNOUNCED_CHARACTERS = 40


class FocusWalk(NamedTuple):
    """What the Tab key met on its way from the top of a page to its end."""

    unseen: Findings
    """Stops on which nobody can see that they have the focus."""
    traps: Findings
    """Where the keyboard is caught, or that it leads nowhere at all."""


def focus_walk(page_state: str, stops: Sequence[Element], unseen: Sequence[Element], trapped_at: str = "") -> FocusWalk:
    """Judge the elements that the key reached. ``trapped_at``: where the focus could not be moved on; else the end was reached."""
    meaning = "the focus can be seen on every stop (WCAG 2.4.7)"
    visible = by_own_rule(page_state, "focus-visible", meaning, unseen, of=len(stops))
    if not stops:
        nowhere = [Element("html", "the Tab key reaches nothing")]
        meaning = "everything can be reached by keyboard (WCAG 2.1.1)"
        return FocusWalk(visible, by_own_rule(page_state, "keyboard", meaning, nowhere))
    caught = [stop for stop in stops if stop.selector == trapped_at][:1]
    meaning = "the Tab key leads on from every stop (WCAG 2.1.2)"
    return FocusWalk(visible, by_own_rule(page_state, "keyboard-trap", meaning, caught, of=len(stops)))


@dataclass(frozen=True, repr=False)
class KeyboardChat(Fact):
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
    def measured(self) -> Measured:
        """How far the keyboard led."""
        value = "answered" if self.completed else self.problem or "no answer"
        said = f"the chat cannot be completed by keyboard: {value}"
        if self.completed:
            said = f"PAM answered after {self.presses} presses of Tab, a message and Enter"
        return Measured("chat by keyboard alone", asked="PAM answers", value=value, n=1, sentence=said)

    @property
    def silence(self) -> str:
        """The sentence for an answer that nobody heard."""
        if not self.live_regions:
            return "PAM's answer is not announced: the page has no live region for a screen reader to watch"
        said = "; ".join(cut(text, _ANNOUNCED_CHARACTERS, sign="") for text in self.announced) or "nothing"
        return (
            f"PAM's answer is not announced: expected it in one of {self.live_regions} live regions, they said {said}"
        )


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

    def __str__(self) -> str:
        """The sentence that a failure shows, with why it counts where a baseline says more."""
        return self.told.after(self.problem or "PAM's answer reaches everybody") + self.told.advice


def _barring(whom: str, what: str) -> Finding | None:
    return Finding(ITEM, f"PAM's answer {whom}", without_numbers(what)) if what else None


def _words(text: str) -> str:
    return " ".join(text.split())


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
_OF_MEMBERS = ("email", "password", "log_in", "log_out")
_OF_THE_CHAT = (*_OF_MEMBERS, "message")
NEEDED_ELEMENTS: Mapping[str, tuple[str, ...]] = {
    "login": ("password",),
    "login-error": ("email", "password"),
    "not-found": (),
    **dict.fromkeys(("home", "money", "trips", "settings", "profile"), _OF_MEMBERS),
    **dict.fromkeys(("chat", "chat-thinking"), _OF_THE_CHAT),
    "chat-dialog": (*_OF_THE_CHAT, "clear_chat"),
    "chat-error": (*_OF_THE_CHAT, "chat_error"),
}
"""What the product's contract has to describe for a state to be reached, by the names of its elements."""
OF_STRANGERS = ("login", "not-found", "home")
"""What is judged where no account is declared. A wrong password is not tried then."""
WALKED_STATES = ("login", "home", "chat", "money", "trips", "settings", "profile")
"""Where the Tab key is pressed from the top to the end."""


def needed_elements(state: str, *, account: bool) -> tuple[str, ...]:
    """What has to be described for the state to be reached: a stranger comes to the first page without signing in."""
    return () if state == "home" and not account else NEEDED_ELEMENTS[state]


def reachable(described: Collection[str], *, account: bool) -> tuple[str, ...]:
    """The states that can be reached with these elements, by the test account or by strangers; the others are left out."""
    return tuple(
        state
        for state in (STATES if account else OF_STRANGERS)
        if set(needed_elements(state, account=account)) <= set(described)
    )


@dataclass(frozen=True, repr=False)
class Audit(Sentence):
    """One page state in one look (light, dark, phone, twice as large), or why it could not be reached."""

    page_state: str
    problem: str = ""
    """What the site did instead of showing this state. Empty: it was reached, and showed its own content."""
    barriers: Findings | None = None
    reflow: Findings | None = None
    """Content that does not fit the width of the window."""
    focus: FocusWalk | None = None
    """The way of the Tab key, in one look and where there is one to walk."""
    unmeasured: str = ""
    """Why we could not judge a state that was reached."""
    cause: str = ""
    """What stood in its way, and in that of others."""
    late: bool = False
    """It could not be judged because it was not loaded within its time: it may be, once nothing else runs here."""

    @property
    def reached(self) -> bool:
        """The site showed this state."""
        return not self.problem

    @property
    def all_findings(self) -> tuple[Findings, ...]:
        """Everything that was found here, to make it known in a baseline."""
        return tuple(found for found in (self.barriers, self.reflow, *(self.focus or ())) if found is not None)

    def __str__(self) -> str:
        return (
            f"{self.page_state} was not reached: {self.problem}" if self.problem else f"{self.page_state} was reached"
        )


@dataclass(frozen=True)
class Audits:
    """Every state in every look. A state that was not reached is judged by its own test, and left out of what is told of all."""

    of_states: Mapping[str, Audit]

    def of(self, state: str, look: str) -> Audit:
        """One of them. Raises MeasurementFailed with the reason when it could not be judged."""
        audit = self.of_states[f"{state}-{look}"]
        if audit.unmeasured:
            raise MeasurementFailed(f"{audit.page_state} could not be judged: {audit.unmeasured}", cause=audit.cause)
        return audit

    @property
    def reached(self) -> int:
        """How many states were reached."""
        return sum(audit.reached for audit in self.of_states.values())

    @property
    def late(self) -> tuple[str, ...]:
        """The states to be looked at again: one of them was not loaded within its time."""
        late = [name for name, audit in self.of_states.items() if audit.late]
        return tuple(state for state in STATES if any(name.startswith(f"{state}-") for name in late))

    def renewed(self, again: "Audits") -> "Audits":
        """The same, with what is known now of those that were late; nothing else gets a second chance."""
        return Audits(
            {name: again.of_states.get(name, audit) if audit.late else audit for name, audit in self.of_states.items()}
        )

    def not_known_where_not_reached(self, why: str) -> "Audits":
        """The same; nothing is known of what was not reached, since it was not the site that kept us from it."""
        return Audits(
            {
                name: audit if audit.reached else replace(audit, problem="", unmeasured=why, cause=why)
                for name, audit in self.of_states.items()
            }
        )

    def too_wide(self, look: str) -> Findings:
        """What does not fit the window in this look, on all pages."""
        of_look = [audit for name, audit in self.of_states.items() if name.endswith(f"-{look}")]
        return _together([audit.reflow for audit in of_look])

    @property
    def focus_unseen(self) -> Findings:
        """Where the focus cannot be seen, on all pages."""
        return _together([walk.unseen for walk in self._walks])

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
