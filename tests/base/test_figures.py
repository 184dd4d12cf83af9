"""What is too long to be told is counted."""

from pam_rollback.base.figures import listed


def test_what_is_not_shown_is_counted() -> None:
    """Nothing is left out unsaid; what fits is told in full."""
    assert listed(["a", "b", "c", "d"], 2) == "a; b; and 2 more"
    assert listed(("a", "b"), 2) == "a; b"
