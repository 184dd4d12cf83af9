"""Waits until a comparison has the answers that it needs, and shows how far that is."""

from collections.abc import Callable

import pytest

from pam_rollback.core.environment import Environment
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.plan import Plan
from pam_rollback.core.samples import Sample, too_few_to_compare
from pam_rollback.core.wait import NotReached, Waiter
from pam_rollback.plugin.fixtures.observation import Observation
from pam_rollback.plugin.progress import Progress

_EVERY_S = 0.5
_SPARE = 1.5
"""Probes that leave late do not count, so that more time is given than the answers need."""


class SampleSize:
    """Waits for as many answers of users as a comparison needs."""

    def __init__(
        self,
        observation: Observation,
        environment: Environment,
        plan: Plan,
        waiter: Waiter,
        request: pytest.FixtureRequest,
    ) -> None:
        self._observation = observation
        self._needed = plan.baseline.answers_min
        self._within_s = _SPARE * self._needed / observation.rate_hz + environment.probing.timeout_s + 10
        self._waiter = waiter
        self._progress: Progress = request.getfixturevalue("progress")

    def since(
        self, since_s: float, *, times: int = 1, meanwhile: Callable[[], None] | None = None
    ) -> tuple[Sample, ...]:
        """Give all answers to probes from then on, when there are ``times`` as many as are needed. Raises MeasurementFailed."""
        needed = times * self._needed

        def answered() -> tuple[Sample, ...]:
            if meanwhile is not None:
                meanwhile()
            # Up to where everything is recorded: slow answers are still out behind that.
            found = self._observation.samples(since_s, self._observation.settled_s)
            self._progress.tell(f"  … {len(found)} answers, {needed} are waited for")
            return found

        try:
            found = self._waiter.until(
                answered,
                holds=lambda samples: sum(sample.measured() for sample in samples) >= needed,
                within_s=times * self._within_s,
                what=f"{needed} answers to compare",
                every_s=_EVERY_S,
            )
        except NotReached:
            raise MeasurementFailed(too_few_to_compare(answered(), needed, times * self._within_s)) from None
        self._progress.done()
        return found
