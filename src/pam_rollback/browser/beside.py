"""Something that takes a while, done in a thread of its own while other tests run; whoever needs it waits for the rest of it."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """``work`` begins at once. It must end by itself: nobody interrupts it."""

    def __init__(self, work: Callable[[], T], *, name: str) -> None:
        self._work = work
        self._found: T
        self._problem: BaseException | None = None
        # A daemon: a session that is stopped does not wait for it.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def result(self) -> T:
        """What came of it, when it is done. Raises what the work raised."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._found

    def ended_within(self, seconds: float) -> bool:
        """Wait for it, but not longer; whether it is done."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._found = self._work()
        except BaseException as problem:  # noqa: BLE001 - raised again where it is asked for
            self._problem = problem
