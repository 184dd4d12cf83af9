"""Whole sessions of the baseline: which one is refused before anything is sent, and what is told of one that is too old."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.health import HealthAround, HealthReport
from pam_rollback.core.samples import Sample
from pam_rollback.observation.baseline import Baseline, Origin
from pam_rollback.plugin.taken_baseline import TakenBaseline
from tests.contracts import usual
from tests.plugin.beginning import Begin, begin
from tests.sessions import ROOT, Project, Range, save_baseline

__all__ = ["begin"]

WELL, GOOD = "test_service_is_well_while_it_is_recorded", "test_what_is_recorded_is_good"
COMPARISONS = {"test_answers_are_as_fast_as_before", "test_no_more_errors_than_before"}


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """What compares with a baseline."""
    return ("test_performance.py", "test_data_loss.py", "test_baseline.py")


def words_of(text: str) -> str:
    """However it was wrapped."""
    return " ".join(text.split())


def test_too_few_answers_are_refused(practice_range: Range, begin: Begin, tmp_path: Path) -> None:
    """Before anything is sent, with what was found and what is asked."""
    before = practice_range.remote.request_counts()
    stored = save_baseline(practice_range, tmp_path, answers=200)
    begun = begin(ROOT, "-m", "performance", f"--env={practice_range.file}", f"--baseline={stored}")

    assert begun.rc == 4, begun.said
    assert "200 answers, at least 600 are needed (plan.toml [baseline] answers_min)" in begun.said
    assert practice_range.remote.request_counts() == before


def test_a_baseline_of_another_place_is_refused(practice_range: Range, begin: Begin, tmp_path: Path) -> None:
    """Of another host, another environment, or for a sandbox that is not there yet: 13, and nothing was sent."""
    before = practice_range.remote.request_counts()
    stored = save_baseline(practice_range, tmp_path)
    text, env = stored.read_text(encoding="utf-8"), f"--env={practice_range.file}"
    host = practice_range.state["urls"]["api"].removeprefix("http://")
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(text.replace(host, "127.0.0.1:1"), encoding="utf-8")
    other = tmp_path / "other.json"
    other.write_text(text.replace('"environment": "sandbox"', '"environment": "staging"'), encoding="utf-8")
    of_host = begin(ROOT, "-m", "performance", env, f"--baseline={elsewhere}")
    of_place = begin(ROOT, "-m", "performance", env, f"--baseline={other}")
    own = begin(ROOT, "-m", "performance", f"--baseline={stored}")

    assert (of_host.rc, of_place.rc, own.rc) == (13, 13, 13)
    assert f"recorded on sandbox at 127.0.0.1:1, and this session is about sandbox at {host}" in of_host.said
    assert f"recorded on staging at {host}" in of_place.said
    assert "this session starts a sandbox of its own; attach to that one with --env FILE" in own.said
    assert practice_range.remote.request_counts() == before


def test_a_stale_baseline_makes_comparisons_unknown(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """The verdict names it, and what needs no baseline is judged all the same."""
    stored = save_baseline(practice_range, tmp_path, taken_at=datetime.now(UTC) - timedelta(days=40))
    session = project.run(
        "-m", "performance", "-k", "answers_are or errors", f"--env={practice_range.file}", f"--baseline={stored}"
    )
    outcomes = session.outcomes()

    assert session.rc == 11, session.out
    assert {name for name, outcome in outcomes.items() if outcome == "could not measure"} == COMPARISONS
    assert outcomes["test_few_answers_are_errors"] == "passed"
    assert "is stale: 40 days old, at most 30 (plan.toml [baseline] age_max_d)" in words_of(session.out)
    assert any("is stale: 40 days old" in note for note in session.record["notes"])


def test_nothing_is_written_while_the_service_is_not_well(practice_range: Range, project: Project) -> None:
    """NO-GO with the endpoint that is ill, and no file that a later run could be given."""
    practice_range.remote.plant("release-down")
    session = project.run("-m", "baseline", f"--env={practice_range.file}")

    assert session.rc == 10, session.out
    assert session.outcomes() == {WELL: "broken criterion", GOOD: "could not measure"}
    assert "the baseline is withdrawn, nothing was written: before: " in words_of(session.out)
    assert list(session.folder.rglob("baseline.json")) == []


def test_it_is_withdrawn_for_each_reason() -> None:
    """Ill before or after, not whole, or bad by the plan's limits; good ones may be used."""
    well = HealthReport.of(
        usual("PAM"), Answer("GET", "http://pam.test", 200, "application/json", b'{"status":"healthy"}', 1.0, "")
    )
    ill = HealthReport.of(
        usual("PAM"), Answer("GET", "http://pam.test", 503, "application/json", b'{"status":"degraded"}', 1.0, "")
    )
    origin = Origin(environment="staging", host="api.test", release="", run="run", taken_at=datetime.now(UTC))
    answers = [Sample(due_s=i, latency_ms=100.0, journey="front page", ok=True) for i in range(600)]
    good = Baseline.of(answers, origin)
    bad = Baseline.of([*answers, *(replace(sample, ok=False) for sample in answers[:20])], origin)

    def taken(before: HealthReport, after: HealthReport, baseline: Baseline | None) -> TakenBaseline:
        return TakenBaseline(HealthAround((before,), (after,)), baseline, "no memory", 2.0, 500.0)

    assert taken(well, well, good).usable
    assert not taken(well, well, bad).usable
    assert "what is bad must not become what is usual" in str(taken(well, well, bad).answers)
    for withdrawn, words in (
        (taken(ill, well, good), "withdrawn, nothing was written: before: PAM says degraded"),
        (taken(well, ill, good), "withdrawn, nothing was written: after: PAM says degraded"),
        (taken(well, well, None), "withdrawn, nothing was written: no memory"),
    ):
        assert not withdrawn.usable
        with pytest.raises(MeasurementFailed, match=words):
            _ = withdrawn.answers


def test_without_a_baseline_comparisons_are_left_out_and_named(practice_range: Range, project: Project) -> None:
    """Nothing is compared, and nothing is pretended."""
    session = project.run(
        "-m",
        "performance or integrity",
        "-k",
        "before or row or memory_is_low",
        f"--env={practice_range.file}",
        "--dry-run",
    )
    left_out = {
        entry["nodeid"].rpartition("::")[2].partition("[")[0]: entry["reason"] for entry in session.record["deselected"]
    }

    assert {left_out[name] for name in COMPARISONS} == {"there is no baseline to compare with, see --baseline"}
    assert {left_out[name] for name in ("test_no_row_is_lost", "test_no_row_is_rewritten")} == {
        "no rows were counted before; a baseline has them, see --baseline"
    }
