"""The baseline: what it holds, and what is refused as one."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.plan import load_plan
from pam_rollback.plugin.topics.probe import answers_from_s, baseline_answers
from pam_rollback.probe.samples import Sample
from pam_rollback.report.baseline_record import Baseline, Origin, Part, load_baseline, refuse_other_part
from tests.baselines import baseline_of
from tests.plan.plan_scene import Waits, Watched, call, environment, quiet

TAKEN_AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORIGIN = Origin(
    environment="staging",
    host="api.staging.test",
    release="1.42.0",
    run="20261124T120000Z-staging-1a2b",
    taken_at=TAKEN_AT,
)
SAMPLES = [
    *(Sample(due_s=float(i), latency_ms=i + 1.0, journey="health", ok=True) for i in range(100)),
    *(Sample(due_s=i + 0.5, latency_ms=300.0, journey="chat", ok=i % 4 != 0) for i in range(20)),
]


def baseline() -> Baseline:
    """Take the baseline of the samples above."""
    return baseline_of(SAMPLES, ORIGIN)


def test_figures() -> None:
    """Counts, error rates and nearest-rank percentiles by journey and over all, latencies of good answers only."""
    found = baseline()

    health, chat = found.journeys["health"], found.journeys["chat"]
    assert (health.n, health.errors, health.p50_ms, health.p95_ms, health.p99_ms) == (100, 0, 50.0, 95.0, 99.0)
    assert (chat.n, chat.error_rate_pct, chat.p95_ms) == (20, 25.0, 300.0)
    assert (found.answers.n, found.answers.errors, found.duration_s) == (120, 5, 99.0)
    assert chat.latencies is not None
    assert chat.latencies.n == 15
    assert chat.latencies.percentile(50) == pytest.approx(300, rel=0.01)
    assert str(found) == (
        "baseline of 2026-11-24 12:00 UTC, staging api.staging.test, release 1.42.0: errors 4.2 %, p95 300 ms (n=120)"
    )


def test_probes_that_left_late_are_counted_apart() -> None:
    """They are in no figure, and the baseline says how many there were."""
    found = baseline_of([*SAMPLES, replace(SAMPLES[0], lag_ms=900)], ORIGIN)

    assert (found.answers.n, found.unmeasured) == (120, 1)


def test_no_good_answer_gives_no_percentile() -> None:
    """A journey that only failed has no latency, rather than a fast one."""
    found = baseline_of([replace(SAMPLES[0], ok=False)], ORIGIN)

    assert (found.answers.error_rate_pct, found.answers.p95_ms, found.answers.latencies) == (100.0, None, None)


def test_nothing_is_no_baseline() -> None:
    """No usable sample: nothing to compare with later."""
    with pytest.raises(MeasurementFailed, match="none of 1 samples is usable"):
        baseline_of([replace(SAMPLES[0], lag_ms=None)], ORIGIN)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"schema_version": 1}, "expected schema_version 2, found 1; take a new baseline"),
        ({"schema_version": 3}, "it has format 3, .* repeat the command with the version that wrote it"),
        ({"schema_version": None}, "expected schema_version 2, found None"),
        ({"overall": {}}, "damaged"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: dict[str, object], expected: str) -> None:
    """A baseline of another version or a damaged one is never half understood."""
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps({**baseline().model_dump(mode="json"), **change}))

    with pytest.raises(MeasurementFailed, match=expected):
        load_baseline(path)


def test_too_few_answers_are_none_to_compare_with() -> None:
    """Said with what was found and what is asked."""
    baseline().refuse_too_few(120)
    with pytest.raises(MeasurementFailed, match="120 answers, at least 600 are needed"):
        baseline().refuse_too_few(600)


def test_an_old_one_is_stale() -> None:
    """Thirty days are all right, a day more is not; one from the future has no age at all."""
    taken = baseline()
    taken.refuse_stale(30, TAKEN_AT + timedelta(days=30))
    taken.refuse_stale(30, TAKEN_AT - timedelta(minutes=5))
    with pytest.raises(MeasurementFailed, match="is stale: 31 days old, at most 30"):
        taken.refuse_stale(30, TAKEN_AT + timedelta(days=31))
    with pytest.raises(MeasurementFailed, match="from the future, by 2"):
        taken.refuse_stale(30, TAKEN_AT - timedelta(hours=2))


def test_parts_are_told_apart(tmp_path: Path) -> None:
    """The file that was listed, and no other in its place, changed, or missing."""
    part = tmp_path / "rows-before.json"
    part.write_text("{}")
    parts = {part.name: Part.of(part, n=3)}
    refuse_other_part(part, parts)
    part.write_text("{ }")
    with pytest.raises(MeasurementFailed, match="found another or a changed file"):
        refuse_other_part(part, parts)
    part.unlink()
    with pytest.raises(MeasurementFailed, match="a part of the baseline is missing"):
        refuse_other_part(part, parts)


PLAN = load_plan(Path(__file__).parents[2] / "plan.toml")
BEGAN_S, BAD_UNTIL_S = 300, 200


def test_they_are_counted_from_the_beginning() -> None:
    """What came in meanwhile counts, and nothing from before it does."""
    watched = Watched(lambda at: at < BAD_UNTIL_S, for_s=BEGAN_S + 650)
    clock = SimpleNamespace(monotonic_s=lambda: float(BEGAN_S))

    begun: Any = call(answers_from_s, observation=watched, clock=clock, progress=quiet())
    recorded = call(
        baseline_answers,
        environment=environment(),
        plan=PLAN,
        observation=watched,
        answers_from_s=begun,
        waiter=Waits(),
        progress=quiet(),
    )

    answers = recorded.fields["overall"]
    assert (answers.n, answers.errors) == (650, 0)
