"""One call to the product's own emergency endpoint, and what came of it.

Strategy 6 of the plan. The plan's command looks at no answer, and does nothing at all when the API is the thing that is down. Done here:
the answer judged, the flags read back, the outcome evaluated for many users. The way past a product that is down is in ``drills/``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, UnreadableAnswer
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.rollback.flag_facts import OFF, Evaluation, FlagOutcome, Switched
from pam_rollback.rollback.flags import FlagRollback, Flags, note_setting, owe_flags
from pam_rollback.rollback.journal import Journal
from pam_rollback.target.pam_api import EmergencyCall
from pam_rollback.target.served_release import Served


@dataclass(frozen=True, repr=False)
class Took(Fact):
    """Which way was taken in the end, and why not the first one."""

    past_the_product: bool
    problem: str = ""

    @property
    def measured(self) -> Measured:
        """The way, with the problem."""
        way = "past the product" if self.past_the_product else "taken by the product"
        said = f"{way}: {self.problem}" if self.problem else way
        return Measured(what="the emergency call", asked="taken by the product", value=said, sentence=said)


@dataclass(frozen=True)
class EmergencyRollback(FlagRollback):
    """The facts of one emergency rollback."""

    took: Took
    served: Served | None
    """What the back end serves, where the way past the product was taken."""


@dataclass(frozen=True)
class Emergency:
    """The emergency call; what is None the environment does not have. All of it raises ActionFailed."""

    endpoint: EmergencyCall
    flags: Flags | None
    journal: Journal

    def read(self) -> FlagOutcome:
        """Read the flags, for the way back. An emergency does not wait for it."""
        if self.flags is None:
            self.journal.warn("undo", "this environment has no flag API: how the flags were before is not known")
            return FlagOutcome({}, "nobody can read them here")
        try:
            return self.flags.read()
        except ActionFailed as error:
            self.journal.warn(
                "undo", f"how the flags were before is not known ({error}); a person has to set them again"
            )
            raise

    def call(self, before: FlagOutcome | None, reason: str, initiated_by: str) -> str:
        """Make the call; what is owed for it is written down first. Raises ProductDown when the product cannot take it."""
        flags = before.flags if before is not None else {}
        if flags and all(flag == OFF for flag in flags.values()):
            return "nothing to change: all flags are off already"
        if flags:
            owe_flags(self.journal, flags)
            note_setting(self.journal, dict.fromkeys(flags, OFF))
        try:
            return self.endpoint.call(reason, initiated_by)
        except UnreadableAnswer as unclear:
            if self.flags is None:
                raise  # nobody can look whether it was done
            return f"whether it was done is not known ({unclear}): the flags are read back"

    def read_back(self, before: FlagOutcome | None) -> FlagOutcome:
        """Wait until the flags are off."""
        if self.flags is None:
            return FlagOutcome({}, "accepted; nobody can read the flags here, users are evaluated")
        names = (before.flags if before is not None else {}) or self.flags.read().flags
        return self.flags.read_back(Switched(dict.fromkeys(names, OFF)))

    def evaluate(self, flags: FlagOutcome | None, users: Sequence[str]) -> Evaluation:
        """Ask what users get of the flags. Raises MeasurementFailed."""
        if self.flags is None or flags is None or not flags.flags:
            raise MeasurementFailed("which flags there are is not known")
        return self.flags.evaluate(dict.fromkeys(flags.flags, OFF), users)
