"""Everything taken back: the features whatever their names, and the facts of both sites.

Strategy 4 of the plan. The plan's script does one thing after the other, looks at no answer, clears the caches before anything is live and
always ends with success (docs/plan-audit.md, C2, G12).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, Refused
from pam_rollback.rollback.backend import ApiRestored
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.flag_facts import FlagOutcome, States
from pam_rollback.rollback.frontend import SiteRestored
from pam_rollback.rollback.step_list import ActionRecord


@dataclass(frozen=True)
class FullSystemRollback(ActionRecord):
    """The facts of one rollback of everything."""

    before: States
    """The flags that were on; empty where there is no flag API."""
    read_back: States
    """All flags in the end; empty where there is no flag API."""
    frontend: SiteRestored
    backend: ApiRestored

    @property
    def outcome(self) -> FlagOutcome:
        """Return the flags as read back. Raises MeasurementFailed where there is no flag API."""
        if not self.read_back:
            raise MeasurementFailed("the flags were not read: this environment has no flag API")
        return FlagOutcome(self.read_back)


def each_or_why_not(*finds: Callable[[], Deploy]) -> list[Callable[[], Deploy]]:
    """Return each part's target as a question that raises ActionFailed where it is not known.

    A provider that is down, or has no target, keeps only its own part from being taken back. Raises Refused when no part has one.
    """
    found, refused = list[Callable[[], Deploy]](), list[Refused]()
    for find in finds:
        try:
            found.append(partial(_known, find()))
        except (ActionFailed, Refused) as error:
            if isinstance(error, Refused):
                refused.append(error)
            found.append(partial(_known, ActionFailed(str(error)) if isinstance(error, Refused) else error))
    if refused and len(refused) == len(found):
        raise refused[0]
    return found


def _known(target: Deploy | ActionFailed) -> Deploy:
    if isinstance(target, ActionFailed):
        raise target
    return target
