"""What each source of the servers' own records told about the window, or why it did not."""

from collections.abc import Mapping
from dataclasses import dataclass

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateGoal, MemoryGoal, P95Goal
from pam_rollback.probe.journeys import HEALTH_JOURNEY, LOGIN_JOURNEY, PAGES
from pam_rollback.probe.measure import Terms, Window
from pam_rollback.probe.memory import READINGS_MIN, MemoryGrowth
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.window import ANSWERS_FOR_ERRORS
from pam_rollback.records.prometheus import prometheus_of, sources
from pam_rollback.records.series_window import (
    RecordedWindow,
    answers_in,
    judge_series,
    settled_readings,
)
from pam_rollback.rollback import kept_host_records as host_records
from pam_rollback.stats.series import Answers, Quantity, Series, Source
from pam_rollback.target.environment import Environment

PROMETHEUS = "prometheus"


SOURCES = (PROMETHEUS, host_records.ABILITY)
"""By the abilities that declare them."""


_POINTS_MIN = 5


_BAD_RUN_S = 3.0
"""A pause of this machine is no fault of the service. What it weighs in the window is judged all the same."""


@dataclass(frozen=True)
class _Declared:
    sources: Mapping[Quantity, Source]
    step_s: float
    gap_max_s: float
    uncounted: frozenset[str]
    """Journeys of the prober that it does not count, or need not."""


JudgedSeries = tuple[Series, Window]


@dataclass(frozen=True)
class ServersRecords:
    """What one source told about the window, or why it did not."""

    start_s: float
    end_s: float
    told: Mapping[Quantity, JudgedSeries | MeasurementFailed]
    own: Answers | None

    def window(self, quantity: Quantity) -> RecordedWindow:
        """The window over one quantity. Raises MeasurementFailed when the source did not tell."""
        return RecordedWindow(self._found(quantity)[1], None if quantity is Quantity.MEMORY_MB else self.own)

    def growth(self, plan: Plan) -> MemoryGrowth:
        """Where memory leads. Raises MeasurementFailed when that is not known."""
        series = self._found(Quantity.MEMORY_MB)[0]
        return MemoryGrowth.of(settled_readings(series, start_s=self.start_s, end_s=self.end_s), plan)

    def _found(self, quantity: Quantity) -> JudgedSeries:
        found = self.told[quantity]
        if isinstance(found, MeasurementFailed):
            raise found
        return found


def _declared(source: str, environment: Environment) -> _Declared:
    if source == PROMETHEUS and environment.prometheus is not None:
        settings = environment.prometheus
        # Its counters should leave health checks out, so those need not be in them.
        uncounted = frozenset({*PAGES, HEALTH_JOURNEY}) | _answered_elsewhere(environment)
        return _Declared(sources(prometheus_of(environment), settings), settings.step_s, settings.gap_max_s, uncounted)
    if source == host_records.ABILITY:
        records = host_records.host_records(environment)
        uncounted = frozenset(PAGES) | _answered_elsewhere(environment)
        told = dict(records.sources)
        if environment.contract.websockets:
            told.pop(Quantity.LATENCY_P95_MS, None)
        return _Declared(told, records.step_s, records.gap_max_s, uncounted)
    raise MeasurementFailed(f"{environment.name} declares no {source}: expected one of {', '.join(SOURCES)}")


def _answered_elsewhere(environment: Environment) -> frozenset[str]:
    """Journeys whose answers come from another host than the product's own servers, such as rows by Supabase's REST."""
    contract = environment.contract
    elsewhere = {str(name) for name, done in contract.operations.items() if done.site not in {"api", "backend"}}
    return frozenset(elsewhere | ({LOGIN_JOURNEY} if contract.sign_in.kind == "supabase" else set()))


def _specs(plan: Plan, declared: _Declared, *, duration_s: float, asked_s: float) -> dict[Quantity, Terms]:
    """SC-1 gives the time for all of them. One bad step alone is judged by its weight in the window, not by itself."""
    limits = {
        Quantity.ERROR_RATE_PCT: plan.the(ErrorRateGoal).error_rate_pct_max,
        Quantity.LATENCY_P95_MS: plan.the(P95Goal).p95_ms_max,
        Quantity.MEMORY_MB: plan.the(MemoryGoal).memory_mb_max,
    }
    return {
        quantity: Terms(
            measure=quantity,
            limit=limits[quantity],
            duration_s=duration_s,
            asked_s=asked_s,
            n_min=READINGS_MIN if quantity is Quantity.MEMORY_MB else _POINTS_MIN,
            answers_min=1 if quantity is Quantity.MEMORY_MB else ANSWERS_FOR_ERRORS,
            gap_max_s=declared.gap_max_s,
            bad_run_max_s=max(declared.step_s, _BAD_RUN_S),
        )
        for quantity in declared.sources
    }


def _told(source: Source, spec: Terms, start_s: float, now_s: float) -> JudgedSeries | MeasurementFailed:
    try:
        series = source.read(start_s, now_s)
        return series, judge_series(series, spec, start_s=start_s, now_s=now_s)
    except MeasurementFailed as problem:
        return problem


def _own(observation: Observation, declared: _Declared, since_s: float, until_s: float) -> Answers | None:
    journeys = {*observation.journeys, HEALTH_JOURNEY} - declared.uncounted
    return answers_in(observation.asked(journeys, since_s, until_s))


def _windows(found: Mapping[Quantity, JudgedSeries | MeasurementFailed]) -> list[Window]:
    return [one[1] for one in found.values() if not isinstance(one, MeasurementFailed)]


def _briefly(found: Mapping[Quantity, JudgedSeries | MeasurementFailed]) -> str:
    return ", ".join(
        f"{quantity.words} {'not told' if isinstance(one, MeasurementFailed) else one[1].state}"
        for quantity, one in found.items()
    )
