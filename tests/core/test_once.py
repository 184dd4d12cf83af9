"""Work that begins when it is needed."""

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.once import Once


def test_work_is_done_once_and_not_before_it_is_needed() -> None:
    """However often it is asked for."""
    done: list[str] = []

    def work() -> int:
        done.append("worked")
        return len(done)

    asked = Once(work)

    assert done == []
    assert (asked(), asked(), done) == (1, 1, ["worked"])


def test_what_could_not_be_measured_is_not_tried_again() -> None:
    """Each caller hears the first reason."""
    tries: list[str] = []

    def work() -> int:
        tries.append("tried")
        raise MeasurementFailed(f"try {len(tries)}")

    asked = Once(work)

    for _ in range(2):
        with pytest.raises(MeasurementFailed, match="try 1"):
            asked()
