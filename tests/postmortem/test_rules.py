"""One timeline of written-out journals and answers: in words, in UTC, nothing left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pam_rollback.ops.postmortem.rules import (
    Event,
    of_deploys,
    of_journal,
    of_outages,
    of_releases,
    unfinished,
)
from pam_rollback.probe.recovery import OutageRule, find_outages
from pam_rollback.probe.samples import Sample

START = datetime(2026, 11, 25, 2, 40, tzinfo=UTC)


def entry(event: str, at_s: float = 0.0, **facts: Any) -> dict[str, Any]:
    """An entry of the journal, that many seconds after the start."""
    return {"at": (START + timedelta(seconds=at_s)).isoformat(), "at_s": 1000 + at_s, "event": event, **facts}


def wall(monotonic_s: float) -> datetime:
    """The time of day at a moment of the samples."""
    return START + timedelta(seconds=monotonic_s - 1000)


def answers(bad_from: float, bad_until: float, *, until: float = 20.0, journey: str = "history") -> list[Sample]:
    """Ten a second, bad in between."""
    return [
        Sample(1000 + n / 10, 50.0, journey, ok=not bad_from <= n / 10 < bad_until, why="HTTP 500", release="1.42.0")
        for n in range(int(until * 10))
    ]


def test_a_decision_is_dated_when_it_was_taken() -> None:
    """And not when it was written down."""
    action = entry(
        "action", 5.0, decided_s=1003.0, strategy="backend-provider", mode="real", initiated_by="ann", reason="errors"
    )

    assert list(of_journal([action])) == [
        Event(
            START + timedelta(seconds=3),
            "decision",
            "decided: backend-provider (real), by ann: errors",
            "journal.jsonl",
        )
    ]


def test_a_step_without_an_end_is_named() -> None:
    """Done, failed and not done are ends; a step that is tried again counts once more."""
    steps = [("step-started", "a"), ("step-done", "a"), ("step-started", "b"), ("step-failed", "b")]
    entries = [entry(event, step=step) for event, step in [*steps, ("step-started", "c")]]

    assert unfinished(entries) == ("c",)
    assert unfinished([*entries, entry("step-failed", step="c")]) == ()
    assert unfinished([*entries[:2], entry("step-started", step="a")]) == ("a",)


def test_outages_begin_and_end_in_the_timeline() -> None:
    """With their most frequent reason and their length."""
    outages, _ = find_outages(answers(5, 9), OutageRule(limit_pct=10))
    begun, ended = of_outages(outages, wall, "timeline.jsonl")

    assert (begun.at - START).total_seconds() == pytest.approx(5)
    assert begun.what == "badly answered from here: 40 of 40 answers, mostly: HTTP 500"
    assert (ended.at - START).total_seconds() == pytest.approx(9, abs=0.11)
    assert ended.what.startswith("well answered again, after 4.0 s")


def test_an_outage_that_did_not_end_has_no_end() -> None:
    """Nobody is well because the samples are over."""
    outages, _ = find_outages(answers(5, 99), OutageRule(limit_pct=10))

    assert [event.what.partition(":")[0] for event in of_outages(outages, wall, "t")] == ["badly answered from here"]


def test_each_site_tells_its_own_release() -> None:
    """After a rollback of one of them they differ, and nothing changes from answer to answer."""
    named = [("front page", "1.42.0"), ("health", "1.41.3")] * 3
    samples = [Sample(1000.0 + n, 5.0, journey, ok=True, release=of) for n, (journey, of) in enumerate(named)]

    assert [event.what for event in of_releases(samples, wall, "t")] == [
        "the front end answered as release 1.42.0",
        "the back end answered as release 1.41.3",
    ]


def test_the_deploys_of_that_time_are_told() -> None:
    """In their host's name; what lies weeks back, and what is no moment, is left out."""
    deploy = {
        "id": "d-1",
        "state": "ready",
        "commit": "c" * 40,
        "created_at": "2026-11-25T02:41:00Z",
        "finished_at": "",
    }
    old = {**deploy, "id": "d-0", "created_at": "2026-10-01T00:00:00+00:00"}

    [event] = of_deploys({"pier": [deploy, old]}, START, START + timedelta(hours=1), "deploys.json")

    assert (event.at.minute, event.what) == (41, "pier: deploy d-1 (ready, commit cccccccccccc) begins")
