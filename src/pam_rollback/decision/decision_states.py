"""The decision criteria that are about a state, not about a time: memory (IR-6) and the data (IR-3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.database.row_counts import RowLoss
from pam_rollback.database.row_rewriting import RowMoves, RowRewriting
from pam_rollback.database.schema_changes import SchemaComparison
from pam_rollback.decision.decision import OF_GAP, Affected, Finding, Judged, State
from pam_rollback.plan.plan_terms import Gaps
from pam_rollback.probe.memory import MemoryGrowth
from pam_rollback.probe.parts import BACK_END
from pam_rollback.target.invariants import InvariantResult

DATA: Final = "IR-3"
CORRUPTED: Final = "SC-4"
"""A success criterion about the same data."""
MEMORY: Final = "IR-6"
SCHEMA = "schema-damaged"
"""The section of the runbook of invariants that are about the database's rules, not about rows of users."""
_NAMED = 3
_LEAK_SHARE = 0.05
"""Of the level, within the time that is looked ahead: 10 MB in 15 minutes. A real process at rest grew by 6 MB."""


@dataclass(frozen=True, repr=False, kw_only=True)
class Leak(Judged):
    """IR-6 is met by memory that is above its level and grows by more than a process at rest, or a busy one, seems to."""

    mb: float
    mb_max: float
    mb_per_min: float
    noise_mb_per_min: float


def judged_memory(growth: MemoryGrowth, *, low_below_mb: float, gaps: Gaps) -> Leak:
    """IR-6: above the level (``growth.alarm_mb``) and growing, by the slope of the calmer half.

    What the scatter hides is no growth, nor is what a warm process takes. A megabyte that is held is not a leak: above the level and
    flat is a gap, as is the band below the level.
    """
    newest_mb = max(growth.readings, key=lambda reading: reading.at_s).mb
    noise_mb_per_min = max(growth.smallest_visible_mb_per_min, _LEAK_SHARE * growth.alarm_mb * 60 / growth.horizon_s)
    words = (
        f"memory {newest_mb:.0f} MB, {growth.mb_per_min:+z.1f} MB a minute (smallest visible "
        f"{growth.smallest_visible_mb_per_min:.1f}), level {growth.alarm_mb:g} MB (n={len(growth.readings)})"
    )
    if newest_mb > growth.alarm_mb:
        state = State.HOLDS if growth.mb_per_min > noise_mb_per_min else OF_GAP[gaps.memory_above_and_flat]
    else:
        state, words = _below(growth, newest_mb, low_below_mb, gaps, words)
    figures = replace(
        growth.measured,
        what="memory",
        asked=f"> {growth.alarm_mb:g} MB and growing",
        value=newest_mb,
        margin=growth.alarm_mb - newest_mb,
    )
    return Leak(
        Finding(MEMORY, state, words, parts=(BACK_END,)),
        figures,
        mb=newest_mb,
        mb_max=growth.alarm_mb,
        mb_per_min=growth.mb_per_min,
        noise_mb_per_min=noise_mb_per_min,
    )


def _below(growth: MemoryGrowth, newest_mb: float, low_below_mb: float, gaps: Gaps, words: str) -> tuple[State, str]:
    try:
        settled = growth.settled
    except MeasurementFailed as error:
        return State.UNKNOWN, str(error)
    if not settled:
        return OF_GAP[
            gaps.memory_on_its_way
        ], f"{words}: {growth.expected_mb:.0f} MB in {growth.horizon_s / 60:g} minutes"
    return (State.CLEAR if newest_mb < low_below_mb else OF_GAP[gaps.memory_between]), words


def judged_data(
    of_users: Mapping[str, InvariantResult],
    of_schema: Mapping[str, InvariantResult],
    unknown: Mapping[str, str],
    *,
    affected_max: int,
    gaps: Gaps,
    left_out: Mapping[str, str] | None = None,
    schema: SchemaComparison | None = None,
) -> Affected:
    """IR-3, corruption: the rows for which an invariant does not hold, all invariants together, are more than the plan tolerates.

    A row may break several, so the sum is an upper bound; with the plan's tolerance of 0 that makes no difference. ``left_out``: what
    was not asked, since there is nothing to hold it against, and why; it is named. ``schema``: held against the baseline, where one has it.
    """
    offenders = sum(result.offenders for result in of_users.values())
    broken = [result for result in of_users.values() if result.offenders]
    looked_at = max((result.looked_at for result in of_users.values()), default=0)
    empty = [result for result in (*of_users.values(), *of_schema.values()) if result.is_empty]
    damaged = [str(result) for result in of_schema.values() if result.offenders]
    changed, not_compared = _since_the_baseline(schema)
    words = f"{offenders} damaged rows by {len(of_users)} invariants"
    if offenders > affected_max:
        state, words = State.HOLDS, f"{words}: {_named(broken)}"
    elif unknown or empty or not_compared or not of_users:
        why = [*(f"{name}: {why}" for name, why in unknown.items()), *map(str, empty), *not_compared]
        state, words = (
            State.UNKNOWN,
            "; ".join(why[:_NAMED]) or "no invariant was evaluated: nothing is known of the data",
        )
    elif damaged or changed:
        state, words = (
            OF_GAP[gaps.schema_damaged],
            f"{words}, but the database's own rules are damaged: {_named([*damaged, *changed])}",
        )
    else:
        state = State.CLEAR
    words += "".join(f"; left out: {name}: {why}" for name, why in (left_out or {}).items())
    figures = Measured(
        what="damaged rows",
        asked=f"> {affected_max}",
        value=offenders,
        n=looked_at,
        margin=affected_max - offenders,
        definition=f"{len(of_users)} invariants, n of the largest table",
    )
    return Affected(Finding(DATA, state, words), figures, affected=offenders, affected_max=affected_max)


def judged_loss(loss: RowLoss) -> Affected:
    """IR-3, loss: rows that were counted before are gone. Where there were none before, no loss can be seen: that is not known."""
    lossy = [table for table in loss.tables if not table.holds and table.before.rows]
    state = State.HOLDS if lossy else State.CLEAR if loss.holds else State.UNKNOWN
    affected = sum(max(table.lost, 1) for table in lossy)  # nobody knows how many of a table were exchanged
    return Affected(Finding(DATA, state, str(loss)), loss.measured, affected=affected)


def judged_rewriting(rewriting: RowRewriting | RowMoves) -> Affected:
    """IR-3, corruption: rows of before that say something else, or belong to somebody else. What could not be compared is not known."""
    try:
        affected, words = rewriting.damaged_rows, str(rewriting)
        state = State.HOLDS if affected else State.CLEAR
    except MeasurementFailed as unknown:
        affected, state, words = 0, State.UNKNOWN, str(unknown)
    unproven = rewriting.unproven if isinstance(rewriting, RowRewriting) else ""
    return Affected(Finding(DATA, state, words), replace(rewriting.measured, unproven=unproven), affected=affected)


def _since_the_baseline(schema: SchemaComparison | None) -> tuple[list[str], list[str]]:
    """What of the schema changed for the worse, and what could not be compared."""
    changed, unknown = list[str](), list[str]()
    for one in () if schema is None else (schema.lost, schema.weaker, schema.opened):
        try:
            changed += [str(one)] if one.differences else []
        except MeasurementFailed as why:
            unknown.append(str(why))
    return changed, unknown


def _named(results: Sequence[InvariantResult | str]) -> str:
    more = f" and {len(results) - _NAMED} more" if len(results) > _NAMED else ""
    return "; ".join(map(str, results[:_NAMED])) + more
