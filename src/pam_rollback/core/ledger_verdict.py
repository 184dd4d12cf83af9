"""What became of the writes that the product acknowledged.

Present, lost, altered or duplicated (Jepsen's set-full classes).

Rules (plan items on the recovery point objective):

* Every acknowledged write is exactly one of present, altered, duplicated or lost. A write whose acknowledgement never
  came is counted apart: *recovered* when it is there all the same, else *indeterminate*. It is never lost.
* Rows are a set: each write has a marker of its own. A register (a setting that is overwritten) holds one value:
  acknowledged writes up to the one that it holds are present (superseded), later ones are lost. A register that holds
  an unacknowledged write lost nothing that could be proven. Anything else in it is an alteration of the last
  acknowledged write.
* A hole hides a loss: without an acknowledged write shortly before and after every moment that matters, without a
  complete final reading that began after the last acknowledgement, or without any acknowledged write, the verdict is
  *unknown*. A loss that was found stands all the same.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Figures


class WriteKind(StrEnum):
    """What is written through the product."""

    EXPENSE = "expense"
    CHAT = "chat"
    SETTING = "setting"

    @property
    def is_register(self) -> bool:
        """Whether a write replaces the one before, instead of standing beside it."""
        return self is WriteKind.SETTING


class LedgerState(StrEnum):
    """What can be said of the acknowledged writes as a whole."""

    KEPT = "kept"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Write:
    """One write of the ledger. Moments are monotonic seconds."""

    seq: int
    kind: WriteKind
    marker: str
    value: str
    """What the product has to give back under this marker."""
    sent_s: float
    acked_s: float | None = None
    row_id: str | None = None
    why: str = ""
    """Why there was no acknowledgement, as far as is known."""


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
class LedgerVerdict:
    """Counts and evidence.

    ``present``, ``lost``, ``altered``, ``duplicated`` and ``unread`` add up to ``acknowledged``.
    """

    state: LedgerState
    reasons: tuple[str, ...]
    """Why the state is unknown, or would be if nothing had been found damaged."""
    acknowledged: int
    present: int
    lost: int
    altered: int
    duplicated: int
    unread: int
    """Acknowledged writes of which the final reading can say nothing."""
    indeterminate: int
    recovered: int
    lost_markers: tuple[str, ...]
    altered_markers: tuple[str, ...]
    duplicated_markers: tuple[str, ...]
    rpo_s: float | None
    """From the oldest lost write's acknowledgement to the cut; 0 when nothing was lost, None when that is unknown."""
    configuration_loss_s: float | None
    """The same over settings only; the plan has an objective of its own for them."""

    @property
    def kept(self) -> bool:
        """Whether nothing was lost, altered or duplicated. Raises MeasurementFailed when that is not known."""
        if self.state is LedgerState.UNKNOWN:
            raise MeasurementFailed(str(self))
        return self.state is LedgerState.KEPT

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(
            what="acknowledged writes lost, altered or doubled",
            asked="0",
            measured=self.lost + self.altered + self.duplicated,
            n=self.acknowledged,
        )

    def __str__(self) -> str:
        """One line for people and assertion messages."""
        counts = (
            f"{self.acknowledged} acknowledged writes: {self.present} present, {self.lost} lost, "
            f"{self.altered} altered, {self.duplicated} duplicated, {self.unread} unread; "
            f"unacknowledged: {self.recovered} recovered, {self.indeterminate} indeterminate"
        )
        shown = ", ".join((*self.lost_markers, *self.altered_markers, *self.duplicated_markers)[:5])
        return f"{self.state}: {counts}" + "".join(f"; {part}" for part in (shown, *self.reasons) if part)

    # pytest shows the repr of what an assertion gives as its message: the sentence, not the fields.
    __repr__ = __str__


def judge(
    writes: Iterable[Write],
    reading: FinalReading | None,
    *,
    moments_s: Sequence[float] = (),
    hole_max_s: float = 2.0,
    cut_s: float | None = None,
) -> LedgerVerdict:
    """Judge every write against the final reading.

    ``moments_s`` are the moments around which nothing may go unobserved (each step of an action): a write must have
    been acknowledged within ``hole_max_s`` before and after each. ``cut_s`` is the moment at which data can have been
    lost (a restore); None takes the newest lost write, which is the least that can be proven.
    """
    writes = tuple(writes)
    acked = [write for write in writes if write.acked_s is not None]
    rows = () if reading is None else reading.rows
    judged = acked if reading is None else [write for write in acked if write.kind not in reading.unread]
    values: dict[tuple[WriteKind, str], list[str]] = {}
    for row in rows:
        values.setdefault((row.kind, row.marker), []).append(row.value)
    classes = _classes([write for write in judged if not write.kind.is_register], values) if reading is not None else {}
    if reading is not None:
        for kind in {write.kind for write in judged if write.kind.is_register}:
            classes |= _register_classes(kind, writes, rows)
    lost = [write for write in judged if classes.get(write.seq) == "lost"]
    altered = [write for write in judged if classes.get(write.seq) == "altered"]
    duplicated = [write for write in judged if classes.get(write.seq) == "duplicated"]
    open_writes = [write for write in writes if write.acked_s is None]
    recovered = sum((write.kind, write.marker) in values for write in open_writes)
    reasons = tuple(_holes(writes, acked, reading, moments_s, hole_max_s))
    damaged = bool(lost or altered or duplicated)
    state = LedgerState.DAMAGED if damaged else LedgerState.UNKNOWN if reasons else LedgerState.KEPT
    settings = [write for write in lost if write.kind.is_register]
    return LedgerVerdict(
        state=state,
        reasons=reasons,
        acknowledged=len(acked),
        present=Counter(classes.values())["present"],
        lost=len(lost),
        altered=len(altered),
        duplicated=len(duplicated),
        unread=len(acked) - len(classes),
        indeterminate=len(open_writes) - recovered,
        recovered=recovered,
        lost_markers=tuple(write.marker for write in lost),
        altered_markers=tuple(write.marker for write in altered),
        duplicated_markers=tuple(write.marker for write in duplicated),
        rpo_s=_reach_back_s(lost, cut_s) if lost or not reasons else None,
        configuration_loss_s=_reach_back_s(settings, cut_s) if settings or not reasons else None,
    )


def _classes(acked: list[Write], values: Mapping[tuple[WriteKind, str], list[str]]) -> dict[int, str]:
    classes = {}
    for write in acked:
        found = values.get((write.kind, write.marker), [])
        if not found:
            classes[write.seq] = "lost"
        elif any(value != write.value for value in found):
            classes[write.seq] = "altered"
        else:
            classes[write.seq] = "present" if len(found) == 1 else "duplicated"
    return classes


def _register_classes(kind: WriteKind, writes: tuple[Write, ...], rows: tuple[Found, ...]) -> dict[int, str]:
    held = next((row for row in rows if row.kind is kind), None)
    acked = sorted(
        (write for write in writes if write.kind is kind and write.acked_s is not None), key=lambda write: write.seq
    )
    if held is None:
        return {write.seq: "lost" for write in acked}
    known = next((write for write in writes if write.kind is kind and write.value == held.value), None)
    if known is None:
        return {write.seq: "altered" if write is acked[-1] else "present" for write in acked}
    return {write.seq: "lost" if known.acked_s is not None and write.seq > known.seq else "present" for write in acked}


def _holes(
    writes: tuple[Write, ...],
    acked: list[Write],
    reading: FinalReading | None,
    moments_s: Sequence[float],
    hole_max_s: float,
) -> Iterable[str]:
    """Every reason for which a loss could have gone unseen."""
    moments = sorted(write.acked_s for write in acked if write.acked_s is not None)
    if not moments:
        yield "no write was acknowledged"
    for moment_s in moments_s:
        before = any(moment_s - hole_max_s <= acked_s <= moment_s for acked_s in moments)
        after = any(moment_s <= acked_s <= moment_s + hole_max_s for acked_s in moments)
        if not (before and after):
            sides = " and ".join(name for name, there in (("before", before), ("after", after)) if not there)
            yield f"no write acknowledged within {hole_max_s:g} s {sides} {moment_s:.2f} s: a hole hides a loss"
    if reading is None:
        yield "there was no final reading"
        return
    if moments and reading.started_s < moments[-1]:
        yield "the final reading began before the last acknowledgement"
    for kind, why in reading.unread.items():
        if any(write.kind is kind for write in acked):
            yield f"the final reading of {kind} is not complete: {why}"
    known = {(write.kind, write.marker) for write in writes}
    strangers = sum((row.kind, row.marker) not in known for row in reading.rows if not row.kind.is_register)
    if strangers:
        yield f"{strangers} rows carry markers of this ledger that it does not know: its file is not complete"


def _reach_back_s(lost: list[Write], cut_s: float | None) -> float:
    """How far back the loss reaches; 0 when there is none."""
    moments = [write.acked_s for write in lost if write.acked_s is not None]
    if not moments:
        return 0.0
    return max(0.0, (max(moments) if cut_s is None else cut_s) - min(moments))
