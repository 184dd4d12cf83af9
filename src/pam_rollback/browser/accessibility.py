"""Every page state in every look: what barriers it has, or why it could not be judged.

A state that was not reached is judged by its own test, and left out of what is told of all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Sentence
from pam_rollback.browser.barriers import Findings
from pam_rollback.browser.keyboard_access import FocusWalk

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
    motion: Findings | None = None
    """What moves although the visitor asked for reduced motion."""
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
        walk = self.focus
        of_focus = (walk.unseen, walk.out_of_order, walk.traps) if walk is not None else ()
        return tuple(found for found in (self.barriers, self.reflow, self.motion, *of_focus) if found is not None)

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
