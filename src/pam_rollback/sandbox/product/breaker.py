"""A circuit breaker: after some failures in a row what it guards is left alone for a while, and then tried once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

FAILURES_MAX = 5
OPEN_S = 0.5
"""Short: what is well again is to be used again at once."""


class State(StrEnum):
    """As the product's health answer names it."""

    CLOSED = "CLOSED"
    """Calls pass."""
    OPEN = "OPEN"
    """Calls are refused."""
    HALF_OPEN = "HALF_OPEN"
    """The next call is tried; until it has ended, others are refused."""


class OpenCircuitError(RuntimeError):
    """Refused without trying: what is behind it failed a moment ago."""


class Breaker:
    """One, for one thing that may fail."""

    def __init__(
        self,
        name: str,
        *,
        failures_max: int = FAILURES_MAX,
        open_s: float = OPEN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.opened = 0
        """How often it has opened."""
        self.failures = 0
        """In a row."""
        self._failures_max = failures_max
        self._open_s = open_s
        self._clock = clock
        self._opened_s: float | None = None
        self._tried = False

    @property
    def state(self) -> State:
        """How it stands now."""
        if self._opened_s is None:
            return State.CLOSED
        return State.OPEN if self._clock() - self._opened_s < self._open_s else State.HALF_OPEN

    @contextmanager
    def guard(self, *failures: type[BaseException]) -> Iterator[None]:
        """Guard the block: these exceptions are failures, any other end says that it works. Raises OpenCircuitError when it is open.

        A block that was given up (cancelled, or a generator that was closed) says neither.
        """
        state = self.state
        if state is State.OPEN or (state is State.HALF_OPEN and self._tried):
            raise OpenCircuitError(f"the circuit breaker of the {self.name} is open")
        trial = state is State.HALF_OPEN
        self._tried = trial or self._tried
        try:
            yield
        except failures:
            self._failed()
            raise
        except Exception:
            self._worked()
            raise
        else:
            self._worked()
        finally:
            if trial:
                self._tried = False

    def _failed(self) -> None:
        self.failures += 1
        if self._opened_s is not None or self.failures >= self._failures_max:
            self.opened += self._opened_s is None
            self._opened_s = self._clock()

    def _worked(self) -> None:
        self.failures = 0
        self._opened_s = None
