"""Something done beside the tests: whoever needs it gets what came of it, a failure too, and nobody waits for ever."""

import threading

import pytest

from pam_rollback.browser.fixtures.accessibility import Beside


def test_it_goes_on_while_others_do_something_else() -> None:
    """It has begun before anybody asks, and is waited for by whoever does."""
    begun, may_end = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        may_end.wait(10)
        return "found"

    beside = Beside(work, name="tests")

    assert begun.wait(10)
    assert not beside.ended_within(0.01)
    may_end.set()
    assert beside.result() == "found"
    assert beside.ended_within(10)


def test_its_failure_is_that_of_whoever_needs_it() -> None:
    """Each time it is asked for, and only then."""

    def work() -> None:
        raise LookupError("no browser")

    beside = Beside(work, name="tests")

    for _ in range(2):
        with pytest.raises(LookupError, match="no browser"):
            beside.result()
