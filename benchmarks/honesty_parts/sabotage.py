"""What a sabotage is, and when a verdict on it is right."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from honesty_parts.lane import Lane

Value = str | float

TRUTHS: Mapping[str, frozenset[int]] = {
    "well": frozenset({0}),
    "broken": frozenset({10}),
    "must go back": frozenset({10}),
    "unknown": frozenset({11}),
    "not done": frozenset({12}),
    "refused": frozenset({13}),
    "not put back": frozenset({14}),
    "stopped": frozenset({12, 14}),
    "nothing ran": frozenset({4, 5, 11}),
    "not green": frozenset({2, 4, 5, 10, 11, 12, 13}),
}
"""What is really so, and the suite's exit codes that say it. Other tools know two verdicts: green, which only "well" deserves, and not."""

Experiment = Mapping[str, Any]


@dataclass(frozen=True)
class Sabotage:
    """One way to fool a verdict, or a healthy situation that must not be called ill."""

    name: str
    group: str
    truth: str
    """A key of ``TRUTHS``: what is really so."""
    ask: Sequence[str]
    """What pytest is called with, besides the environment and the folder of the run."""
    fault: str = ""
    """A fault of the sandbox, planted before and cleared after."""
    parameters: Mapping[str, Value] = field(default_factory=dict)
    prepare: Callable[[Lane], None] | None = None
    """What is done in place of a planted fault."""
    environment: str = "sandbox"
    """``sandbox``, or ``hostile``: a product whose every answer is written out."""
    variables: Mapping[str, str] = field(default_factory=dict)
    drive: Callable[["Sabotage", Lane], int] | None = None
    """For what one call of pytest cannot show, such as a kill and the undo after it: gives the exit code that counts."""
    chaos: Callable[[Lane], Experiment] | None = None
    """The same as an experiment of Chaos Toolkit; None where it has nothing for it."""
    chaos_signal: str = ""
    """A signal that the experiment gets once its method has begun."""
    plan: Callable[[Lane], Sequence[str]] | None = None
    """The same by the plan's own commands; None where it has none."""

    def right(self, code: int) -> bool:
        """Whether the suite's exit code tells the truth, not only "not green"."""
        return code in TRUTHS[self.truth]

    def right_of_two(self, code: int) -> bool:
        """The same for a tool that knows green and not green."""
        return (code == 0) == (self.truth == "well")
