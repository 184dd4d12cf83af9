"""What one invocation of a ramp shows, as facts that a test judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.ramp.due import Do, Due
from pam_rollback.ramp.state import GOOD
from pam_rollback.rollback.rollout import OUTSIDE, FlagShare, shares
from pam_rollback.stats.binomial import at_least

WHOLE_RAMP = "RP-3"
TRIED_MIN = 20
"""Fewer users who have the features say nothing of them all."""


@dataclass(frozen=True)
class Look:
    """Users were watched from then to then (seconds since 1970), and fared good, broken or unknown."""

    from_s: float
    until_s: float
    state: str
    words: str


@dataclass(frozen=True, repr=False)
class UsersTried(Sentence):
    """The core features, each tried once for users who have what the ramp lets them have."""

    errors: int
    answers: int
    """One for each feature and user."""
    tried: int
    """Users."""
    limit_pct: float
    first: str = ""
    """A user for whom one failed."""

    @property
    def broken(self) -> bool:
        """More of them fail than chance explains where the plan's limit holds. Raises MeasurementFailed when too few were tried."""
        if self.errors and at_least(self.errors, self.answers, self.limit_pct / 100) <= OUTSIDE:
            return True
        if self.tried < TRIED_MIN:
            raise MeasurementFailed(
                f"how users with the features fare is not known: {self.tried} of those drawn have them, {TRIED_MIN} are needed"
            )
        return False

    def __str__(self) -> str:
        named = f", first for {self.first}" if self.first else ""
        return (
            f"the core features failed in {self.errors} of {self.answers} tries for {self.tried} users who have the new ones "
            f"(limit {self.limit_pct:g} %{named})"
        )


@dataclass(frozen=True, repr=False)
class UsersFared(Sentence):
    """How users fared while this session looked, and what was done when they fared badly."""

    looks: tuple[Look, ...]
    breach: str
    """Why the ramp was rolled back; empty when it was not."""
    before_start: str
    """What is wrong before anybody was let in; empty when nothing is."""
    is_over: bool
    """The ramp is finished: nobody has to look any more."""

    @property
    def well(self) -> bool:
        """Nothing broke, and somebody looked to the end. Raises MeasurementFailed when nobody did, or the last look did not tell."""
        if self.breach or self.before_start:
            return False
        if not self.looks and not self.is_over:
            raise MeasurementFailed("nobody looked at the users in this session")
        if self.looks and self.looks[-1].state != GOOD:
            raise MeasurementFailed(f"how users fare is not known: {self.looks[-1].words}")
        return True

    @property
    def watched_s(self) -> float:
        """For how long users were seen to fare well."""
        return sum(look.until_s - look.from_s for look in self.looks if look.state == GOOD)

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        good = sum(look.state == GOOD for look in self.looks)
        return Figures(
            what="watches of the users that were not good",
            asked="0",
            measured=len(self.looks) - good,
            n=len(self.looks),
            definition=f"watched {self.watched_s:.0f} s in this session",
        )

    def __str__(self) -> str:
        """What broke, else for how long it was looked."""
        if self.breach:
            return f"the ramp was rolled back: {self.breach}"
        if self.before_start:
            return f"users fare badly before anybody was let in, so nobody was: {self.before_start}"
        if self.is_over and not self.looks:
            return "the ramp is finished"
        last = self.looks[-1].words if self.looks else "nobody looked"
        return f"users fare well, watched {self.watched_s:.0f} s in this session; the last watch: {last}"


@dataclass(frozen=True, repr=False)
class MeasuredExposure(Sentence):
    """The share of users who have each feature, as measured by asking for each of many users."""

    shares: tuple[FlagShare, ...]
    stage: str = ""
    """The stage that users are in; empty before the first, and after a rollback."""

    @property
    def judges(self) -> str:
        """That stage's plan item alone: what nobody entered is not measured."""
        return self.stage or WHOLE_RAMP

    @property
    def as_said(self) -> bool:
        """Every share can come from what its flag says. Raises MeasurementFailed when nobody was asked."""
        if not self.shares:
            raise MeasurementFailed("the share of users who have the features was not measured")
        return all(share.within_bounds for share in self.shares)

    @property
    def figures(self) -> Figures:
        """For the table of criteria: the share that is farthest from what its flag says."""
        if not self.shares:
            return Figures(what="users who have the features", asked="as the flags say", measured=None)
        worst = max(self.shares, key=lambda share: abs(share.having / share.users - share.asked_pct / 100))
        return Figures(
            what=f"users who have {worst.flag}",
            asked=f"{worst.asked_pct} %",
            measured=round(100 * worst.having / worst.users, 1),
            unit="%",
            n=worst.users,
            definition="evaluated for each of so many users; exact binomial bounds, 1 in 10,000 on each side",
        )

    def __str__(self) -> str:
        """Each flag."""
        return "; ".join(map(str, self.shares)) or "nobody was asked"


@dataclass(frozen=True, repr=False)
class Progressed(Sentence):
    """What this session did for the ramp, and what comes next."""

    did: tuple[str, ...]
    next: Due

    @property
    def goes_on(self) -> bool:
        """The ramp is finished, or more users will be let in; not: a person has to look first."""
        return self.next.do not in {Do.REFUSE, Do.ROLL_BACK}

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        return Figures(what="next", asked="the due thing done", measured=str(self.next), definition="; ".join(self.did))

    def __str__(self) -> str:
        """Done, and due."""
        return f"{'; '.join(self.did) or 'nothing was due'}. Next: {self.next}"


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
