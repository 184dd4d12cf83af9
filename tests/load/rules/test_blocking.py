"""A load test that was shut out is not known; what it saw before stands."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.blocking import HostAnswer, Look, Others
from pam_rollback.redeploy.load.order import LoadJourney, LoadOrder, LoadTarget
from pam_rollback.redeploy.load.record import LoadRecord
from pam_rollback.redeploy.load.run import sorted_by_blocks
from pam_rollback.redeploy.load.verdict import LoadVerdict, judge
from tests.load.records import LIMITS, failed, is_kept, steady

API = "api.example"
ORDER = LoadOrder(
    targets=(
        LoadTarget(addresses={"api": f"https://{API}", "backend": f"https://{API}", "frontend": "https://www.example"}),
    ),
    journeys=(
        LoadJourney(name="chat", path="/chat", method="POST"),
        LoadJourney(name="health", part="backend", path="/health"),
    ),
    rate_hz=20,
    duration_s=60,
    run="test",
)


def refused(status: int = 403) -> Mapping[str, object]:
    """A quick refusal."""
    return {**failed(f"HTTP {status}"), "status": status}


def record(first: Mapping[str, object], then: Mapping[str, object], *, only: str = "") -> LoadRecord:
    """Half of it one way, half of it another; chat and health in turns."""

    def answer(at_s: float) -> Mapping[str, object]:
        journey = only or ("chat", "health")[round(at_s * 20) % 2]
        return {"journey": journey, **(first if at_s < 30 else then)}

    return steady(answer)


def verdict(found: LoadRecord, *controls: HostAnswer, looks: Mapping[str, list[Look]] | None = None) -> LoadVerdict:
    """As the gate judges it."""
    lookout: Any = SimpleNamespace(
        controls=controls, looks=lambda host: (looks or {}).get(host, ()), ask_further=lambda *_: None
    )
    return judge(sorted_by_blocks(found, ORDER, lookout), LIMITS)


@pytest.mark.parametrize("status", [403, 429])
def test_shut_out_in_the_middle(status: int) -> None:
    """Neither the errors nor the outage are the service's; nothing good follows either."""
    found = verdict(record({}, refused(status)))

    for fact in (found.errors, found.outage, found.p95):
        assert not fact.broken
        with pytest.raises(MeasurementFailed, match=f"{API} answers HTTP {status} on every path"):
            assert is_kept(fact)


def test_what_was_bad_before_it_stands() -> None:
    """A service that failed first, and then shut us out."""
    assert verdict(record(failed(), refused())).errors.broken


def test_users_who_are_refused_too() -> None:
    """Then it is the outage that it looks like."""
    looks = {API: [Look(Others.REFUSED, "HTTP 403 at a second address")]}

    assert verdict(record({}, refused()), looks=looks).outage.broken


def test_one_path_alone_needs_a_further_one() -> None:
    """Refused as well: shut out. Answered: the path is broken."""
    alone = record({}, refused(), only="health")
    later_s = max(one.due_s for one in alone.requests) + 1

    assert verdict(alone).errors.broken
    assert verdict(alone, HostAnswer(API, "/version", 200, later_s)).errors.broken
    assert not verdict(alone, HostAnswer(API, "/version", 403, later_s)).errors.broken


def test_a_service_that_is_down_is_down() -> None:
    """Also with a limit between."""
    assert verdict(record(failed(), {})).outage.broken
