"""What one invocation of a ramp shows, as facts that a test judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, Sentence
from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.redeploy.ramp.due import Due
from pam_rollback.redeploy.ramp.state import GOOD
from pam_rollback.rollback.flag_facts import OUTSIDE, FlagShare, shares
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
class UsersFared(Fact):
    """How users fared while this session looked, and what was done when they fared badly."""

    looks: tuple[Look, ...]
    breach: str
    """Why the ramp was rolled back; empty when it was not."""
    before_start: str
    """What is wrong before anybody was let in; empty when nothing is."""
    is_over: bool
    """The ramp is finished: nobody has to look any more."""

    @property
    def broken(self) -> str:
        """What broke. Raises MeasurementFailed when nothing did and nobody looked, or the last look did not tell."""
        if self.breach or self.before_start:
            return self.breach or self.before_start
        if not self.looks and not self.is_over:
            raise MeasurementFailed("nobody looked at the users in this session")
        if self.looks and self.looks[-1].state != GOOD:
            raise MeasurementFailed(f"how users fare is not known: {self.looks[-1].words}")
        return ""

    @property
    def measured(self) -> Measured:
        """How many looks were not good, and for how long users were seen to fare well."""
        good = [look for look in self.looks if look.state == GOOD]
        watched_s = sum(look.until_s - look.from_s for look in good)
        last = self.looks[-1].words if self.looks else "nobody looked"
        sentence = f"users fare well, watched {watched_s:.0f} s in this session; the last watch: {last}"
        if self.breach:
            sentence = f"the ramp was rolled back: {self.breach}"
        elif self.before_start:
            sentence = f"users fare badly before anybody was let in, so nobody was: {self.before_start}"
        elif self.is_over and not self.looks:
            sentence = "the ramp is finished"
        return Measured(
            what="watches of the users that were not good",
            asked="0",
            value=len(self.looks) - len(good),
            n=len(self.looks),
            definition=f"watched {watched_s:.0f} s in this session",
            sentence=sentence,
        )


@dataclass(frozen=True, repr=False)
class MeasuredExposure(Fact):
    """The share of users who have each feature, as measured by asking for each of many users."""

    shares: tuple[FlagShare, ...]
    stage: str = ""
    """The stage that users are in; empty before the first, and after a rollback."""

    @property
    def judges(self) -> str:
        """That stage's plan item alone: what nobody entered is not measured."""
        return self.stage or WHOLE_RAMP

    @property
    def outside(self) -> tuple[str, ...]:
        """The shares that cannot come from what their flags say. Raises MeasurementFailed when nobody was asked."""
        if not self.shares:
            raise MeasurementFailed("the share of users who have the features was not measured")
        return tuple(str(share) for share in self.shares if not share.within_bounds)

    @property
    def measured(self) -> Measured:
        """The share that is farthest from what its flag says."""
        if not self.shares:
            what = "users who have the features"
            return Measured(what=what, asked="as the flags say", value=None, sentence="nobody was asked")
        worst = max(self.shares, key=lambda share: abs(share.having / share.users - share.asked_pct / 100))
        return Measured(
            what=f"users who have {worst.flag}",
            asked=f"{worst.asked_pct} %",
            value=round(100 * worst.having / worst.users, 1),
            unit="%",
            n=worst.users,
            definition="evaluated for each of so many users; exact binomial bounds, 1 in 10,000 on each side",
            sentence="; ".join(map(str, self.shares)),
        )


@dataclass(frozen=True, repr=False)
class Progressed(Fact):
    """What this session did for the ramp, and what comes next."""

    did: tuple[str, ...]
    next: Due

    @property
    def measured(self) -> Measured:
        """What is due next."""
        sentence = f"{'; '.join(self.did) or 'nothing was due'}. Next: {self.next}"
        return Measured(
            what="next",
            asked="the due thing done",
            value=str(self.next),
            definition="; ".join(self.did),
            sentence=sentence,
        )


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
