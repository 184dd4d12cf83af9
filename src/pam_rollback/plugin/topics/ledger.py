"""The ledger of writes, from before the incident to the end of the window."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.once import Once
from pam_rollback.core.wait import Waiter
from pam_rollback.http.pace import room_for
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import ErrorRateGoal
from pam_rollback.plugin.needs import needs, titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import AS_IS
from pam_rollback.probe.blocking import why_void
from pam_rollback.probe.held_window import HeldWindow
from pam_rollback.probe.ledger import Ledger, configured, in_window, steady_of, when_it_ends
from pam_rollback.probe.ledger_config import kinds_in_window
from pam_rollback.probe.observation import Observation
from pam_rollback.probe.parts import slowest_part_hz
from pam_rollback.probe.until_the_end import WindowWrites, judge_until_the_end
from pam_rollback.probe.window import answers_spec
from pam_rollback.target.environment import Environment

_FIRST_WRITES = 5


_FIRST_WITHIN_S = 15.0


_REAL_PATIENCE_S = 3.0


# Writes need not be as many as probes: one within 2 s before and after each step is what the ledger's verdict asks for.
_SHARE_OF_PROBES = 0.16


_RATE_MIN_HZ = 1.0


@pytest.fixture(scope="session")
def start_writing(environment: Environment, evidence: Path) -> Iterator[Callable[[], Ledger]]:
    """Start, at the first call, a writer of its own process that acts as the test account.

    What it writes is what the product's contract says is kept. Raises MeasurementFailed when it cannot be started.
    """
    with ExitStack() as lasting:

        def start() -> Ledger:
            config = configured(environment, ledger_rate_hz(environment))
            steady = [] if environment.kind == "sandbox" else steady_of(config)  # a drill on a sandbox bothers nobody
            lasting.enter_context(room_for(steady))
            writer = lasting.enter_context(Ledger(config, evidence / "ledger.jsonl"))
            lasting.callback(writer.clean_up)
            return writer

        yield Once(start)


@pytest.fixture(scope="session")
@titled("Every acknowledged write is remembered")
def ledger(start_writing: Callable[[], Ledger]) -> Ledger:
    """The running writer, and what it has written so far."""
    return start_writing()


def ledger_rate_hz(environment: Environment) -> float:
    """How many writes a second."""
    return max(_RATE_MIN_HZ, environment.probing.rate_hz * _SHARE_OF_PROBES)


@pytest.fixture(scope="session")
def writes_watched(
    situation: str, environment: Environment, runbook: Runbook, start_writing: Callable[[], Ledger]
) -> None:
    """The ledger writes before, during and after an action, wherever there is a test account to write as."""
    if "test_account" not in environment.abilities:
        return
    try:
        start_writing()
    except MeasurementFailed:
        # A real rollback is not kept from helping users by what it cannot measure; the test of the writes will say so.
        if runbook.records_before:
            raise


@pytest.fixture(scope="session")
def written_before(
    writes_watched: None,
    environment: Environment,
    runbook: Runbook,
    waiter: Waiter,
    start_writing: Callable[[], Ledger],
) -> None:
    """Writes are acknowledged before anything is planted; in a real rollback that is over within a moment, the first had its chance to be.

    A broken product does not delay its own rollback for longer. A real one that takes a while, such as a deploy, does not ask for this.
    """
    if "test_account" not in environment.abilities:
        return
    if runbook.records_before:
        start_writing().wait_for_acknowledged(_FIRST_WRITES, _FIRST_WITHIN_S, waiter)
    else:
        with suppress(MeasurementFailed):
            start_writing().wait_for_acknowledged(1, _REAL_PATIENCE_S, waiter)


def _nothing_to_write(_: pytest.Item, environment: Environment) -> str:
    kinds = kinds_in_window(environment.contract)
    return "" if kinds else f"the contract of {environment.product} names nothing that can be written or asked"


def _duration_s(environment: Environment, plan: Plan, pace: float) -> float:
    goal = plan.the(ErrorRateGoal)
    return answers_spec(goal, 1.0, slowest_part_hz(environment) or 1.0, environment=environment, pace=pace).duration_s


@pytest.fixture(scope="session")
@titled("The test account writes and asks while the window is open")
@needs("test_account", lacking=_nothing_to_write)
def window_writes(environment: Environment, evidence: Path, plan: Plan, runbook: Runbook) -> Iterator[Ledger]:
    """A ledger of its own, slower than that of a drill: each kind some times in a window."""
    config = in_window(environment, duration_s=_duration_s(environment, plan, runbook.pace))
    with room_for(steady_of(config)), Ledger(config, evidence / "window-writes.jsonl") as writer:
        yield writer
        with suppress(MeasurementFailed):  # what is left carries our mark, and was told where it could not be written
            writer.clean_up()


@pytest.fixture(scope="session")
@titled("The test account writes and asks once more when the window is over")
def held_writes(
    situation: str,
    window_writes: Ledger,
    held_window: HeldWindow,
    good_since_s: float,
    observation: Observation,
    environment: Environment,
    evidence: Path,
    clock: Clock,
    request: pytest.FixtureRequest,
) -> WindowWrites:
    """SC-1 for what people do, beside what they read. Raises MeasurementFailed when the writers ended, or we alone are refused."""
    window_writes.check()
    held_window.wait_for_its_end()
    end_s = clock.monotonic_s()
    window_writes.check()
    window_writes.stop()
    # In a drill another ledger looks for its messages in that history; other workers walk with the same account.
    shared = situation != AS_IS or hasattr(request.config, "workerinput")
    config = when_it_ends(environment, window_writes.config, shared=shared)
    with Ledger(config, evidence / "last-writes.jsonl") as last:
        last.wait_until_once()
        with suppress(MeasurementFailed):
            last.clean_up()
    sign_ins = last.record.sign_ins
    found = judge_until_the_end(
        (*window_writes.record.writes, *last.record.writes),
        config.weights,
        start_s=good_since_s,
        end_s=end_s,
        sign_in=sign_ins[-1].why if sign_ins else "",
    )
    samples = observation.samples(good_since_s)
    if (found.broken or found.unknown) and any(sample.blocked for sample in samples):
        raise MeasurementFailed(why_void(samples))
    return found
