"""What a fixture gives where the work must not begin before somebody needs it."""

from collections.abc import Callable
from typing import Generic, TypeVar

from pam_rollback.core.errors import MeasurementFailed

T = TypeVar("T")


class Once(Generic[T]):
    """Work that is done at the first call. Later calls give the same result, or raise the same MeasurementFailed."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done: list[T] = []
        self._failed: MeasurementFailed | None = None

    def __call__(self) -> T:
        """Do it, or tell what came of it."""
        if self._failed is not None:
            raise self._failed
        if not self._done:
            try:
                self._done.append(self._work())
            except MeasurementFailed as failed:
                self._failed = failed
                raise
        return self._done[0]
