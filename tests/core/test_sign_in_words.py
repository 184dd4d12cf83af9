"""A limited sign-in is told in people's words."""

import pytest

from pam_rollback.core.answer import limited


@pytest.mark.parametrize(
    ("retry_after", "said"),
    [
        ("3600", " (HTTP 429, again after 60 min)"),
        ("61", " (HTTP 429, again after 2 min)"),
        ("30", " (HTTP 429, again after 30 s)"),
        ("Sat, 28 Nov 2026 15:00:00 GMT", " (HTTP 429, again after Sat, 28 Nov 2026 15:00:00 GMT)"),
        ("", " (HTTP 429)"),
    ],
)
def test_when_to_come_again(retry_after: str, said: str) -> None:
    """No sooner than the service allows; a date stays as it is."""
    assert limited(retry_after) == f"the sign-in is rate limited{said}"
