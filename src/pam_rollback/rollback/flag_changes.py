"""What may be written to flags, by what they are right before the write: nobody gets a feature whom the writer did not mean.

A rollback only lowers exposure, whatever was planned from an earlier look. An undo raises to what was recorded, and only what the run
itself had lowered. A ramp raises to its approved stage, and only from where it was when that was decided. Exposure is the share of users
who get the feature: 0 while it is switched off, whatever its share says.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pam_rollback.plan.flags import Flag, FlagName

Flags = Mapping[FlagName, Flag]


def exposure_pct(flag: Flag) -> int:
    """The share of users who get the feature, in per cent."""
    return flag.rollout_pct if flag.enabled else 0


def lowered(found: Flags, target: Flags) -> dict[FlagName, Flag]:
    """Give what the flags of ``target`` shall be: the target, or what they are where that is lower. ``found`` has all of them."""
    return {
        name: flag if exposure_pct(flag) <= exposure_pct(found[name]) else found[name] for name, flag in target.items()
    }


@dataclass(frozen=True)
class PuttingBack:
    """What an undo writes, and what it leaves because somebody else changed it meanwhile."""

    wanted: Flags
    left_alone: Flags = field(default_factory=dict)
    """As found: raising them would go over somebody's change."""


def put_back(found: Flags, recorded: Flags, left_at: Mapping[FlagName, Collection[int]] | None) -> PuttingBack:
    """Give what the flags shall be again: as recorded, never above it.

    ``left_at`` are the exposures at which the run may have left each flag; None where its journal does not say, as a damaged one.
    A flag that is found elsewhere was changed by somebody else, and is not raised over.
    """
    wanted, left_alone = dict[FlagName, Flag](), dict[FlagName, Flag]()
    for name, flag in recorded.items():
        is_now = exposure_pct(found[name])
        ours = left_at is None or is_now in left_at.get(name, (exposure_pct(flag),))
        if ours or exposure_pct(flag) <= is_now:
            wanted[name] = flag
        else:
            left_alone[name] = found[name]
    return PuttingBack(wanted, left_alone)


def why_not_raised(found: Flags, expected_pct: Mapping[FlagName, int], wanted: Flags, *, ceiling_pct: int) -> str:
    """Why the flags must not be set to ``wanted``; empty when they may.

    ``expected_pct`` is what they were when it was decided, ``ceiling_pct`` what was approved. What is at ``wanted`` already is no surprise:
    a session that was killed in between had set it.
    """
    above = [name for name, flag in wanted.items() if exposure_pct(flag) > ceiling_pct]
    moved = [
        f"{name} is {found[name]}, it was at {expected_pct[name]} %"
        for name, flag in wanted.items()
        if exposure_pct(found[name]) not in {expected_pct[name], exposure_pct(flag)}
    ]
    if above:
        return f"{', '.join(above)} would be above the {ceiling_pct} % that are approved"
    return f"somebody else changed it meanwhile: {'; '.join(moved)}" if moved else ""


@dataclass(frozen=True)
class Setting:
    """One write by the run, as its journal has it: noted before it is sent, and once more when it was seen to be done."""

    exposures_pct: Mapping[FlagName, int]
    done: bool


def exposures_left(recorded: Flags, history: Iterable[Setting]) -> dict[FlagName, Sequence[int]]:
    """At which exposures the run may have left each flag: where it was, then each write, which may have been made until it was seen."""
    left = {name: [exposure_pct(flag)] for name, flag in recorded.items()}
    for setting in history:
        for name, pct in setting.exposures_pct.items():
            if name in left:
                left[name] = [pct] if setting.done else [*left[name], pct]
    return dict(left)
