"""What a ledger wrote, and what became of each write as far as the product has answered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from pam_rollback.base.errors import MeasurementFailed


class WriteKind(StrEnum):
    """What is written through the product."""

    EXPENSE = "expense"
    CHAT = "chat"
    SETTING = "setting"
    FORGET = "deletion of the history"
    PROFILE = "profile"
    TICKET = "ticket"

    @property
    def is_register(self) -> bool:
        """Whether a write replaces the one before, instead of standing beside it."""
        return self is WriteKind.SETTING


@dataclass(frozen=True, slots=True)
class Write:
    """One write of the ledger. Moments are monotonic seconds."""

    seq: int
    """Its place in the ledger, from 0."""
    kind: WriteKind
    marker: str
    value: str
    """What the product has to give back under this marker."""
    sent_s: float
    acked_s: float | None = None
    why: str = ""
    """Why there was no acknowledgement, as far as is known."""
    seen_s: float | None = None
    """When it was first shown where users read, as far as somebody looked."""
    unseen: str = ""
    """What was shown instead, for as long as it may take."""


class Writes:
    """The writes of one ledger in the order in which they were sent."""

    def __init__(self, writes: Iterable[Write] = ()) -> None:
        """Take these writes; their numbers have to be their places. Raises MeasurementFailed as ``announce`` does."""
        self._writes: list[Write] = []
        self._markers: set[tuple[WriteKind, str]] = set()
        for write in writes:
            self.announce(write)

    def announce(self, write: Write) -> None:
        """Enter a write that is being sent.

        Raises MeasurementFailed when its number is not the next one or its marker stood for another write already: then the
        ledger is not complete, and who is lost could not be said.
        """
        if write.seq != len(self):
            raise MeasurementFailed(
                f"write {write.seq} follows upon {len(self) - 1}: the ledger's record is not complete"
            )
        if (write.kind, write.marker) in self._markers:
            raise MeasurementFailed(f"the marker {write.marker} stands for two writes: the record is damaged")
        self._markers.add((write.kind, write.marker))
        self._writes.append(write)

    def acknowledge(self, seq: int, at_s: float) -> None:
        """Enter the product's acknowledgement. IndexError for a write that was never announced."""
        self._writes[seq] = replace(self._writes[seq], acked_s=at_s)

    def leave_open(self, seq: int, why: str) -> None:
        """Enter why a write was not acknowledged. IndexError for a write that was never announced."""
        self._writes[seq] = replace(self._writes[seq], why=why)

    def look(self, seq: int, seen_s: float | None, unseen: str = "") -> None:
        """Enter what users were shown of a write. IndexError for a write that was never announced."""
        self._writes[seq] = replace(self._writes[seq], seen_s=seen_s, unseen=unseen)

    def __len__(self) -> int:
        return len(self._writes)

    def __iter__(self) -> Iterator[Write]:
        return iter(self._writes)

    @property
    def acknowledged(self) -> int:
        """How many of them were acknowledged."""
        return sum(write.acked_s is not None for write in self._writes)
