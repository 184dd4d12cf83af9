"""Is the data still whole when the window is over?  Plan item SC-4.

Damage does not heal by itself: what was damaged at any moment of the window, and not put right, is still damaged at its end. So every
invariant that is not advisory is asked once more then, and that one answer stands for the whole window. What was unknown stays unknown,
but damage that was found counts whatever else is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.target.invariants import InvariantResult

_SHOWN = 3


@dataclass(frozen=True, repr=False)
class HeldData(Fact):
    """What came of every invariant, asked ``after_s`` seconds into the window; ``unknown`` says why some could not be."""

    results: tuple[InvariantResult, ...]
    unknown: Mapping[str, str]
    after_s: float
    left_out: Mapping[str, str] = field(default_factory=dict)
    """What was not asked, since there is nothing to hold it against, and what would change that."""

    @property
    def damaged(self) -> tuple[InvariantResult, ...]:
        """Those that do not hold."""
        return tuple(result for result in self.results if not result.holds)

    @property
    def broken(self) -> int:
        """How many do not hold. Raises MeasurementFailed when none is broken and one is not known, or none was asked."""
        if not self.damaged and (self.unknown or not self.results):
            raise MeasurementFailed(str(self))
        return len(self.damaged)

    @property
    def measured(self) -> Measured:
        """How many are broken."""
        return Measured(
            what="invariants broken when the window was over",
            asked="0",
            value=len(self.damaged),
            n=len(self.results),
            margin=-len(self.damaged),
            definition=(
                f"asked after {self.after_s:.0f} s, {sum(result.looked_at for result in self.results)} rows looked at{self._not_asked}"
            ),
            sentence=self._sentence,
        )

    @property
    def _sentence(self) -> str:
        asked = f"{len(self.results)} invariants asked after {self.after_s:.0f} s of the window"
        if self.damaged:
            shown = "; ".join(map(str, self.damaged[:_SHOWN]))
            hidden = len(self.damaged) - _SHOWN
            return f"{len(self.damaged)} of {asked} are broken: {shown}" + (
                f"; and {hidden} more" if hidden > 0 else ""
            )
        if self.unknown:
            return f"{asked}, not known are {len(self.unknown)} more: {'; '.join(self.unknown.values())}"
        return (
            f"all of {asked} hold{self._not_asked}" if self.results else "no invariant was asked, so nothing is proven"
        )

    @property
    def _not_asked(self) -> str:
        return "".join(f"; left out: {name}: {why}" for name, why in self.left_out.items())
