"""What became of features: the flags as they were read, what users get of them, and whether users fare worse than before.

Judged from a sample of users: the share of them that has a feature lies within binomial bounds, and nobody who was out comes in. The
bounds leave one sound sample in 10,000 outside, so that a run of some ten of them is wrong once in a thousand times.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured, Sentence
from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.probe.samples import Sample
from pam_rollback.stats.binomial import at_least, at_most, share_above, share_below
from pam_rollback.stats.percentiles import Percentile, percentile

States = Mapping[FlagName, Flag]
Answers = Mapping[str, Mapping[FlagName, bool]]
"""What each user gets."""
OFF = Flag(enabled=False, rollout_pct=0)
OUTSIDE = 1e-4
"""The probability, on each side, with which a sound sample lies outside the bounds."""
SAMPLES_MIN = 20
"""Fewer answers say nothing of whether users fare worse."""
_MISS_PCT = 0.5
_WHOLE_PCT = 100


def exposure_pct(flag: Flag) -> int:
    """The share of users who get the feature, in per cent: 0 while it is switched off, whatever its share says."""
    return flag.rollout_pct if flag.enabled else 0


def words(flags: States) -> str:
    """The flags in one line."""
    return ", ".join(f"{name} {flag}" for name, flag in sorted(flags.items()))


def refuse_silence(answers: Answers, names: Collection[FlagName]) -> None:
    """Raise MeasurementFailed when a user's answer leaves a flag out: one that the evaluation does not know is not one that is off."""
    silent = sorted({name for flags in answers.values() for name in names if name not in flags})
    if silent:
        raise MeasurementFailed(f"the evaluation says nothing of {', '.join(silent)}")


@dataclass(frozen=True, repr=False)
class Evaluation(Fact):
    """What users get after the change: how many were asked, and who still has which feature."""

    users: int
    still_on: Mapping[FlagName, Sequence[str]]
    made_up: str = ""
    """Why nobody of those who were asked exists; empty when they do."""

    @property
    def kept(self) -> bool:
        """Somebody has one of the features."""
        return any(self.still_on.values())

    @property
    def keeping(self) -> int:
        """How many users have one of the features. Raises MeasurementFailed where none says nothing of users who exist."""
        if not self.kept and self.made_up:
            raise MeasurementFailed(f"what users get is not known: {self}")
        return len({user for users in self.still_on.values() for user in users})

    @property
    def everyone_off(self) -> bool:
        """Users were asked, and none has any of the features. Raises MeasurementFailed as ``keeping`` does."""
        return self.keeping == 0 and self.users > 0

    @property
    def measured(self) -> Measured:
        """How many are left."""
        left = [f"{name}: {len(users)} of {self.users} users" for name, users in self.still_on.items() if users]
        none = f"all {self.users} users without the features{f'; {self.made_up}' if self.made_up else ''}"
        return Measured(
            what="users who keep a feature",
            asked="0",
            value=len({user for users in self.still_on.values() for user in users}),
            n=self.users,
            sentence="still on for " + "; ".join(left) if left else none,
        )


@dataclass(frozen=True, repr=False)
class FlagOutcome(Fact):
    """The flags as they were read at one moment."""

    flags: States
    said: str = ""
    """In words, where nobody can read them."""

    @property
    def on(self) -> list[FlagName]:
        """The flags that some user can get."""
        return [name for name, flag in self.flags.items() if not flag.off_for_all]

    @property
    def measured(self) -> Measured:
        """How many are off, and the state of each."""
        n = len(self.flags)
        return Measured(
            what="flags that are off, read back",
            asked=str(n),
            value=n - len(self.on),
            n=n,
            sentence=self.said or words(self.flags),
        )


@dataclass(frozen=True, repr=False)
class Switched(FlagOutcome):
    """The flags as they shall be; ``ours``: they were set so, and were not like that before."""

    ours: bool = True


@dataclass(frozen=True, repr=False)
class FlagShare(Sentence):
    """How many of the users who were asked have one feature, and who has it now without having had it before."""

    flag: FlagName
    asked_pct: int
    who: tuple[str, ...]
    users: int
    came_in: tuple[str, ...] = ()

    @property
    def having(self) -> int:
        """How many have it."""
        return len(self.who)

    @property
    def within_bounds(self) -> bool:
        """The sample can come from that share. Of 0 % and 100 % there are no exceptions."""
        share = self.asked_pct / _WHOLE_PCT
        return (
            self.users > 0
            and at_most(self.having, self.users, share) > OUTSIDE
            and at_least(self.having, self.users, share) > OUTSIDE
        )

    @property
    def as_asked(self) -> bool:
        """Within the bounds, and users only left."""
        return self.within_bounds and not self.came_in

    def __str__(self) -> str:
        came_in = f", {len(self.came_in)} of them came in" if self.came_in else ""
        bounds = "" if self.within_bounds else f", too {self._wrong} for {self.asked_pct} %"
        return f"{self.flag} at {self.asked_pct} %: {self.having} of {self.users} users have it{bounds}{came_in}"

    @property
    def _wrong(self) -> str:
        return "many" if self.having * _WHOLE_PCT > self.asked_pct * self.users else "few"


def shares(before: Answers, now: Answers, wanted: States) -> tuple[FlagShare, ...]:
    """Judge what users get, by user, against the flags as they were set and what the same users got before.

    Raises MeasurementFailed when a user's answer leaves a flag out: silence is not off.
    """
    for answers in (before, now):
        refuse_silence(answers, wanted)
    return tuple(
        FlagShare(
            flag=name,
            asked_pct=exposure_pct(flag),
            who=tuple(user for user, answer in now.items() if answer[name]),
            users=len(now),
            came_in=tuple(user for user, answer in now.items() if answer[name] and not before[user][name]),
        )
        for name, flag in sorted(wanted.items())
    )


@dataclass(frozen=True)
class Fare:
    """How users fared for a time: answers, errors among them, and the p95 of all."""

    n: int
    errors: int
    p95: Percentile

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> "Fare":
        """Of the samples that say something. Raises MeasurementFailed when there are too few."""
        measured = [sample for sample in samples if sample.measured()]
        if len(measured) < SAMPLES_MIN:
            raise MeasurementFailed(f"{len(measured)} answers, {SAMPLES_MIN} are needed to say how users fare")
        return cls(
            n=len(measured),
            errors=sum(not sample.ok for sample in measured),
            p95=percentile([sample.latency_ms for sample in measured], 95),
        )

    def __str__(self) -> str:
        return f"{self.errors} of {self.n} answers wrong, {self.p95}"


@dataclass(frozen=True)
class Trend:
    """How users fared before a step and after it.

    Worse means: more errors than chance explains, or a p95 that rose by more than the plan allows, above what it calls fast. (A product
    without its new features may be slower in earnest, and still fast: that is no reason to hurry.)
    """

    before: Fare
    after: Fare
    increase_pct_max: float
    fast_ms: float

    @property
    def more_errors(self) -> bool:
        """The two exact intervals do not meet."""
        return share_above(self.after.errors, self.after.n, miss_pct=_MISS_PCT) > share_below(
            self.before.errors, self.before.n, miss_pct=_MISS_PCT
        )

    @property
    def slower(self) -> bool:
        """The p95 rose by more than the plan allows, and is not fast any more."""
        after_ms = self.after.p95.value
        return after_ms > self.fast_ms and after_ms > self.before.p95.value * (1 + self.increase_pct_max / _WHOLE_PCT)

    @property
    def worse(self) -> bool:
        """Going on step by step would keep users waiting for help."""
        return self.more_errors or self.slower

    def __str__(self) -> str:
        """Both, in words."""
        found = [word for word, holds in (("more errors", self.more_errors), ("slower", self.slower)) if holds]
        return f"{' and '.join(found) or 'not worse'}: {self.after}; before: {self.before}"


@dataclass(frozen=True, repr=False)
class Stage(Sentence):
    """One step down. ``shares`` is None when nobody could be evaluated, ``trend`` when it is the last or could not be judged."""

    share_pct: int
    read_back: States
    shares: tuple[FlagShare, ...] | None
    trend: Trend | None
    problem: str = ""
    """Why the step was not carried out or could not be judged."""

    def __str__(self) -> str:
        judged = "; ".join(map(str, self.shares)) if self.shares is not None else "nobody was evaluated"
        return f"{self.share_pct} %: {judged}{f'; {self.trend}' if self.trend else ''}{f'; {self.problem}' if self.problem else ''}"


@dataclass(frozen=True, repr=False)
class Descent(Fact):
    """All steps down, and why some of them were left out."""

    stages: tuple[Stage, ...]
    straight_because: str = ""
    """Why it went straight to 0; empty when it went step by step."""
    unknown: Collection[str] = ()
    """What could not be judged."""

    @property
    def not_as_asked(self) -> int:
        """How many samples of users are not as they have to be. Raises MeasurementFailed when none is, and one is not known."""
        wrong = len(self._wrong)
        if not wrong and self.unknown:
            raise MeasurementFailed("; ".join(self.unknown))
        return wrong

    @property
    def as_asked(self) -> bool:
        """Every step taken, read back, and every sample of users as it has to be. Raises MeasurementFailed when one is not known."""
        return self.not_as_asked == 0

    @property
    def _wrong(self) -> list[FlagShare]:
        return [share for stage in self.stages for share in stage.shares or () if not share.as_asked]

    @property
    def measured(self) -> Measured:
        """What is wrong, else the way down."""
        way = ", ".join(f"{stage.share_pct} %" for stage in self.stages) or "nothing: off for all already"
        straight = f" (straight to the end: {self.straight_because})" if self.straight_because else ""
        said = "; ".join(map(str, self._wrong)) or f"users only left: {way}{straight}"
        return Measured(
            what="samples of users that are not as asked",
            asked="0",
            value=len(self._wrong),
            n=sum(len(stage.shares or ()) for stage in self.stages),
            definition=said,
            sentence=said,
        )
