"""From what happened to each test to one verdict and one exit code. Source: the "Verdicts" section of the design."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from pam_rollback.core.errors import ActionFailed, Refused, UndoFailed


class ExitCode(IntEnum):
    """What a session of checks, drills or gates ends with. pytest's own codes 2 to 5 are kept."""

    GO = 0
    NO_GO = 10
    INCONCLUSIVE = 11
    ACTION_FAILED = 12
    REFUSED = 13
    UNDO_FAILED = 14


class Outcome(Enum):
    """What one test, or one fixture, told us. The value is what people read."""

    PASSED = "passed"
    BROKEN_CRITERION = "broken criterion"
    ACTION_FAILED = "action failed"
    UNDO_FAILED = "undo failed"
    REFUSED = "refused"
    UNKNOWN = "could not measure"
    NOT_RUN = "not run"
    KNOWN = "known before"
    """Red, as it was before; somebody answers for it until a day."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that this outcome alone would give."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Outcome.PASSED: ExitCode.GO,
    Outcome.BROKEN_CRITERION: ExitCode.NO_GO,
    Outcome.ACTION_FAILED: ExitCode.ACTION_FAILED,
    Outcome.UNDO_FAILED: ExitCode.UNDO_FAILED,
    Outcome.REFUSED: ExitCode.REFUSED,
    Outcome.UNKNOWN: ExitCode.INCONCLUSIVE,
    Outcome.NOT_RUN: ExitCode.INCONCLUSIVE,
    Outcome.KNOWN: ExitCode.GO,
}

WORST_FIRST = (
    Outcome.UNDO_FAILED,
    Outcome.ACTION_FAILED,
    Outcome.REFUSED,
    Outcome.BROKEN_CRITERION,
    Outcome.UNKNOWN,
    Outcome.NOT_RUN,
    Outcome.KNOWN,
    Outcome.PASSED,
)
_CODES_WORST_FIRST = tuple(dict.fromkeys(outcome.exit_code for outcome in WORST_FIRST))

VERDICT_WORDS = {
    ExitCode.GO: "GO",
    ExitCode.NO_GO: "NO-GO",
    ExitCode.INCONCLUSIVE: "INCONCLUSIVE",
    ExitCode.ACTION_FAILED: "ACTION FAILED",
    ExitCode.REFUSED: "REFUSED",
    ExitCode.UNDO_FAILED: "UNDO FAILED",
}


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code that decides: 14, 12, 13, 10, 11, then 0. Nothing at all is INCONCLUSIVE, never GO."""
    seen = set(codes)
    return next((code for code in _CODES_WORST_FIRST if code in seen), ExitCode.INCONCLUSIVE)


def classify(error: BaseException, *, in_test_body: bool) -> Outcome:
    """What a failure means, by its exception and by where it was raised.

    Only an assertion in the body of a test says that the criterion is broken; the same error in a fixture means that we do not know.
    """
    if isinstance(error, UndoFailed):
        return Outcome.UNDO_FAILED
    if isinstance(error, ActionFailed):
        return Outcome.ACTION_FAILED
    if isinstance(error, Refused):
        return Outcome.REFUSED
    if in_test_body and isinstance(error, AssertionError):
        return Outcome.BROKEN_CRITERION
    return Outcome.UNKNOWN


COUNTED: Mapping[Outcome, tuple[str, str]] = {
    Outcome.BROKEN_CRITERION: ("criterion broken", "criteria broken"),
    Outcome.ACTION_FAILED: ("test met a failed action", "tests met a failed action"),
    Outcome.UNDO_FAILED: ("undo failed", "undos failed"),
    Outcome.REFUSED: ("refusal", "refusals"),
    Outcome.UNKNOWN: ("test could not measure", "tests could not measure"),
    Outcome.NOT_RUN: ("test not run", "tests not run"),
}
"""What a number of outcomes is called, one and many; in the order in which they are told."""

NOTHING_PASSED = "no test that decides has passed"


def counted(outcomes: Iterable[Outcome]) -> list[str]:
    """How often each outcome other than passed was seen, in words."""
    seen = Counter(outcomes)
    return [f"{seen[outcome]} {words[seen[outcome] > 1]}" for outcome, words in COUNTED.items() if seen[outcome]]


def counted_criteria(broken: Sequence[Collection[str]]) -> str:
    """How many criteria are broken, by the ids on each broken test; one without an id stands for itself. Several tests can ask for one."""
    found = len({item for items in broken for item in items}) + sum(not items for items in broken)
    told = f"{found} {COUNTED[Outcome.BROKEN_CRITERION][found > 1]}"
    return told if found == len(broken) else f"{told} ({len(broken)} test{'s' if len(broken) > 1 else ''})"


@dataclass(frozen=True)
class Cause:
    """One thing that keeps a session from being a GO: what it alone would end it with, and why. Raises ValueError without a reason."""

    code: ExitCode
    why: str

    def __post_init__(self) -> None:
        if self.code is ExitCode.GO or not self.why.strip():
            raise ValueError(f"expected a reason for an ending other than GO, found {self.code.name}: {self.why!r}")


@dataclass(frozen=True)
class Ending:
    """What a session ends with. Whatever is not GO has a reason, because it is made of its causes."""

    code: ExitCode
    why: tuple[str, ...]
    """Every cause of this code, in the order found."""

    @classmethod
    def of(cls, causes: Iterable[Cause]) -> "Ending":
        """The worst of the causes decides. Without any it is a GO."""
        found = tuple(causes)
        if not found:
            return cls(ExitCode.GO, ())
        code = worst(cause.code for cause in found)
        return cls(code, tuple(dict.fromkeys(cause.why for cause in found if cause.code is code)))


def causes_of_outcomes(outcomes: Iterable[Outcome]) -> list[Cause]:
    """The causes in what the deciding tests said; where none of them passed, that is one too."""
    found = list(outcomes)
    causes = [
        Cause(outcome.exit_code, counted([one for one in found if one is outcome])[0])
        for outcome in COUNTED
        if outcome in found
    ]
    return causes if Outcome.PASSED in found else [*causes, Cause(ExitCode.INCONCLUSIVE, NOTHING_PASSED)]
