"""Whether users stayed signed in, by what the probes of a signed-in account were answered."""

from dataclasses import replace

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.browser.kept_sessions import KeptSessions
from pam_rollback.observation.samples import Sample

GOOD = Sample(due_s=1, latency_ms=20, journey="history", ok=True, status=200)
REFUSED = replace(GOOD, ok=False, why="HTTP 401", status=401)


def test_a_lost_session_is_red_only_where_none_may_be_lost() -> None:
    """With the plan as it is users may have to sign in again; the sentence names the count and what the plan says."""
    lost = KeptSessions.of([GOOD, REFUSED], loss_allowed=False)

    assert not lost.as_allowed
    assert str(lost).startswith("1 of 2 probes were told that their session is not known (HTTP 401)")
    assert KeptSessions.of([GOOD, REFUSED], loss_allowed=True).as_allowed
    assert KeptSessions.of([GOOD], loss_allowed=False).as_allowed


@pytest.mark.parametrize("seen", [(), (replace(GOOD, status=None),), (replace(REFUSED, void="blocked"),)])
def test_nothing_seen_is_not_kept(seen: tuple[Sample, ...]) -> None:
    """No answer, or one that says nothing of the service, proves no session."""
    with pytest.raises(MeasurementFailed, match="no probe with a session was answered"):
        _ = KeptSessions.of(seen, loss_allowed=False).as_allowed
