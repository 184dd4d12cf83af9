"""One window for all criteria: each waits for itself, and a broken one is told at once."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.probe.held_window import AnswersJudge, HeldWindow, Standings
from pam_rollback.probe.measure import WindowState
from pam_rollback.probe.memory import MemoryReading, MemoryWindow, MemoryWindowSpec, judge_memory
from pam_rollback.probe.parts import BACK_END, HEALTH, Series
from pam_rollback.probe.samples import Sample
from pam_rollback.probe.until_the_end import ReleasesSpec, judge_releases
from pam_rollback.probe.window import WindowSpec, judge
from pam_rollback.stats.series import Quantity
from pam_rollback.target.served_release import ExpectedReleases
from tests.virtual_clock import VirtualClock

ERRORS = WindowSpec(measure=Quantity.ERROR_RATE_PCT, limit=2, duration_s=15)
P95 = WindowSpec(measure=Quantity.LATENCY_P95_MS, limit=500, duration_s=15)
RELEASES = ReleasesSpec(expected=ExpectedReleases(backend="1"), start_s=0, duration_s=15, gap_max_s=5)


class Shown:
    """A screen that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.announced: list[str] = []
        self.ended = 0

    def tell(self, line: str) -> None:
        """How far it is."""
        self.told.append(line)

    def announce(self, line: str) -> None:
        """What has happened."""
        self.announced.append(line)

    def phase(self, name: str, text: str) -> None:
        """A line, too."""
        self.announced.append(f"{name} {text}")

    def done(self) -> None:
        """The wait is over."""
        self.ended += 1


def no_later_window(number: int) -> MemoryWindow:
    """Memory is not read here."""
    pytest.fail(f"window {number} was asked for")


def held(
    clock: VirtualClock,
    shown: Shown,
    *,
    bad_from_s: float = 99,
    slow_from_s: float = 99,
    other_from_s: float = 99,
    n_min: int = ERRORS.n_min,
) -> HeldWindow:
    """Ten probes a second since 0, bad, slow or another release's from some moment on; memory is not read."""

    def look() -> Standings:
        now_s = clock.monotonic_s()
        samples = [
            Sample(
                due_s=at / 10, latency_ms=900 if at / 10 >= slow_from_s else 10, journey="chat", ok=at / 10 < bad_from_s
            )
            for at in range(int(now_s * 10))
        ]
        errors, p95 = (
            judge(samples, replace(spec, n_min=n_min), start_s=0, now_s=now_s, rate_hz=10) for spec in (ERRORS, P95)
        )
        named = [replace(one, journey="health", release="1" if one.due_s < other_from_s else "2") for one in samples]
        return Standings(now_s, 15, errors, p95, None, judge_releases(named, RELEASES, settled_s=now_s))

    return HeldWindow(look, later_memory=no_later_window, within_s=60, waiter=Waiter(clock), progress=shown)


def with_memory(
    clock: VirtualClock, grows: tuple[bool, ...], *, asked_s: float = 900, mb_per_s: float = 0.5, restarts: bool = False
) -> HeldWindow:
    """Windows of 15 s one after the other, in which memory grows or does not."""
    spec = MemoryWindowSpec(limit=100, alarm_mb=200, duration_s=15, asked_s=asked_s, n_min=20, gap_max_s=2)
    held_mb, readings = 60.0, []
    for half_s in range(2 * 15 * len(grows)):
        held_mb += mb_per_s / 2 if grows[half_s // 30] else 0
        readings.append(MemoryReading(half_s / 2 + 0.25, held_mb, 1000.0 + 15 * restarts * (half_s // 30)))

    def window(number: int) -> MemoryWindow:
        now_s = clock.monotonic_s()
        known = [reading for reading in readings if reading.at_s <= now_s]
        return judge_memory(known, [], spec, start_s=15.0 * number, now_s=now_s)

    def look() -> Standings:
        now_s = clock.monotonic_s()
        samples = [Sample(due_s=at / 10, latency_ms=10, journey="chat", ok=True) for at in range(int(now_s * 10))]
        errors, p95 = (judge(samples, one, start_s=0, now_s=now_s, rate_hz=10) for one in (ERRORS, P95))
        return Standings(now_s, 15, errors, p95, window(0))

    return HeldWindow(look, later_memory=window, within_s=16, waiter=Waiter(clock), progress=Shown())


@pytest.mark.parametrize(
    ("grows", "stable", "ends_s"),
    [
        ((False,), True, 15),
        ((True, False), True, 30),
        ((True, True, False), True, 45),
        ((True, True, True), False, 45),
    ],
)
def test_growth_in_a_shortened_window_is_looked_at_again(
    grows: tuple[bool, ...], ends_s: float, *, stable: bool
) -> None:
    """A process warms up in its first seconds; a leak goes on."""
    clock = VirtualClock()

    assert with_memory(clock, grows).memory_trend().settled is stable
    assert clock.now_s == pytest.approx(ends_s, abs=0.6)


def test_growth_in_a_window_of_full_length_counts_at_once() -> None:
    """The plan's time is over: nothing is waited for."""
    clock = VirtualClock()

    assert not with_memory(clock, (True, False), asked_s=15, mb_per_s=2.5).memory_trend().settled
    assert clock.now_s == pytest.approx(15, abs=0.6)


def test_a_process_that_began_anew_between_two_windows_clears_nobody() -> None:
    """A leak that was killed for its memory looks flat in the next window."""
    assert not with_memory(VirtualClock(), (True, False), restarts=True).memory_trend().settled


def test_what_comes_later_never_makes_it_unknown() -> None:
    """No reading after the window: its own growth counts, and no further window is waited for."""
    clock = VirtualClock()

    assert not with_memory(clock, (True,)).memory_trend().settled
    assert clock.now_s < 20


def test_all_share_one_wait() -> None:
    """What one has waited for, the other need not wait for again."""
    clock, shown = VirtualClock(), Shown()
    window = held(clock, shown)

    assert window.error_rate().met
    assert shown.ended == 1
    waited_s = clock.now_s
    assert window.latency_p95().met
    assert waited_s == pytest.approx(15, abs=0.6)
    assert clock.now_s == waited_s
    assert "window 15 of 15 s: error rate 0 % (met), response time 10 ms (met)" in shown.told[-1]


def test_a_broken_one_fails_fast_and_keeps_no_other_from_its_time() -> None:
    """Errors are red after a second; response times are judged over the whole window all the same."""
    clock, shown = VirtualClock(), Shown()
    window = held(clock, shown, bad_from_s=1)

    assert not window.error_rate().met
    assert clock.now_s < 3
    window.latency_p95()
    assert clock.now_s >= 6


def test_what_is_broken_is_told_while_another_is_waited_for() -> None:
    """Once, and not a quarter of an hour later."""
    clock, shown = VirtualClock(), Shown()

    assert held(clock, shown, slow_from_s=5).error_rate().met
    (line,) = shown.announced
    assert line.startswith("  broken already: response time ")


def test_memory_that_nobody_reads_is_not_known() -> None:
    """Never met."""
    with pytest.raises(MeasurementFailed, match="declares no metrics"):
        held(VirtualClock(), Shown()).memory()


def test_another_release_is_told_at_once_and_known_to_whoever_asks() -> None:
    """Also while another criterion is waited for; without one the whole window is waited for."""
    clock, shown = VirtualClock(), Shown()
    window = held(clock, shown, other_from_s=5)

    assert not window.releases().met
    assert clock.now_s < 6
    assert window.error_rate().met
    (line,) = shown.announced
    assert line.startswith("  broken already: answers of another release broken: ")
    clock = VirtualClock()
    assert held(clock, Shown()).releases().met
    assert clock.now_s == pytest.approx(15, abs=0.6)


def test_releases_that_no_answer_names_are_not_known() -> None:
    """Never met."""
    with pytest.raises(MeasurementFailed, match="names a release"):
        with_memory(VirtualClock(), (False,)).releases()


def test_its_end_is_waited_for_although_a_criterion_is_broken() -> None:
    """What is asked at the end stands for the whole time."""
    clock = VirtualClock()

    held(clock, Shown(), bad_from_s=1).wait_for_its_end()
    assert clock.now_s == pytest.approx(15, abs=0.1)


def test_what_can_never_be_enough_is_told_at_once() -> None:
    """Twenty seconds at ten probes a second bring no thousand answers: nobody waits to be told that."""
    clock = VirtualClock()
    window = held(clock, Shown(), n_min=1000)

    assert window.error_rate().state is WindowState.UNKNOWN
    assert clock.now_s < 1


def test_answers_are_judged_part_by_part_and_health_is_no_experience_of_speed() -> None:
    """Slow health breaks no response time, and its errors break the error rate."""
    series = (Series(BACK_END, ("profile",), 10.0), Series(HEALTH, ("health",), 10.0))
    seconds = [index / 10 for index in range(160)]
    reads = [Sample(due_s=at, latency_ms=20, journey="profile", ok=True) for at in seconds]
    health = [Sample(due_s=at, latency_ms=900, journey="health", ok=False) for at in seconds]
    watched: Any = SimpleNamespace(settled_s=16.0, series=series, samples_of_parts=lambda **_: (*reads, *health))

    found = AnswersJudge(watched, lambda _: ERRORS, lambda _: P95)(start_s=0, now_s=16)

    assert (found.error_rate.state, found.error_rate.part) == (WindowState.BROKEN, "health of the back end")
    assert found.latency_p95.state is WindowState.MET
