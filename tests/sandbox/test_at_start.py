"""A sandbox knows what of it is not as it was when it started."""

from collections.abc import Callable

import pytest

from pam_sandbox.remote import Remote
from tests.sandbox.found_range import Found, eventually

CHANGES: dict[str, tuple[Callable[[Remote], object], set[str]]] = {
    "a fault": (lambda remote: remote.plant("errors"), {"faults"}),
    "another release": (
        lambda remote: remote.go_live("stable"),
        {"back end, live release", "front end, published commit"},
    ),
    "a pushed branch": (lambda remote: remote.push(branch="pam-refresh"), {"repository"}),
}


def told(found: Found) -> set[str]:
    """What is not as it was, without the names of branches."""
    return {change["what"].partition(", refs/")[0] for change in found.remote.changes()}


@pytest.mark.parametrize("case", CHANGES)
def test_each_change_is_told_and_gone_after_a_reset(found: Found, case: str) -> None:
    """With what was expected and what is there; a history that has grown is none."""
    change, expected = CHANGES[case]
    assert found.remote.changes() == []

    change(found.remote)

    assert told(found) == expected, found.remote.changes()
    found.remote.reset()
    eventually(lambda: found.remote.changes() == [], "the sandbox is as it was")
