"""Reading a timeline while it grows; what is half written or damaged: test_jsonl.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.probe.timeline import Timeline

HEADER = {
    "anchor": {"monotonic_s": 100.0, "wall_s": 1_800_000_000.0},
    "rate_hz": 10.0,
    "first_due_s": 101.0,
    "timeout_s": 1.0,
    "run": "r",
    "journeys": {"health": 3, "chat": 1},
}


def line(tick: int, journey: str = "health", **changes: object) -> dict[str, Any]:
    """Make the record of one probe, due a tenth of a second after the one before."""
    due_s = 101 + tick / 10
    return {
        "tick": tick,
        "due_s": due_s,
        "sent_s": due_s + 0.001,
        "end_s": due_s + 0.02,
        "journey": journey,
        "status": 200,
        "ok": True,
        "why": "",
        "latency_ms": 20.0,
        "release": "1.42.0",
        **changes,
    }


def append(path: Path, *records: dict[str, Any]) -> None:
    """Write whole lines."""
    with path.open("a") as file:
        file.write("".join(json.dumps(record) + "\n" for record in records))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a timeline that has begun."""
    path = tmp_path / "timeline.jsonl"
    append(path, HEADER)
    return path


def test_a_sample_is_read_as_it_was_written(path: Path) -> None:
    """Every fact arrives, and the lag is derived from the two moments."""
    append(path, line(0))
    (sample,) = Timeline(path).samples()

    assert (sample.due_s, sample.latency_ms, sample.journey, sample.ok, sample.status, sample.release) == (
        101.0,
        20.0,
        "health",
        True,
        200,
        "1.42.0",
    )
    assert sample.lag_ms == pytest.approx(1)
    assert sample.end_s == pytest.approx(101.02)


def test_samples_by_time_and_journey(path: Path) -> None:
    """Answers come in any order; samples are given by due time, from one moment on and before another."""
    append(path, line(3), line(1, "chat"), line(0), line(2))
    timeline = Timeline(path)

    assert [round(sample.due_s, 1) for sample in timeline.samples()] == [101.0, 101.1, 101.2, 101.3]
    assert [round(sample.due_s, 1) for sample in timeline.samples(101.1, 101.3)] == [101.1, 101.2]
    assert [sample.journey for sample in timeline.samples(None, None, "chat")] == ["chat"]


def test_settled_is_what_has_been_answered_without_a_hole(path: Path) -> None:
    """A probe that is still out holds back what can be called complete, though later ones are recorded."""
    timeline = Timeline(path)
    append(path, line(0), line(1), line(3), line(4))
    assert timeline.settled_s == pytest.approx(101.2)
    append(path, line(2))

    assert timeline.settled_s == pytest.approx(101.5)


def test_the_rate_of_a_journey_is_its_share(path: Path) -> None:
    """Three of four probes are health's; a journey that is not there is no rate of zero."""
    timeline = Timeline(path)

    assert (timeline.rate_hz(), timeline.rate_hz("health"), timeline.rate_hz("health", "chat")) == (10.0, 7.5, 10.0)
    with pytest.raises(MeasurementFailed, match=r"no journeys \['voice'\]"):
        timeline.rate_hz("voice")


def test_probes_that_never_left(path: Path) -> None:
    """They are samples without lag and without latency, and measured they are not."""
    append(path, line(0, sent_s=None, end_s=None, latency_ms=None, ok=False, status=None, why="overrun: …"))
    (sample,) = Timeline(path).samples()

    assert (sample.lag_ms, sample.measured(), sample.ok) == (None, False, False)


def test_no_header(tmp_path: Path) -> None:
    """A prober that has not begun is told apart from one without samples."""
    (tmp_path / "empty.jsonl").touch()
    assert Timeline(tmp_path / "empty.jsonl").samples() == ()
    with pytest.raises(MeasurementFailed, match="has not begun yet"):
        _ = Timeline(tmp_path / "empty.jsonl").anchor
