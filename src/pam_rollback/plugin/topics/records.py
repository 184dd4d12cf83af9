"""How the service performs after a rollback: the users' answers, the memory of the process, and what the servers recorded."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import ActionFailed, MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import (
    ErrorRateGoal,
    ErrorRateLimit,
    MemoryLimit,
    ResponseTimeLimit,
)
from pam_rollback.plugin.baseline_files import BaselinePart, Recorded
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.progress import Progress
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import AS_IS, BASELINE
from pam_rollback.probe.held_window import AnswersJudge, HeldWindow, Standings
from pam_rollback.probe.measure import WindowState
from pam_rollback.probe.memory import (
    MEMORY_ITEMS,
    READINGS_MIN,
    SPAN_MIN_S,
    MemoryGrowth,
    MemoryLevel,
    MemoryReading,
    confirmed_growth,
)
from pam_rollback.probe.memory_readings import MemoryWatch, memory_reader
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.window import ANSWERS_ITEMS, judge_sample, sample_spec
from pam_rollback.records.series_window import (
    RecordedWindow,
    long_enough_s,
)
from pam_rollback.records.servers_records import (
    JudgedSeries,
    ServersRecords,
    _briefly,
    _declared,
    _own,
    _specs,
    _told,
    _windows,
)
from pam_rollback.report.baseline_record import MemoryHeld
from pam_rollback.rollback import kept_host_records as host_records
from pam_rollback.stats.series import Quantity
from pam_rollback.target.environment import Environment

_READ_EVERY_S = 0.2


_LATELY_S = 2 * SPAN_MIN_S


def retest(criterion: str) -> tuple[str, Callable[[Any], tuple[bool, str]]] | None:
    """What is monitored: answers and memory."""

    def of_answers(monitored: HeldWindow) -> tuple[bool, str]:
        by_latency = ANSWERS_ITEMS[criterion] is Quantity.LATENCY_P95_MS
        answers = monitored.latency_p95() if by_latency else monitored.error_rate()
        return answers.met, str(answers)

    def of_memory(memory: Memory) -> tuple[bool, str]:
        low = memory.level.highest_mb < memory.level.limit_mb
        return low and memory.growth.settled, f"{memory.level}; {memory.growth}"

    if criterion in ANSWERS_ITEMS:
        return "monitored", of_answers
    return ("memory", of_memory) if criterion in MEMORY_ITEMS else None


# ---------------------------------------------------------------- the users' answers
@pytest.fixture(scope="session")
@titled("Enough of the users' answers are there to judge them")
@needs(waits="answers")
def monitored(
    situation: str,
    good_since_s: float,
    observation: Observation,
    environment: Environment,
    plan: Plan,
    waiter: Waiter,
    running_release: str,
    clock: Clock,
    progress: Progress,
) -> HeldWindow:
    """p95 and error rate over all answers since the recovery, or since the prober began where nothing was done.

    Reads only. Waits for the answers that are missing: about 4 s on the sandbox, minutes elsewhere, at one request a second.
    """
    slowest_hz = observation.slowest_part_hz
    spec_at = partial(sample_spec, slowest_hz=slowest_hz, answer_max_s=environment.probing.timeout_s)
    errors_at = partial(spec_at, Quantity.ERROR_RATE_PCT, plan.the(ErrorRateLimit).error_rate_pct_max)
    p95_at = partial(spec_at, Quantity.LATENCY_P95_MS, plan.the(ResponseTimeLimit).response_time_ms_max)
    answers = AnswersJudge(observation, errors_at, p95_at)
    longest_s = max(spec(slowest_hz).duration_s for spec in (errors_at, p95_at))

    def judged() -> Standings:
        now_s = clock.monotonic_s()
        found = answers(start_s=good_since_s, now_s=now_s, judge=judge_sample)
        return Standings(now_s - good_since_s, longest_s, *found, memory=None)

    within_s = longest_s + 3 * environment.probing.timeout_s + 10
    return HeldWindow(judged, within_s=within_s, waiter=waiter, progress=progress)


# ---------------------------------------------------------------- memory
@dataclass(frozen=True)
class Memory:
    """What the product's process holds."""

    level: MemoryLevel
    growth: MemoryGrowth


@pytest.fixture(scope="session")
@titled("The memory of the product's process is read for some seconds")
@needs("metrics")
def memory(
    in_situation: Any,
    observation: Observation,
    environment: Environment,
    plan: Plan,
    waiter: Waiter,
    clock: Clock,
) -> Memory:
    """Readings of the product's own metric while the prober asks: a process that has nothing to do does not leak.

    0.2 s apart, together with those that the observation has taken since the action was over. Raises MeasurementFailed when the metric
    does not say.
    """
    readings: list[MemoryReading] = []
    read_now = memory_reader(environment)

    def look(_: int) -> MemoryGrowth:
        since_s = readings[-1].at_s if readings else _since_s(in_situation, clock)
        own: list[MemoryReading] = []

        def read() -> tuple[MemoryReading, ...]:
            own.append(read_now())
            watched = () if observation.memory is None else observation.memory.readings
            others = (reading for reading in watched if reading.at_s > since_s)
            return tuple(sorted((*own, *others), key=lambda reading: reading.at_s))

        found = waiter.until(
            read,
            holds=lambda found: len(found) >= READINGS_MIN and found[-1].at_s - found[0].at_s >= SPAN_MIN_S,
            within_s=SPAN_MIN_S + READINGS_MIN * environment.probing.request_deadline_s,
            what="enough readings of memory",
            every_s=_READ_EVERY_S,
        )
        readings.extend(found)
        return MemoryGrowth.of(found, plan)

    growth = confirmed_growth(look)
    return Memory(MemoryLevel(tuple(readings), plan.the(MemoryLimit).memory_mb_max), growth)


def _since_s(in_situation: Any, clock: Clock) -> float:
    """From when on readings tell of what runs now. An action may have replaced the process, and what was long ago says little."""
    lately_s = clock.monotonic_s() - _LATELY_S
    acted = in_situation is not None and not isinstance(in_situation, ActionFailed)
    return max(lately_s, in_situation.finished_s) if acted else lately_s


_EVERY_S = 0.5


@pytest.fixture(scope="session")
def memory_beside(environment: Environment) -> Iterator[MemoryWatch | None]:
    """The memory of the product's process, read from now on; None where the product does not tell it."""
    if "metrics" not in environment.abilities:
        yield None
        return
    with MemoryWatch(memory_reader(environment), _EVERY_S) as watch:
        yield watch


@pytest.fixture(scope="session")
def memory_recorded(memory_beside: MemoryWatch, baseline_answers: object) -> Recorded:
    """What the process held while answers came in. One reading that failed, or too few of them, say nothing."""
    memory_beside.stop()
    readings, missed = memory_beside.readings, memory_beside.missed
    if missed:
        raise MeasurementFailed(missed[0].why)
    if len(readings) < READINGS_MIN:
        raise MeasurementFailed(f"{len(readings)} readings of memory, {READINGS_MIN} are needed")
    held = MemoryHeld(
        n=len(readings),
        median_mb=round(median(reading.mb for reading in readings), 2),
        highest_mb=round(max(reading.mb for reading in readings), 2),
        span_s=round(readings[-1].at_s - readings[0].at_s, 1),
    )
    return Recorded(fields={"memory": held})


_ASK_EVERY_MIN_S = 1.5
"""A source is asked five times in turn; the host may let nobody ask more than 400 times a minute."""


_WORTH_WAITING_S = 60.0
"""When something is broken, what is left of the window is not waited for, unless it is as short as this."""


_LEEWAY_S = 30.0


@pytest.fixture(scope="session")
def source(request: pytest.FixtureRequest) -> str:
    """Whose records: the ability that declares them."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
@titled("The servers' own records of the window are read")
@needs(waits="window")
def servers_records(
    source: str,
    situation: str,
    good_since_s: float,
    observation: Observation,
    environment: Environment,
    plan: Plan,
    waiter: Waiter,
    clock: Clock,
    progress: Progress,
    runbook: Runbook,
) -> ServersRecords:
    """Error rate, p95 and memory by one source, over the window that the observation has too: whoever waits first waits for both.

    Begins with the recovery, or with the prober where nothing was done; records from before it are about something else. Ends when all is
    known, or soon after something is broken. A source that does not answer at first is asked again until the window is over. Where the pace
    made it so short that too few answers were counted, the window is made longer, once.
    """
    declared = _declared(source, environment)
    asked_s = float(plan.the(ErrorRateGoal).duration_s)
    duration_s = asked_s / runbook.pace
    start_s = good_since_s
    if situation not in {AS_IS, BASELINE}:
        # Requests are recorded when they end: what was asked before the recovery may still be answered now.
        start_s += environment.probing.timeout_s

    def watched(duration_s: float) -> Mapping[Quantity, JudgedSeries | MeasurementFailed]:
        end_s = start_s + duration_s
        last_s = end_s + max(declared.gap_max_s, 2 * declared.step_s)
        specs = _specs(plan, declared, duration_s=duration_s, asked_s=asked_s)
        first_round = clock.monotonic_s() + declared.step_s

        def read() -> Mapping[Quantity, JudgedSeries | MeasurementFailed]:
            now_s = clock.monotonic_s()
            found = {
                quantity: _told(declared.sources[quantity], spec, start_s, now_s) for quantity, spec in specs.items()
            }
            progress.tell(
                f"  … {source}, {min(now_s - start_s, duration_s):.0f} of {duration_s:.0f} s: {_briefly(found)}"
            )
            return found

        def is_enough(found: Mapping[Quantity, JudgedSeries | MeasurementFailed]) -> bool:
            now_s = clock.monotonic_s()
            failed = [one for one in found.values() if isinstance(one, MeasurementFailed)]
            windows = _windows(found)
            if any(window.state is WindowState.BROKEN for window in windows) and end_s - now_s > _WORTH_WAITING_S:
                return True
            if failed and now_s < last_s:
                # Where nothing is told at all, waiting for the end of a long window would not change that.
                return not windows and now_s > max(first_round, start_s + 3 * declared.step_s) + _WORTH_WAITING_S
            return all(window.final for window in windows)

        return waiter.until(
            read,
            holds=is_enough,
            within_s=max(0.0, last_s - clock.monotonic_s()) + _LEEWAY_S + 3 * declared.step_s,
            what=f"the records of {source} over the window",
            every_s=max(_ASK_EVERY_MIN_S, declared.step_s / 4),
        )

    told = watched(duration_s)
    longer_s = long_enough_s(_windows(told))
    if longer_s > duration_s:  # for the number of answers alone, whatever they were: it makes nothing greener
        duration_s = longer_s
        told = watched(duration_s)
    progress.done()
    end_s = start_s + duration_s
    reach_s = min(end_s, observation.settled_s)
    return ServersRecords(start_s, end_s, told, _own(observation, declared, start_s + 2 * declared.step_s, reach_s))


@pytest.fixture(scope="session")
@needs(series=("requests", "error_rate_pct"))
def recorded_errors(servers_records: ServersRecords) -> RecordedWindow:
    """The error rate by this source."""
    return servers_records.window(Quantity.ERROR_RATE_PCT)


def _sockets_count(item: pytest.Item, environment: Environment) -> str:
    """Return why the host's response times say nothing of this product; empty when they do."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or callspec.params.get("source") != host_records.ABILITY or not environment.contract.websockets:
        return ""
    return "the host may count the life of a WebSocket as one slow answer (websockets in the product's contract)"


@pytest.fixture(scope="session")
@needs(series=("latency_buckets",), lacking=_sockets_count)
def recorded_latency(servers_records: ServersRecords) -> RecordedWindow:
    """The 95th percentile of response times by this source."""
    return servers_records.window(Quantity.LATENCY_P95_MS)


@pytest.fixture(scope="session")
@needs(series=("memory_bytes",))
def recorded_memory(servers_records: ServersRecords) -> RecordedWindow:
    """The most memory that a process held, by this source."""
    return servers_records.window(Quantity.MEMORY_MB)


@pytest.fixture(scope="session")
def recorded_growth(servers_records: ServersRecords, recorded_memory: RecordedWindow, plan: Plan) -> MemoryGrowth:
    """Where memory leads, by this source, since the last restart."""
    return servers_records.growth(plan)


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """What the product's process holds."""
    metrics = "the address of metrics ([paths] metrics)"
    return [BaselinePart("memory", "memory_recorded", metrics, ("metrics",), quick=True)]
