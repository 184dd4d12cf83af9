"""What a ledger wrote, kept in columns.

A ledger of some hours has a million writes. As an object each they took more than a gigabyte; as columns they take some
250 bytes each, and a final reading can be streamed past them.
"""

import math
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress, repeat

from pam_rollback.base.errors import MeasurementFailed


class WriteKind(StrEnum):
    """What is written through the product."""

    EXPENSE = "expense"
    CHAT = "chat"
    SETTING = "setting"

    @property
    def is_register(self) -> bool:
        """Whether a write replaces the one before, instead of standing beside it."""
        return self is WriteKind.SETTING


KINDS = tuple(WriteKind)
"""By their number in ``Writes.kinds``."""
_NUMBERS = {kind.value: number for number, kind in enumerate(KINDS)}
_SAME_MAX = 50_000
"""So many different values are remembered, to keep only one of each."""


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


class Writes:
    """The writes of one ledger in the order in which they were sent. Iterating gives them as ``Write``."""

    def __init__(self, writes: Iterable[Write] = ()) -> None:
        """Take these writes; their numbers have to be their places. Raises MeasurementFailed as ``announce`` does."""
        self._kinds = bytearray()
        self._values: list[str] = []
        self._sent = array("d")
        self._acked = array("d")
        self._places: dict[WriteKind, dict[str, int]] = {kind: {} for kind in KINDS}
        self._same: dict[str, str] = {}
        self._reasons: dict[int, str] = {}
        self._acknowledged = 0
        for write in writes:
            self.announce(write.seq, write.kind, write.marker, write.value, write.sent_s)
            if write.acked_s is not None:
                self.acknowledge(write.seq, write.acked_s)
            elif write.why:
                self.leave_open(write.seq, write.why)

    def announce(self, seq: int, kind: WriteKind, marker: str, value: str, sent_s: float) -> None:
        """Enter a write that is being sent. Raises MeasurementFailed as ``announce_all`` does."""
        self.announce_all((seq,), (kind.value,), (marker,), (value,), (sent_s,))

    def announce_all(
        self,
        seqs: Sequence[int],
        kinds: Sequence[str],
        markers: Sequence[str],
        values: Sequence[str],
        sent_s: Sequence[float],
    ) -> None:
        """Enter writes that are being sent, column by column: a million of them take a second less than one by one.

        ``kinds`` are values of ``WriteKind``; its members would be hashed by a function in Python.

        Raises MeasurementFailed when a number is not the next one or a marker stood for another write already: then the
        ledger is not complete, and who is lost could not be said.
        """
        first = len(self._values)
        for place, seq in enumerate(seqs, first):
            if seq != place:
                raise MeasurementFailed(f"write {seq} follows upon {place - 1}: the ledger's record is not complete")
        for kind in set(kinds):
            places, own = self._places[WriteKind(kind)], list(map(kind.__eq__, kinds))
            known = len(places)
            places.update(zip(compress(markers, own), compress(seqs, own), strict=True))
            if len(places) != known + sum(own):
                raise MeasurementFailed(
                    f"one of {len(own)} markers from {markers[0]} on stands for two writes: the record is damaged"
                )
        if len(self._same) > _SAME_MAX:
            self._same.clear()
        # Amounts and categories repeat, and so would their strings.
        self._values += map(self._same.setdefault, values, values)
        self._kinds.extend(map(_NUMBERS.__getitem__, kinds))
        self._sent.extend(sent_s)
        self._acked.extend(repeat(math.nan, len(seqs)))

    def acknowledge(self, seq: int, at_s: float) -> None:
        """Enter the product's acknowledgement. IndexError for a write that was never announced."""
        self._acknowledged += math.isnan(self._acked[seq])
        self._acked[seq] = at_s

    def leave_open(self, seq: int, why: str) -> None:
        """Enter why a write was not acknowledged. IndexError for a write that was never announced."""
        self._acked[seq]
        self._reasons[seq] = why

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Write]:
        markers = self._markers_by_place()
        for seq, marker in enumerate(markers):
            acked_s = self._acked[seq]
            yield Write(
                seq=seq,
                kind=KINDS[self._kinds[seq]],
                marker=marker,
                value=self._values[seq],
                sent_s=self._sent[seq],
                acked_s=None if math.isnan(acked_s) else acked_s,
                why=self._reasons.get(seq, ""),
            )

    @property
    def acknowledged(self) -> int:
        """How many of them were acknowledged."""
        return self._acknowledged

    @property
    def kinds(self) -> Sequence[int]:
        """The number of each write's kind; see ``KINDS``."""
        return self._kinds

    @property
    def values(self) -> Sequence[str]:
        """What the product has to give back for each write."""
        return self._values

    @property
    def acked_s(self) -> Sequence[float]:
        """When each was acknowledged, in monotonic seconds; not a number where it was not."""
        return self._acked

    def is_acknowledged(self, place: int) -> bool:
        """Whether the write at this place was acknowledged."""
        return not math.isnan(self._acked[place])

    def unacknowledged(self) -> list[int]:
        """The places of the writes that were not."""
        return [place for place, acked_s in enumerate(self._acked) if math.isnan(acked_s)]

    def places(self, kind: WriteKind) -> Mapping[str, int]:
        """Say where the writes of a kind stand, by marker."""
        return self._places[kind]

    def markers(self, places: Collection[int]) -> tuple[str, ...]:
        """Give the markers of the writes at these places, in the order given."""
        if not places:
            return ()
        markers = self._markers_by_place()
        return tuple(markers[place] for place in places)

    def _markers_by_place(self) -> list[str]:
        markers = [""] * len(self)
        for places in self._places.values():
            for marker, place in places.items():
                markers[place] = marker
        return markers
