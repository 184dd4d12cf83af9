"""How it stands with a criterion that is held for a time, and what every such verdict can be asked."""

import re
from enum import StrEnum

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Fact

_BEGINNING = re.compile(r"[:,;]? \(|[:,;] | from \+")
"""Where the first words of a reason end."""


class WindowState(StrEnum):
    """How it stands with a window."""

    HOLDING = "holding"
    MET = "met"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class WindowResult(Fact):
    """A verdict on a window. The test that asserts compares its ``number``."""

    state: WindowState
    reason: str
    cause: str = ""
    """What stood in its way, and in that of others."""

    @property
    def proviso(self) -> str:
        """Why its figure proves nothing, in a few words; empty where it does."""
        return _BEGINNING.split(self.reason, maxsplit=1)[0] if self.state is WindowState.UNKNOWN else ""

    def headed(self, what: str, found: str) -> str:
        """The first words of its sentence: the name that the table has for it, what was found if anything, and whether that counts."""
        if self.state is WindowState.UNKNOWN or not found:
            return f"{what}{' not known' if self.state is WindowState.UNKNOWN else ''}: {found or 'nothing measured'}"
        return f"{what} {found}{' so far' if self.state is WindowState.HOLDING else ''}"

    @property
    def final(self) -> bool:
        """Whether more observation cannot change the state."""
        return self.state is not WindowState.HOLDING

    @property
    def met(self) -> bool:
        """Whether the criterion held for its time. Raises MeasurementFailed when that is not known: unknown is neither."""
        if self.state in {WindowState.MET, WindowState.BROKEN}:
            return self.state is WindowState.MET
        raise self.not_known

    @property
    def not_known(self) -> MeasurementFailed:
        """What is raised for whoever asks for more than is known."""
        return MeasurementFailed(str(self), cause=self.cause)

    def decided(self, number: float | None) -> float:
        """The number that was measured, to compare. Raises MeasurementFailed while the window is neither met nor broken."""
        if number is None or self.state not in {WindowState.MET, WindowState.BROKEN}:
            raise self.not_known
        return number


def standing(broken: str, unknown: str, *, complete: bool) -> tuple[WindowState, str]:
    """The state, and why. Broken comes before unknown, and neither waits until the window is complete."""
    if broken:
        return WindowState.BROKEN, broken
    if unknown:
        return WindowState.UNKNOWN, unknown
    return (WindowState.MET if complete else WindowState.HOLDING), ""
