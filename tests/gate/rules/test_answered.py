"""Whose word answers for a test that could not be run."""

import pytest

from pam_rollback.redeploy.gate.hooks import is_answered

SUCCESS = ("SC-1", "SC-4")


@pytest.mark.parametrize(
    ("ids", "answered", "expected"),
    [
        (("DI-1", "SC-4", "POST-2"), {"SC-4"}, True),
        (("DI-1", "SC-4", "POST-2"), {"POST-2", "DI-1"}, False),
        (("SC-1", "SC-4"), {"SC-4"}, False),
        (("GA-1", "PM-5"), {"GA-1"}, False),
        (("GA-1", "PM-5"), {"GA-1", "PM-5"}, True),
        ((), {"SC-4"}, False),
    ],
)
def test_a_success_criterion_speaks_for_what_its_tests_serve(
    ids: tuple[str, ...],
    answered: set[str],
    expected: bool,  # noqa: FBT001 - a table
) -> None:
    """Nothing less than all of them, and a checklist item never speaks for a success criterion."""
    assert is_answered(ids, answered, SUCCESS) is expected
