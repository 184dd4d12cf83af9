"""What a journey has written is cleared away again, whatever came of it."""

from collections.abc import Callable

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import NotReached, Waiter

_CLEARED_WITHIN_S = 8.0
_CLEAR_EVERY_S = 0.5


class Clearing:
    """What a journey owes: noted before it writes, done at the end, also when the test failed."""

    def __init__(self, waiter: Waiter) -> None:
        self._waiter = waiter
        self._owed: list[Callable[[], None]] = []

    def owe(self, clear: Callable[[], None]) -> None:
        """Note it."""
        self._owed.append(clear)

    def settle(self) -> None:
        """Do all of it, each until it works. Raises MeasurementFailed with everything that is left."""
        left = [problem for problem in map(self._attempt, reversed(self._owed)) if problem]
        self._owed.clear()
        if left:
            raise MeasurementFailed("; ".join(left))

    def _attempt(self, clear: Callable[[], None]) -> str:
        """A service that is not well yet refuses now and then, so once is not enough."""

        def problem() -> str:
            try:
                clear()
            except MeasurementFailed as error:
                return str(error)
            return ""

        try:
            return self._waiter.until(
                problem,
                holds=lambda words: not words,
                within_s=_CLEARED_WITHIN_S,
                every_s=_CLEAR_EVERY_S,
                what="cleared away",
            )
        except NotReached as error:
            return str(error).partition("last seen ")[2]
