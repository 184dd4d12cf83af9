"""The plan's checklists: what is done, what is not, and what nobody has said yet.  Plan items PRE, DUR and POST.

=============  ================  ===========================================================
measured       a person's word   the item is
=============  ================  ===========================================================
done           any               confirmed
not done       any               not done: a person's word never turns it green
nothing        given             confirmed by that person, for this run only
nothing        none              not confirmed
=============  ================  ===========================================================
"""

from collections.abc import Callable
from dataclasses import dataclass

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, NothingToProve
from pam_rollback.core.figures import Fact, Measured

CONFIRMED = "confirmed"
NOT_DONE = "NOT DONE"
NOT_CONFIRMED = "NOT CONFIRMED"
ONLY_A_PERSON = "only a person can say so"


@dataclass(frozen=True)
class Finding:
    """What this session measured of an item."""

    done: bool
    words: str


@dataclass(frozen=True, repr=False)
class ChecklistItem(Fact):
    """One line of a checklist. ``finding`` is None when nothing was measured, and ``why_not`` says why."""

    id: str
    title: str
    finding: Finding | None = None
    why_not: str = ONLY_A_PERSON
    vouched: str = ""
    """Who vouches for it in this run, and with which evidence; empty: nobody."""

    @classmethod
    def of(cls, identifier: str, title: str, measure: Callable[[], Finding] | None, vouched: str) -> "ChecklistItem":
        """Measure where something can; what keeps us from measuring leaves the item to a person."""
        if measure is None:
            return cls(identifier, title, vouched=vouched)
        try:
            return cls(identifier, title, measure(), vouched=vouched)
        except (MeasurementFailed, NothingToProve, ActionFailed) as error:
            return cls(identifier, title, why_not=str(error), vouched=vouched)

    @property
    def confirmed(self) -> bool:
        """It is done. Raises MeasurementFailed when nothing was measured and nobody vouches: not confirmed is neither."""
        if self.finding is not None:
            return self.finding.done
        if self.vouched:
            return True
        raise MeasurementFailed(str(self))

    @property
    def state(self) -> str:
        """In a word."""
        if self.finding is not None:
            return CONFIRMED if self.finding.done else NOT_DONE
        return CONFIRMED if self.vouched else NOT_CONFIRMED

    @property
    def words(self) -> str:
        """Who or what confirms it, or what is open."""
        if self.finding is None:
            return f"by a person: {self.vouched}" if self.vouched else self.why_not
        if self.vouched and not self.finding.done:
            return f"{self.finding.words}; a person says otherwise ({self.vouched}), and what was measured counts"
        return f"measured: {self.finding.words}"

    @property
    def measured(self) -> Measured:
        """For the list of the checklist."""
        ack = f'; a person may vouch for it: --ack {self.id}="who: evidence"' if self.state == NOT_CONFIRMED else ""
        said = f"{self.state}: {self.words}{ack}"
        return Measured(self.title, asked=CONFIRMED, value=self.state, definition=self.words, sentence=said)
