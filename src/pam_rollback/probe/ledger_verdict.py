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

In one module: the rules above, and the counts and sentences in which they come out.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.probe.ledger_config import Write, WriteKind


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


@dataclass(frozen=True, repr=False)
class LedgerVerdict(Fact):
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
    unproven: str = ""
    """What was not written, so that its loss would not be noticed: a condition of the verdict."""

    def allowing(self, lost_max: int) -> "LedgerVerdict":
        """The same, where so many writes may be gone. None may be altered or there twice."""
        allowed = self.lost + self.moved <= lost_max and not self.altered and not self.duplicated
        intact = LedgerState.UNKNOWN if self.reasons else LedgerState.KEPT
        return replace(self, lost_max=lost_max, state=intact if allowed else self.state)

    @property
    def gone(self) -> int:
        """How many are lost or stand under another user. Raises MeasurementFailed when that is not known, and nothing was found damaged."""
        if self.state is LedgerState.UNKNOWN:
            raise MeasurementFailed(str(self))
        return self.lost + self.moved

    @property
    def kept(self) -> bool:
        """No more than allowed are gone, and none is altered or there twice. Raises MeasurementFailed as ``gone`` does."""
        return self.gone <= self.lost_max and not self.altered and not self.duplicated

    @property
    def measured(self) -> Measured:
        """The counts, with the first of what is damaged."""
        counts = (
            f"{self.acknowledged} acknowledged writes: {self.present} present, {self.lost} lost, {self.moved} moved, "
            f"{self.altered} altered, {self.duplicated} duplicated, {self.unread} unread; "
            f"unacknowledged: {self.recovered} recovered, {self.indeterminate} indeterminate"
        )
        damaged = (*self.lost_markers, *self.moved_markers, *self.altered_markers, *self.duplicated_markers)
        allowed = f"{self.lost_max} may be lost" if self.lost_max else ""
        reach = f"the loss reaches {self.rpo_s:.1f} s back, {self.cut}" if self.rpo_s is not None and self.lost else ""
        parts = (allowed, reach, ", ".join(damaged[:5]), *self.reasons)
        return Measured(
            what="acknowledged writes lost, moved, altered or doubled",
            asked=f"at most {self.lost_max} lost or moved, else 0" if self.lost_max else "0",
            value=self.lost + self.moved + self.altered + self.duplicated,
            n=self.acknowledged,
            sentence=f"{self.state}: {counts}" + "".join(f"; {part}" for part in parts if part),
        )

    @property
    def details(self) -> tuple[Measured]:
        """What stands beside the count: how far back the loss reaches (RPO-1). Where no write may be lost, no second may be."""
        reach_s, settings_s = self.rpo_s, self.configuration_loss_s
        told = (
            "not known: " + "; ".join(self.reasons) if reach_s is None else self.cut,
            f"of settings {settings_s:.2f} s" if settings_s else "",
        )
        reach = Measured(
            what="how far back acknowledged writes are lost",
            asked="reported" if self.lost_max else "0 s",
            value=None if reach_s is None else round(reach_s, 2),
            unit="s",
            n=self.acknowledged,
            margin=None if reach_s is None or self.lost_max else 0.0 - round(reach_s, 2),
            definition="; ".join(filter(None, told)),
        )
        return (reach,)


def judge(
    writes: Iterable[Write],
    reading: FinalReading | None,
    *,
    moments_s: Sequence[float] = (),
    hole_max_s: float = 2.0,
    moved: Mapping[WriteKind, Iterable[str]] | None = None,
) -> LedgerVerdict:
    """Judge every write against the final reading.

    ``moments_s`` are the moments around which nothing may go unobserved (each step of an action): a write must have
    been acknowledged within ``hole_max_s`` before and after each. The loss reaches to the first of them after the newest
    lost write, or where there is none to that write, which is the least that can be proven. ``moved`` are markers that
    were found under another user.
    """
    writes = tuple(writes)
    acked = [write for write in writes if write.acked_s is not None]
    rows: dict[tuple[WriteKind, str], list[str]] = {}
    for row in reading.rows if reading else ():
        rows.setdefault((row.kind, row.marker), []).append(row.value)
    elsewhere = {(kind, marker) for kind, markers in (moved or {}).items() for marker in markers}
    fates: dict[_Fate, list[Write]] = {fate: [] for fate in _Fate}
    if reading is not None:
        for write in acked:
            if not write.kind.is_register and write.kind not in reading.unread:
                key = (write.kind, write.marker)
                fate = _Fate.MOVED if key in elsewhere else _fate(write.value, rows.get(key, []))
                fates[fate].append(write)
        for kind in WriteKind:
            if kind.is_register and kind not in reading.unread:
                held = next((row.value for row in reading.rows if row.kind is kind), None)
                for write, fate in _of_a_register([write for write in writes if write.kind is kind], held):
                    fates[fate].append(write)
    own = {(write.kind, write.marker) for write in writes}
    strangers = sum(len(values) for key, values in rows.items() if not key[0].is_register and key not in own)
    reasons = tuple(_reasons(acked, reading, strangers, moments_s, hole_max_s))
    there = rows.keys() - elsewhere
    recovered = sum(write.acked_s is None and (write.kind, write.marker) in there for write in writes)
    lost, altered = (sorted(fates[fate], key=lambda write: write.seq) for fate in (_Fate.LOST, _Fate.ALTERED))
    damaged = any(found for fate, found in fates.items() if fate is not _Fate.PRESENT)
    cut_s, cut = _cut(_moments(lost), moments_s)
    settings = [write for write in lost if write.kind.is_register]
    return LedgerVerdict(
        state=LedgerState.DAMAGED if damaged else LedgerState.UNKNOWN if reasons else LedgerState.KEPT,
        reasons=reasons,
        acknowledged=len(acked),
        present=len(fates[_Fate.PRESENT]),
        lost=len(lost),
        moved=len(fates[_Fate.MOVED]),
        altered=len(altered),
        duplicated=len(fates[_Fate.DUPLICATED]),
        unread=len(acked) - sum(map(len, fates.values())),
        indeterminate=len(writes) - len(acked) - recovered,
        recovered=recovered,
        lost_markers=tuple(write.marker for write in lost),
        moved_markers=tuple(write.marker for write in fates[_Fate.MOVED]),
        altered_markers=tuple(write.marker for write in altered),
        duplicated_markers=tuple(write.marker for write in fates[_Fate.DUPLICATED]),
        cut=cut,
        rpo_s=_reach_back_s(_moments(lost), cut_s) if lost or not reasons else None,
        configuration_loss_s=_reach_back_s(_moments(settings), cut_s) if settings or not reasons else None,
    )


class _Fate(Enum):
    """What became of one acknowledged write."""

    PRESENT = auto()
    LOST = auto()
    MOVED = auto()
    ALTERED = auto()
    DUPLICATED = auto()


def _fate(value: str, found: Sequence[str]) -> _Fate:
    if not found:
        return _Fate.LOST
    if any(one != value for one in found):
        return _Fate.ALTERED
    return _Fate.PRESENT if len(found) == 1 else _Fate.DUPLICATED


def _of_a_register(writes: Sequence[Write], held: str | None) -> Iterator[tuple[Write, _Fate]]:
    """Each acknowledged write to a register, with its fate: it holds one of them, and the later ones are lost."""
    acked = [write for write in writes if write.acked_s is not None]
    known = next((write for write in writes if write.value == held), None)
    for write in acked:
        if held is None:
            yield write, _Fate.LOST
        elif known is None:
            yield write, _Fate.ALTERED if write is acked[-1] else _Fate.PRESENT
        else:
            yield write, _Fate.LOST if write.seq > known.seq and known.acked_s is not None else _Fate.PRESENT


def _reasons(
    acked: Sequence[Write],
    reading: FinalReading | None,
    strangers: int,
    moments_s: Sequence[float],
    hole_max_s: float,
) -> Iterator[str]:
    """Every reason for which a loss could have gone unseen."""
    moments = sorted(_moments(acked))
    if not moments:
        yield "no write was acknowledged"
    for number, moment_s in enumerate(moments_s, 1):
        before = _any_between(moments, moment_s - hole_max_s, moment_s)
        after = _any_between(moments, moment_s, moment_s + hole_max_s)
        if not (before and after):
            sides = " and ".join(name for name, there in (("before", before), ("after", after)) if not there)
            change = f"change {number} of {len(moments_s)}" if len(moments_s) > 1 else "the change"
            yield f"no write acknowledged within {hole_max_s:g} s {sides} {change}: a hole hides a loss"
    if reading is None:
        yield "there was no final reading"
        return
    if moments and reading.started_s < moments[-1]:
        yield "the final reading began before the last acknowledgement"
    for kind, why in reading.unread.items():
        if any(write.kind is kind for write in acked):
            yield f"the final reading of {kind} is not complete: {why}"
    if strangers:
        yield f"{strangers} rows carry markers of this ledger that it does not know: its file is not complete"


def _moments(writes: Iterable[Write]) -> list[float]:
    return [write.acked_s for write in writes if write.acked_s is not None]


def _any_between(moments: Sequence[float], first_s: float, last_s: float) -> bool:
    place = bisect_left(moments, first_s)
    return place < len(moments) and moments[place] <= last_s


def _cut(lost_s: Sequence[float], moments_s: Sequence[float]) -> tuple[float | None, str]:
    """When what is lost was lost, and which moment that is."""
    if not lost_s:
        return None, ""
    newest = max(lost_s)
    step_s = min((moment for moment in moments_s if moment >= newest), default=None)
    if step_s is None:
        return newest, "to the newest lost write, the least that can be proven"
    return step_s, "to the end of the step that follows the newest lost write"


def _reach_back_s(lost_s: Sequence[float], cut_s: float | None) -> float:
    """How far back the loss reaches; 0 when there is none."""
    return cut_s - min(lost_s) if lost_s and cut_s is not None else 0.0
