"""For how many users does a core feature of PAM fail? By a sample of users drawn by lot, and its uncertainty. Source: the plan's CR-1.

A user is affected when the feature does not work for them in any of several tries: errors that hit everybody now and then are another
criterion (IR-5). Among ``n`` users of whom ``k`` are affected, the true share lies above the limit when even the lower end of the exact
one-sided 95 % interval (Clopper, Pearson) does, and not above it when the upper end does not; in between nothing is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.stats.binomial import share_above, share_below

ITEM = "CR-1"
CORE_FEATURES = ("chat", "expenses")
"""Voice is not among them: that it fails is a criterion of its own (CR-3)."""
USERS = 400
"""So many tell a share of 30 % from the plan's 25 % about three times in four, and one of 35 % practically always."""
TRIES = 5
"""When 60 % of the requests fail for everybody, so many in a row do for 8 % of the users: below the limit, as it should be."""
_NAMED = 3
_MISS_PCT = 5.0
"""How often each bound may be wrong."""


@dataclass(frozen=True)
class FeatureShare:
    """One feature: how many users it was tried for, and for whom it never worked."""

    feature: str
    asked: int
    failing: tuple[str, ...]

    @property
    def share_pct(self) -> float:
        """The share in the sample."""
        return 100 * len(self.failing) / self.asked if self.asked else 0.0

    @property
    def at_least_pct(self) -> float:
        """With 95 % confidence, no fewer users than this are affected."""
        return 100 * share_above(len(self.failing), self.asked, miss_pct=_MISS_PCT)

    @property
    def at_most_pct(self) -> float:
        """With 95 % confidence, no more users than this are affected."""
        return 100 * share_below(len(self.failing), self.asked, miss_pct=_MISS_PCT)

    def __str__(self) -> str:
        """Figures first, then a few ids."""
        named = ", ".join(self.failing[:_NAMED]) + (" …" if len(self.failing) > _NAMED else "")
        return (
            f"{self.feature} fails for {self.share_pct:.1f} % ({len(self.failing)} of {self.asked} users drawn by lot; "
            f"{self.at_least_pct:.1f} to {self.at_most_pct:.1f} % of all, each bound with 95 % confidence)"
            + (f", users {named}" if named else "")
        )


@dataclass(frozen=True, repr=False)
class AffectedUsers(Fact):
    """Every core feature, held against the plan's limit. ``users`` is how many the product says it has."""

    features: tuple[FeatureShare, ...]
    limit_pct: float
    users: int

    @property
    def worst(self) -> FeatureShare:
        """The feature with the largest share. Raises MeasurementFailed when none was tried."""
        if not self.features or not all(feature.asked for feature in self.features):
            raise MeasurementFailed("for how many users a core feature fails is not known: it was tried for nobody")
        return max(self.features, key=lambda feature: feature.share_pct)

    @property
    def at_least_pct(self) -> float:
        """So many users the worst feature fails for, with 95 % confidence. Raises MeasurementFailed when the limit lies in the interval."""
        worst = self.worst
        if worst.at_least_pct <= self.limit_pct < worst.at_most_pct:
            raise MeasurementFailed(
                f"{worst}: too near to the limit of {self.limit_pct:g} % for this sample to tell; ask support"
            )
        return worst.at_least_pct

    @property
    def measured(self) -> Measured:
        """The share of the users of the worst feature."""
        worst = self.worst
        return Measured(
            what=f"users for whom {worst.feature} fails",
            asked=f"at most {self.limit_pct:g} %",
            value=round(worst.share_pct, 2),
            unit="%",
            n=worst.asked,
            margin=self.limit_pct - worst.share_pct,
            definition=f"drawn by lot from {self.users:,}, affected: none of {TRIES} tries works; the true share is "
            f"{worst.at_least_pct:.1f} to {worst.at_most_pct:.1f} %, each bound with 95 % confidence (exact)",
            sentence=f"{worst}; limit {self.limit_pct:g} %",
        )


def affected(tries: Sequence[Mapping[str, Mapping[str, bool]]], *, limit_pct: float, users: int) -> AffectedUsers:
    """Put the tries together: each gives, by user and by feature, whether it worked. A user who is left out of a later try stays as before.

    Raises MeasurementFailed when somebody's outcome in a feature is missing in the first try: not asked is not fine.
    """
    first = tries[0] if tries else {}
    missing = [user for user, found in first.items() if any(feature not in found for feature in CORE_FEATURES)]
    if missing:
        raise MeasurementFailed(
            f"the product does not say for {len(missing)} of {len(first)} users whether each of {', '.join(CORE_FEATURES)} works"
        )
    shares = tuple(
        FeatureShare(
            feature,
            len(first),
            tuple(user for user in first if not any(attempt.get(user, {}).get(feature, False) for attempt in tries)),
        )
        for feature in CORE_FEATURES
    )
    return AffectedUsers(shares, limit_pct, users)
