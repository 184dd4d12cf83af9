"""How users are when an action was not done to its end: what the prober saw, with a moment's patience.

Whoever is called at night must not be sent to a stronger strategy when users are well. So it is looked for a few seconds, longer only as
long as nothing bad is seen any more.
"""

import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.ending import WELL_FOR_S, Users, UsersNow, users_now
from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import MeasurementFailed, StopRequested
from pam_rollback.core.recovery import BAD_SECOND_PCT, OutageRule
from pam_rollback.core.run_files import TIMELINE_FILE
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plugin.fixtures.observation import Observation

_ILL_AFTER_S = 3.0
"""Users who still suffer so long after the failure are told of at once."""
_LOOKED_EVERY_S = 0.25
_PATIENCE_S = WELL_FOR_S + _ILL_AFTER_S


def users_after(
    error: BaseException, request: pytest.FixtureRequest, *, incident_s: float | None, decided_s: float
) -> UsersNow:
    """How users are after an action that ended with this error; never raises for what cannot be measured.

    Whoever stopped the session waits for nothing.
    """
    stopped = isinstance(error, StopRequested | KeyboardInterrupt)
    clock: Clock = request.getfixturevalue("clock")
    waiter: Waiter = request.getfixturevalue("waiter")
    environment: Environment = request.getfixturevalue("environment")
    rule = OutageRule(limit_pct=BAD_SECOND_PCT, slow_ms=environment.probing.slow_ms)
    found = UsersNow(Users.UNKNOWN, "nobody watched")
    try:
        if not (request.getfixturevalue("evidence") / TIMELINE_FILE).exists():
            return found
        observation: Observation = request.getfixturevalue("observation")
    except MeasurementFailed as problem:
        return UsersNow(Users.UNKNOWN, str(problem))
    failed_s = clock.monotonic_s()

    def look() -> UsersNow:
        nonlocal found
        settled_s = observation.settled_s
        behind_s = clock.monotonic_s() - settled_s
        if behind_s > environment.probing.timeout_s + rule.gap_max_s:
            found = UsersNow(Users.UNKNOWN, f"the prober is {behind_s:.0f} s behind")
        else:
            samples = observation.samples(until_s=settled_s)
            found = users_now(samples, incident_s=incident_s, decided_s=decided_s, now_s=settled_s, rule=rule)
        return found

    def known(now: UsersNow) -> bool:
        suffering = now.state is Users.ILL and clock.monotonic_s() - failed_s >= _ILL_AFTER_S
        return now.state is Users.WELL or suffering

    try:
        if stopped:
            return look()
        return waiter.until(look, holds=known, within_s=_PATIENCE_S, what="users are well", every_s=_LOOKED_EVERY_S)
    except (NotReached, StopRequested):
        return found
    except MeasurementFailed as problem:
        return UsersNow(Users.UNKNOWN, str(problem))
