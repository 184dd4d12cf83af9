"""What became of the writes that the product acknowledged.

Present, lost, moved to another user, altered or duplicated (Jepsen's set-full classes, and a class of ours).

Rules (plan items on the recovery point objective):

* Every acknowledged write is exactly one of present, moved, altered, duplicated or lost. *Moved* is what stands under
  another user: for whoever wrote it, it is gone. A write whose acknowledgement never
  came is counted apart: *recovered* when it is there all the same, else *indeterminate*. It is never lost.
* Rows are a set: each write has a marker of its own. A register (a setting that is overwritten) holds one value:
  acknowledged writes up to the one that it holds are present (superseded), later ones are lost. A register that holds
  an unacknowledged write lost nothing that could be proven. Anything else in it is an alteration of the last
  acknowledged write.
* A hole hides a loss: without an acknowledged write shortly before and after every moment that matters, without a
  complete final reading that began after the last acknowledgement, or without any acknowledged write, the verdict is
  *unknown*. A loss that was found stands all the same.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.ledger.rules.ledger_writes import KINDS, Write, WriteKind, Writes

_MORE_THAN_ONCE = 2

Rows = tuple[list[str], list[str]]
"""Rows that were found, in two columns of the same length: the markers and the values."""


class LedgerState(StrEnum):
    """What can be said of the acknowledged writes as a whole."""

    KEPT = "kept"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """One row that the final reading found under a marker of this ledger."""

    kind: WriteKind
    marker: str
    value: str
    row_id: str | None = None


@dataclass(frozen=True)
class FinalReading:
    """Everything of the ledger that the product gave back after the last write."""

    started_s: float
    rows: tuple[Found, ...]
    unread: Mapping[WriteKind, str] = field(default_factory=dict)
    """The kinds that could not be read to the end, and why."""

    def rows_of(self, kind: WriteKind) -> Rows:
        """The rows of a kind as ``Audit.see`` takes them."""
        found = [row for row in self.rows if row.kind is kind]
        return [row.marker for row in found], [row.value for row in found]


@dataclass(frozen=True, repr=False)
class LedgerVerdict(Sentence):
    """Counts and evidence.

    ``present``, ``lost``, ``moved``, ``altered``, ``duplicated`` and ``unread`` add up to ``acknowledged``.
    """

    state: LedgerState
    reasons: tuple[str, ...]
    """Why the state is unknown, or would be if nothing had been found damaged."""
    acknowledged: int
    present: int
    lost: int
    moved: int
    """Writes that stand under another user."""
    altered: int
    duplicated: int
    unread: int
    """Acknowledged writes of which the final reading can say nothing."""
    indeterminate: int
    recovered: int
    lost_markers: tuple[str, ...]
    moved_markers: tuple[str, ...]
    altered_markers: tuple[str, ...]
    duplicated_markers: tuple[str, ...]
    rpo_s: float | None
    """From the oldest lost write's acknowledgement to the cut; 0 when nothing was lost, None when that is unknown."""
    cut: str
    """Which moment the cut is, in words; empty when nothing was lost."""
    configuration_loss_s: float | None
    """The same over settings only; the plan has an objective of its own for them."""
    lost_max: int = 0
    """How many acknowledged writes may be gone (RPO-1)."""

    def allowing(self, lost_max: int) -> "LedgerVerdict":
        """The same, where so many writes may be gone. None may be altered or there twice."""
        allowed = self.lost + self.moved <= lost_max and not self.altered and not self.duplicated
        intact = LedgerState.UNKNOWN if self.reasons else LedgerState.KEPT
        return replace(self, lost_max=lost_max, state=intact if allowed else self.state)

    @property
    def kept(self) -> bool:
        """Whether no more than allowed was lost, and nothing altered or duplicated. Raises MeasurementFailed when that is not known."""
        if self.state is LedgerState.UNKNOWN:
            raise MeasurementFailed(str(self))
        return self.state is LedgerState.KEPT

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="acknowledged writes lost, moved, altered or doubled",
            asked=f"at most {self.lost_max} lost or moved, else 0" if self.lost_max else "0",
            measured=self.lost + self.moved + self.altered + self.duplicated,
            n=self.acknowledged,
        )

    @property
    def details(self) -> tuple["LossReach"]:
        """What stands beside the count: how far back the loss reaches."""
        return (LossReach(self),)

    def __str__(self) -> str:
        counts = (
            f"{self.acknowledged} acknowledged writes: {self.present} present, {self.lost} lost, {self.moved} moved, "
            f"{self.altered} altered, {self.duplicated} duplicated, {self.unread} unread; "
            f"unacknowledged: {self.recovered} recovered, {self.indeterminate} indeterminate"
        )
        damaged = (*self.lost_markers, *self.moved_markers, *self.altered_markers, *self.duplicated_markers)
        allowed = f"{self.lost_max} may be lost" if self.lost_max else ""
        reach = f"the loss reaches {self.rpo_s:.1f} s back, {self.cut}" if self.rpo_s is not None and self.lost else ""
        parts = (allowed, reach, ", ".join(damaged[:5]), *self.reasons)
        return f"{self.state}: {counts}" + "".join(f"; {part}" for part in parts if part)


@dataclass(frozen=True)
class LossReach:
    """RPO-1 in seconds: how far back the loss reaches. Where no write may be lost, no second may be."""

    verdict: LedgerVerdict

    @property
    def figures(self) -> Figures:
        """For the table of criteria, beside the count."""
        verdict, reach_s = self.verdict, self.verdict.rpo_s
        settings_s = verdict.configuration_loss_s
        return Figures(
            what="how far back acknowledged writes are lost",
            asked="reported" if verdict.lost_max else "0 s",
            measured=None if reach_s is None else round(reach_s, 2),
            unit="s",
            n=verdict.acknowledged,
            margin=None if reach_s is None or verdict.lost_max else 0.0 - round(reach_s, 2),
            definition="; ".join(
                filter(
                    None,
                    (
                        "not known: " + "; ".join(verdict.reasons) if reach_s is None else verdict.cut,
                        f"of settings {settings_s:.2f} s" if settings_s else "",
                    ),
                )
            ),
        )


class Audit:
    """Judges a complete ledger while what the product still has is streamed past it: no row is kept."""

    def __init__(self, writes: Writes) -> None:
        self._writes = writes
        self._times = bytearray(len(writes))
        """How often the row of each write was seen: not, once, more than once."""
        self._altered: set[int] = set()
        self._moved: set[int] = set()
        self._held: dict[WriteKind, str] = {}
        """What each register holds."""
        self._strangers = 0

    def see(self, kind: WriteKind, blocks: Iterable[Rows]) -> None:
        """Take all rows of one kind that were found under markers of this ledger, in blocks. Once for each kind.

        The first row of a register is what it holds.
        """
        if kind.is_register:
            self._hold(kind, blocks)
            return
        # Column by column: a million rows one by one take three times as long as the database needs to give them out.
        places, values, times = self._writes.places(kind), self._writes.values, self._times
        for markers, found in blocks:
            known = [place for place in map(places.get, markers) if place is not None]
            if len(known) < len(markers):
                self._strangers += len(markers) - len(known)
                found = [value for marker, value in zip(markers, found, strict=True) if marker in places]  # noqa: PLW2901 - the rest of the block
            for place in known:
                times[place] = _MORE_THAN_ONCE if times[place] else 1
            if [*map(values.__getitem__, known)] != found:
                self._altered.update(place for place, value in zip(known, found, strict=True) if values[place] != value)

    def see_moved(self, kind: WriteKind, markers: Iterable[str]) -> None:
        """Take the markers of rows of this kind that were found under another user."""
        places = self._writes.places(kind)
        self._moved.update(places[marker] for marker in markers if marker in places)

    def _hold(self, kind: WriteKind, blocks: Iterable[Rows]) -> None:
        places = self._writes.places(kind)
        for markers, found in blocks:
            for marker, value in zip(markers, found, strict=True):
                self._held.setdefault(kind, value)
                if marker in places:
                    place = places[marker]
                    self._times[place] = min(self._times[place] + 1, _MORE_THAN_ONCE)

    def verdict(
        self,
        *,
        read_from_s: float | None,
        unread: Mapping[WriteKind, str] | None = None,
        moments_s: Sequence[float] = (),
        hole_max_s: float = 2.0,
        cut_s: float | None = None,
    ) -> LedgerVerdict:
        """Judge every write against what was seen.

        ``read_from_s`` is when the final reading began; None when there was none. ``unread`` are the kinds that could
        not be read to the end, and why. The rest is as in ``judge``.
        """
        writes, unread = self._writes, unread or {}
        tally = _Tally(lost=[], moved=[], altered=[], duplicated=[])
        if read_from_s is not None:
            self._judge_rows(tally, {kind for kind in KINDS if kind in unread or kind.is_register})
            for kind in KINDS:
                if kind.is_register and kind not in unread:
                    self._judge_register(tally, kind)
            tally.lost.sort()
            tally.altered.sort()
        recovered = sum(1 for place in writes.unacknowledged() if self._times[place] and place not in self._moved)
        reasons = tuple(self._reasons(read_from_s, unread, moments_s, hole_max_s))
        state = LedgerState.DAMAGED if tally.damaged else LedgerState.UNKNOWN if reasons else LedgerState.KEPT
        markers = iter(writes.markers([*tally.lost, *tally.moved, *tally.altered, *tally.duplicated]))
        lost_s = [writes.acked_s[place] for place in tally.lost]
        cut_s, cut = _cut(lost_s, moments_s, cut_s)
        settings_s = [writes.acked_s[place] for place in tally.lost if KINDS[writes.kinds[place]].is_register]
        return LedgerVerdict(
            state=state,
            reasons=reasons,
            acknowledged=writes.acknowledged,
            present=tally.present,
            lost=len(tally.lost),
            moved=len(tally.moved),
            altered=len(tally.altered),
            duplicated=len(tally.duplicated),
            unread=writes.acknowledged - tally.judged,
            indeterminate=len(writes) - writes.acknowledged - recovered,
            recovered=recovered,
            lost_markers=tuple(islice(markers, len(tally.lost))),
            moved_markers=tuple(islice(markers, len(tally.moved))),
            altered_markers=tuple(islice(markers, len(tally.altered))),
            duplicated_markers=tuple(markers),
            cut=cut,
            rpo_s=_reach_back_s(lost_s, cut_s) if lost_s or not reasons else None,
            configuration_loss_s=_reach_back_s(settings_s, cut_s) if settings_s or not reasons else None,
        )

    def _judge_rows(self, tally: "_Tally", left_out: set[WriteKind]) -> None:
        """Judge the acknowledged writes that stand beside each other, of the kinds that were read to the end.

        Only those with something to be said of are looked at one by one; the others are counted.
        """
        writes, times = self._writes, self._times
        unread = sum(writes.is_acknowledged(place) for kind in left_out for place in writes.places(kind).values())

        def judged(places: Iterable[int]) -> list[int]:
            return [
                place
                for place in places
                if KINDS[writes.kinds[place]] not in left_out and writes.is_acknowledged(place)
            ]

        moved, wrong = self._moved, self._moved | self._altered
        tally.lost += judged(place for place in _places_of(times, 0) if place not in moved)
        tally.moved += judged(sorted(moved))
        tally.altered += judged(sorted(self._altered - moved))
        tally.duplicated += judged(place for place in _places_of(times, _MORE_THAN_ONCE) if place not in wrong)
        tally.present += writes.acknowledged - unread - tally.damages

    def _judge_register(self, tally: "_Tally", kind: WriteKind) -> None:
        """Judge the acknowledged writes to a register: it holds one of them, and the later ones are lost."""
        writes = self._writes
        places = sorted(writes.places(kind).values())
        acked = [place for place in places if writes.is_acknowledged(place)]
        if kind not in self._held:
            tally.lost += acked
            return
        held = self._held[kind]
        known = next((place for place in places if writes.values[place] == held), None)
        if known is None:
            tally.present += max(0, len(acked) - 1)
            tally.altered += acked[-1:]
            return
        later = [place for place in acked if place > known and writes.is_acknowledged(known)]
        tally.lost += later
        tally.present += len(acked) - len(later)

    def _reasons(
        self,
        read_from_s: float | None,
        unread: Mapping[WriteKind, str],
        moments_s: Sequence[float],
        hole_max_s: float,
    ) -> Iterable[str]:
        """Every reason for which a loss could have gone unseen."""
        moments = sorted(filter(math.isfinite, self._writes.acked_s))
        if not moments:
            yield "no write was acknowledged"
        for moment_s in moments_s:
            before = _any_between(moments, moment_s - hole_max_s, moment_s)
            after = _any_between(moments, moment_s, moment_s + hole_max_s)
            if not (before and after):
                sides = " and ".join(name for name, there in (("before", before), ("after", after)) if not there)
                yield f"no write acknowledged within {hole_max_s:g} s {sides} {moment_s:.2f} s: a hole hides a loss"
        if read_from_s is None:
            yield "there was no final reading"
            return
        if moments and read_from_s < moments[-1]:
            yield "the final reading began before the last acknowledgement"
        for kind, why in unread.items():
            if self._has_acknowledged(kind):
                yield f"the final reading of {kind} is not complete: {why}"
        if self._strangers:
            yield f"{self._strangers} rows carry markers of this ledger that it does not know: its file is not complete"

    def _has_acknowledged(self, kind: WriteKind) -> bool:
        return any(map(self._writes.is_acknowledged, self._writes.places(kind).values()))


@dataclass
class _Tally:
    """Acknowledged writes by what became of them: places, and a count of those that are where they belong."""

    lost: list[int]
    moved: list[int]
    altered: list[int]
    duplicated: list[int]
    present: int = 0

    @property
    def damages(self) -> int:
        return len(self.lost) + len(self.moved) + len(self.altered) + len(self.duplicated)

    @property
    def damaged(self) -> bool:
        return self.damages > 0

    @property
    def judged(self) -> int:
        return self.present + self.damages


def judge(
    writes: Iterable[Write],
    reading: FinalReading | None,
    *,
    moments_s: Sequence[float] = (),
    hole_max_s: float = 2.0,
    cut_s: float | None = None,
    moved: Mapping[WriteKind, Iterable[str]] | None = None,
) -> LedgerVerdict:
    """Judge every write against the final reading.

    ``moments_s`` are the moments around which nothing may go unobserved (each step of an action): a write must have
    been acknowledged within ``hole_max_s`` before and after each. ``cut_s`` is the moment at which data can have been
    lost (a restore); None takes the first of the moments after the newest lost write, or where there is none that write,
    which is the least that can be proven. ``moved`` are markers that were found under another user.
    """
    audit = Audit(writes if isinstance(writes, Writes) else Writes(writes))
    for kind in KINDS:
        audit.see(kind, [reading.rows_of(kind)] if reading else [])
        audit.see_moved(kind, (moved or {}).get(kind, ()))
    return audit.verdict(
        read_from_s=None if reading is None else reading.started_s,
        unread={} if reading is None else reading.unread,
        moments_s=moments_s,
        hole_max_s=hole_max_s,
        cut_s=cut_s,
    )


def _places_of(times: bytearray, value: int) -> Iterable[int]:
    """Where this value stands."""
    place = times.find(value)
    while place >= 0:
        yield place
        place = times.find(value, place + 1)


def _any_between(moments: Sequence[float], first_s: float, last_s: float) -> bool:
    """Whether one of the sorted moments lies between these two, both included."""
    place = bisect_left(moments, first_s)
    return place < len(moments) and moments[place] <= last_s


def _cut(lost_s: Sequence[float], moments_s: Sequence[float], cut_s: float | None) -> tuple[float | None, str]:
    """When what is lost was lost, and which moment that is."""
    if not lost_s:
        return cut_s, ""
    if cut_s is not None:
        return cut_s, "to the restore"
    newest = max(lost_s)
    step_s = min((moment for moment in moments_s if moment >= newest), default=None)
    if step_s is None:
        return newest, "to the newest lost write, the least that can be proven"
    return step_s, "to the end of the step that follows the newest lost write"


def _reach_back_s(lost_s: Sequence[float], cut_s: float | None) -> float:
    """How far back the loss reaches; 0 when there is none."""
    if not lost_s:
        return 0.0
    return max(0.0, (max(lost_s) if cut_s is None else cut_s) - min(lost_s))
