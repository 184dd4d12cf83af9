"""What users have while a ramp goes up: the share of them lies within binomial bounds, and nobody who has a feature loses it."""

from collections.abc import Mapping, Sequence

from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.rollback.rollout import FlagShare, shares

Answers = Mapping[str, Mapping[FlagName, bool]]
"""By user, what they get."""


def wanted_at(flags: Sequence[FlagName], share_pct: int) -> dict[FlagName, Flag]:
    """The flags on for this share of users; off where nobody is to have them."""
    return {name: Flag(enabled=share_pct > 0, rollout_pct=share_pct) for name in flags}


def measured(now: Answers, flags: Mapping[FlagName, Flag]) -> tuple[FlagShare, ...]:
    """How many have each feature. Raises MeasurementFailed when an answer leaves a flag out."""
    return shares(now, now, flags)


def wrong(found: Sequence[FlagShare]) -> str:
    """The shares that cannot come from what the flags say; empty when all can."""
    return "; ".join(str(share) for share in found if not share.within_bounds)


def lost(before: Answers, now: Answers) -> str:
    """Who had a feature before more users were let in and has it no more; empty when nobody."""
    gone: dict[FlagName, list[str]] = {}
    for user, had in before.items():
        for name, on in had.items():
            if on and not now.get(user, {}).get(name, False):
                gone.setdefault(name, []).append(user)
    return "; ".join(f"{name}: {len(users)} users lost it, first {users[0]}" for name, users in sorted(gone.items()))
