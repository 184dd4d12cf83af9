"""What the plan leaves open between its decision criteria, closed by rules: the table ``[decision]`` of plan.toml.

Every figure and word here is ours; the plan's own stand with its criteria. Why they are as they are: docs/decisions/decision.md.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict

from pam_rollback.base.configuration import Table

Gap = Literal["consider", "watch", "no"]
"""What is recommended of something that lies between the plan's criteria."""

_Ids = Annotated[tuple[str, ...], Strict(False)]  # noqa: FBT003 - TOML has lists


class Gaps(Table):
    """The recommendation for each gap. Never ``roll back now``: that is the plan's to say."""

    not_yet: Gap
    """Above the limit of a criterion with a time (IR-2, IR-4, IR-5, CR-5), but not for all of its time yet."""
    over: Gap
    """It was above within the time that was looked at, and is not any more."""
    partial_downtime: Gap
    """Some journey of users is never answered, others are, for IR-2's time."""
    errors_between: Gap
    """No more errors than IR-5, no fewer than SC-1 asks for (2 to 20 %), for IR-5's time."""
    memory_above_and_flat: Gap
    """More than IR-6's level, and not growing."""
    memory_on_its_way: Gap
    """Below IR-6's level, and at the present pace above it within SC-1's time."""
    memory_between: Gap
    """No less than SC-3 asks for, no more than IR-6's level (100 to 200 MB), and not on its way up."""
    schema_damaged: Gap
    """The database's own rules are damaged; no row of a user is known to be."""


class PartStrategies(Table):
    """With which strategies to begin, by the parts on which users' answers fail, whatever the criterion."""

    front_end: Annotated[_Ids, Field(min_length=1)]
    back_end: Annotated[_Ids, Field(min_length=1)]
    both: Annotated[_Ids, Field(min_length=1)]
    feature: Annotated[_Ids, Field(min_length=1)]


class DecisionRules(Table):
    """How criteria become a recommendation."""

    slowdown_hold_s: Annotated[float, Field(gt=0)]
    """For how long answers must be slower than CR-5's limit; the plan gives CR-5 no time."""
    slowdown_unnoticed_ms: Annotated[float, Field(ge=0)]
    """Answers that are slower by less are not slower (IR-4, CR-5), however large a share of a fast answer that is."""
    gaps: Gaps
    strategies: Mapping[str, Annotated[_Ids, Field(min_length=1)]]
    """For each criterion the strategies (ids), the one to begin with first."""
    several: Annotated[_Ids, Field(min_length=1)]
    """The same when several criteria of the list "roll back now" hold that do not follow from each other."""
    parts: PartStrategies
    features: _Ids
    """Criteria that one feature of the back end can meet, while the rest of it answers."""
    follows: Mapping[str, _Ids]
    """A criterion, and those that hold with it and are no problem of their own: who is down fails, and is slow, too."""
