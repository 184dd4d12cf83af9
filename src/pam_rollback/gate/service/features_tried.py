"""The new features, switched on while the gate tries them, and put back as they were found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.wait import NotReached, Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.gate.rules.features import Exposure
from pam_rollback.journal.journal import SWITCHED_ON, Journal
from pam_rollback.plan.flags import Flag, FlagAdmin, FlagEvaluation, FlagName
from pam_rollback.rollback.engine.flag_writing import note_setting, owe_flags, raise_flags
from pam_rollback.rollback.rules.flag_changes import exposure_pct
from pam_rollback.rollback.strategies.feature_flag import wait_for_flags

_ON = Flag(enabled=True, rollout_pct=100)
_OFF = Flag(enabled=False, rollout_pct=0)
_WORKERS = 8


@dataclass(frozen=True)
class FeaturesTried:
    """How the flags were found, and whether the features are on while the other tests run."""

    found: Mapping[FlagName, Flag] = field(default_factory=dict)
    users: Mapping[str, Mapping[FlagName, bool]] | None = None
    """What each of some users got then; None where nobody can be evaluated."""
    problem: str = ""
    """Why the flags were not read or not switched; empty when they were."""
    off: str = ""
    """Why the features are off while they are tried; empty when they are on."""

    def exposure(self, environment: Environment, asked: Sequence[FlagName]) -> Exposure:
        """Who got which of these features when the gate began. Raises MeasurementFailed when that was not read."""
        if self.problem and not self.found:
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

    def refuse_off(self) -> None:
        """Raise MeasurementFailed where the new features could not be tried: what they do was not seen."""
        if self.problem or self.off:
            raise MeasurementFailed(
                f"the new features are off, so what they do was not tried: {self.problem or self.off}"
            )


@contextmanager
def features_on(
    environment: Environment,
    journal: Journal,
    admin: FlagAdmin,
    evaluation: FlagEvaluation | None,
    *,
    flags: Sequence[FlagName],
    users: Sequence[str],
    waiter: Waiter,
    put_back: Callable[[], object],
    off_first: bool = False,
) -> Iterator[FeaturesTried]:
    """Read, then switch on; ``put_back``, what the journal owes, in the end. On production nothing is switched.

    ``off_first``: the way back begins where a rollback by flags has ended. Raises UndoFailed when they are not back.
    """
    try:
        if off_first:
            _set(admin, dict.fromkeys(flags, _OFF), waiter)
        found = admin.read_flags()
        seen = None if evaluation is None else _evaluated(evaluation, users)
    except (ActionFailed, MeasurementFailed, NotReached) as error:
        yield FeaturesTried(problem=str(error))
        return
    known = {name: found[name] for name in flags if name in found}
    if environment.kind == "production":
        still_off = [name for name, flag in known.items() if flag.off_for_all]
        why = f"{environment.name} is production, where nothing is switched on to be tried ({', '.join(still_off)} off)"
        yield FeaturesTried(found, seen, off=why if still_off else "")
        return
    try:
        problem = _switch_on(environment, journal, admin, known, waiter)
        yield FeaturesTried(found, seen, problem)
    finally:
        put_back()


def _switch_on(
    environment: Environment, journal: Journal, admin: FlagAdmin, known: Mapping[FlagName, Flag], waiter: Waiter
) -> str:
    """Empty when they are on, else why not."""
    if all(flag == _ON for flag in known.values()):
        return ""
    journal.append(SWITCHED_ON, environment=environment.name, api=environment.urls.api, flags=sorted(known))
    owe_flags(journal, known)
    on = dict.fromkeys(known, _ON)
    note_setting(journal, on)
    try:
        as_found = {name: exposure_pct(flag) for name, flag in known.items()}
        raise_flags(admin, on, expected_pct=as_found, ceiling_pct=_ON.rollout_pct)
        wait_for_flags(admin.read_flags, on, waiter)
        note_setting(journal, on, done=True)
    except (ActionFailed, NotReached) as error:
        return f"they could not be switched on: {error}"
    return ""


def _set(admin: FlagAdmin, wanted: Mapping[FlagName, Flag], waiter: Waiter) -> None:
    known = admin.read_flags()
    changes = {name: flag for name, flag in wanted.items() if name in known}
    admin.set_flags(changes)
    wait_for_flags(admin.read_flags, changes, waiter)


def _evaluated(evaluation: FlagEvaluation, users: Sequence[str]) -> Mapping[str, Mapping[FlagName, bool]]:
    with ThreadPoolExecutor(_WORKERS) as pool:
        return dict(zip(users, pool.map(evaluation.flags_of, users), strict=True))
