"""Everything taken back: the features whatever their names, and the facts of both sites.

Strategy 4 of the plan. The plan's script does one thing after the other, looks at no answer, clears the caches before anything is live and
always ends with success (docs/plan-audit.md, C2, G12).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pam_rollback.core.errors import ActionFailed, MeasurementFailed, Refused
from pam_rollback.plan.flags import Flag, FlagName
from pam_rollback.rollback.backend import ApiRestored
from pam_rollback.rollback.deploys import Deploy
from pam_rollback.rollback.feature_flag import FlagOutcome, Flags
from pam_rollback.rollback.flag_writing import note_setting
from pam_rollback.rollback.frontend import SiteRestored
from pam_rollback.rollback.step_list import ActionRecord

_OFF = Flag(enabled=False, rollout_pct=0)


@dataclass(frozen=True)
class FullSystemRollback(ActionRecord):
    """The facts of one rollback of everything."""

    before: Mapping[FlagName, Flag]
    """The flags that were on; empty where there is no flag API."""
    read_back: Mapping[FlagName, Flag]
    """All flags in the end; empty where there is no flag API."""
    frontend: SiteRestored
    backend: ApiRestored

    @property
    def outcome(self) -> FlagOutcome:
        """Return the flags as read back. Raises MeasurementFailed where there is no flag API."""
        if not self.read_back:
            raise MeasurementFailed("the flags were not read: this environment has no flag API")
        return FlagOutcome(self.read_back)


@dataclass
class AllFeatures:
    """Every feature, whatever its name: what the plan's disable-all-pam means. All of it raises ActionFailed."""

    flags: Callable[[], Flags]
    before: dict[FlagName, Flag] = field(default_factory=dict)
    read_back: Mapping[FlagName, Flag] = field(default_factory=dict)

    def switch_off(self) -> str:
        """Switch off what is on; what is owed for it is written down first."""
        under = self.flags()
        flags = under.admin.read_flags()
        on = {name: flag for name, flag in flags.items() if not flag.off_for_all}
        if not on:
            return f"all {len(flags)} were off already"
        self.before |= on
        under.lower(dict.fromkeys(on, _OFF))
        return f"{', '.join(sorted(on))} off"

    def see_off(self) -> str:
        """Switch off what is on by now, and read all of them back."""
        self.switch_off()
        under = self.flags()
        self.read_back = under.admin.read_flags()
        on = sorted(name for name, flag in self.read_back.items() if not flag.off_for_all)
        note_setting(under.journal, self.read_back, done=True)
        if on or not self.read_back:
            raise ActionFailed(f"accepted, but {', '.join(on) or 'no flag is there at all'} can still be had")
        return f"all {len(self.read_back)} are off"


def each_or_why_not(*finds: Callable[[], Deploy]) -> list[Callable[[], Deploy]]:
    """Return each part's target as a question that raises ActionFailed where it is not known.

    A provider that is down, or has no target, keeps only its own part from being taken back. Raises Refused when no part has one.
    """
    found, refused = list[Callable[[], Deploy]](), list[Refused]()
    for find in finds:
        try:
            found.append(_known(find()))
        except ActionFailed as error:
            found.append(_unknown(error))
        except Refused as error:
            refused.append(error)
            found.append(_unknown(ActionFailed(str(error))))
    if refused and len(refused) == len(found):
        raise refused[0]
    return found


def _known(deploy: Deploy) -> Callable[[], Deploy]:
    return lambda: deploy


def _unknown(error: ActionFailed) -> Callable[[], Deploy]:
    def tell() -> Deploy:
        raise error

    return tell
