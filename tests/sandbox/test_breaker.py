"""The product's circuit breaker, over written-out histories: closed, open after failures in a row, tried once, and closed again."""

import pytest

from pam_rollback.sandbox.product.breaker import Breaker, OpenCircuitError, State


class Clock:
    """A clock that is set."""

    now_s = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """One clock for each test."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    """Opens after three failures, for half a second."""
    return Breaker("database", failures_max=3, open_s=0.5, clock=clock)


def fail(breaker: Breaker, times: int = 1) -> None:
    """Calls that fail."""
    for _ in range(times):
        with pytest.raises(OSError, match="down"), breaker.guard(OSError):
            raise OSError("down")


def work(breaker: Breaker) -> None:
    """A call that works."""
    with breaker.guard(OSError):
        pass


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    """Two do not open it, nor do three with a good one between them."""
    fail(breaker, 2)
    work(breaker)
    fail(breaker, 2)
    assert breaker.state is State.CLOSED

    fail(breaker)

    assert (breaker.state, breaker.opened) == (State.OPEN, 1)


def test_open_refuses_without_trying(breaker: Breaker) -> None:
    """What is down is left alone."""
    fail(breaker, 3)

    with pytest.raises(OpenCircuitError, match="of the database is open"), breaker.guard(OSError):
        pytest.fail("it was tried")


def test_half_open_tries_once_at_a_time(breaker: Breaker, clock: Clock) -> None:
    """While one call is out, the others are refused."""
    fail(breaker, 3)
    clock.now_s += 0.5
    assert breaker.state is State.HALF_OPEN

    with breaker.guard(OSError), pytest.raises(OpenCircuitError), breaker.guard(OSError):
        pytest.fail("a second one was tried")

    assert (breaker.state, breaker.failures) == (State.CLOSED, 0)


def test_a_trial_that_fails_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    """For its whole time; it is the same outage."""
    fail(breaker, 3)
    clock.now_s += 0.5
    fail(breaker)
    assert breaker.state is State.OPEN

    clock.now_s += 0.4
    assert breaker.state is State.OPEN
    clock.now_s += 0.1
    work(breaker)

    assert (breaker.state, breaker.opened) == (State.CLOSED, 1)


def test_another_error_says_that_it_works(breaker: Breaker) -> None:
    """A wrong question was answered."""
    fail(breaker, 2)
    with pytest.raises(KeyError), breaker.guard(OSError):
        raise KeyError("x")
    fail(breaker, 2)

    assert breaker.state is State.CLOSED


def test_a_trial_that_is_given_up_says_neither(breaker: Breaker, clock: Clock) -> None:
    """The next call is the trial."""
    fail(breaker, 3)
    clock.now_s += 0.5
    with pytest.raises(KeyboardInterrupt), breaker.guard(OSError):
        raise KeyboardInterrupt

    assert breaker.state is State.HALF_OPEN
    work(breaker)
    assert breaker.failures == 0
