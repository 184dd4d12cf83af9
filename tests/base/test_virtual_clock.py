"""The clock of these tests: it jumps, in order, and never past a thread that is at work."""

import threading

from tests.virtual_clock import VirtualClock


def test_the_earliest_wakes_first() -> None:
    """Whoever sleeps longer wakes later, whichever thread the machine runs first."""
    clock, woken, all_there = VirtualClock(together=True), list[float](), threading.Barrier(3, timeout=30)

    def nap(seconds: float) -> None:
        all_there.wait()
        clock.sleep(seconds)
        woken.append(clock.monotonic_s())

    threads = [threading.Thread(target=nap, args=(seconds,)) for seconds in (30, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert woken == [10, 20, 30]


def test_no_time_passes_while_somebody_works() -> None:
    """However long the machine takes for it; whoever has ended keeps nobody waiting."""
    clock, done = VirtualClock(together=True), threading.Event()
    asleep, working = threading.Thread(target=clock.sleep, args=(10,)), threading.Thread(target=done.wait, args=(30,))
    working.start()
    asleep.start()
    asleep.join(0.05)
    before_s = clock.monotonic_s()
    done.set()
    asleep.join(30)

    assert (before_s, clock.monotonic_s()) == (0, 10)
