"""The start does without the garbage collector, the tests do not."""

import gc


def test_garbage_is_collected_while_tests_run() -> None:
    """In this very session: switched on again, and what the start made is left alone."""
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
