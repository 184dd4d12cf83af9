"""The flags as the gate finds them: who gets which feature. Nothing is switched, but on a sandbox of the gate's own."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.gate.features import Exposure
from pam_rollback.gate.incident import VOUCH
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagEvaluation, FlagName
from pam_rollback.rollback.feature_flag import wait_for_flags

_OFF = Flag(enabled=False, rollout_pct=0)
_WORKERS = 8


@dataclass(frozen=True)
class FlagsFound:
    """What was read when the gate began."""

    found: Mapping[FlagName, Flag] = field(default_factory=dict)
    users: Mapping[str, Mapping[FlagName, bool]] | None = None
    """What each of some users got; None where nobody can be evaluated."""
    problem: str = ""
    """Why it was not read; empty when it was."""

    def exposure(self, environment: Environment, asked: Sequence[FlagName]) -> Exposure:
        """Who got which of these features. Raises MeasurementFailed when that was not read."""
        if self.problem:
            raise MeasurementFailed(f"who gets the new features is not known: {self.problem}")
        users = self.users
        if users is None:
            return Exposure(environment.name, tuple(asked), self.found)
        silent = sorted({name for name in asked for flags in users.values() if name not in flags})
        if silent:
            raise MeasurementFailed(
                f"the flag evaluation says nothing of {', '.join(silent)}: what users get is not known"
            )
        served = {name: sum(flags[name] for flags in users.values()) for name in asked}
        return Exposure(environment.name, tuple(asked), self.found, len(users), served)

    def refuse_off(self, flags: Sequence[FlagName]) -> None:
        """Raise MeasurementFailed where one of these features is off: what it does was not seen."""
        off = [name for name in flags if name in self.found and self.found[name].off_for_all]
        if self.problem or off:
            why = self.problem or ", ".join(off)
            raise MeasurementFailed(
                f"the new features are off, so what they do was not tried ({why}): try them where they may be on, and vouch with {VOUCH}"
            )


def read_flags(admin: FlagAdmin, evaluation: FlagEvaluation | None, users: Sequence[str]) -> FlagsFound:
    """Read them, and what these users get. What cannot be read is a reason, no exception."""
    try:
        found = admin.read_flags()
        if evaluation is None:
            return FlagsFound(found)
        with ThreadPoolExecutor(_WORKERS) as pool:
            return FlagsFound(found, dict(zip(users, pool.map(evaluation.flags_of, users), strict=True)))
    except (ActionFailed, MeasurementFailed) as error:
        return FlagsFound(problem=str(error))


def switch_off(admin: FlagAdmin, flags: Sequence[FlagName], waiter: Waiter) -> None:
    """On a sandbox of the gate's own: the way back begins where a rollback by flags has ended."""
    try:
        changes = {name: _OFF for name in admin.read_flags() if name in flags}
        admin.set_flags(changes)
        wait_for_flags(admin.read_flags, changes, waiter)
    except (ActionFailed, NotReached) as error:
        raise MeasurementFailed(f"the sandbox's features could not be switched off: {error}") from None
