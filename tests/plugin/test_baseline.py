"""Whole sessions of the baseline: which one is refused before anything is sent, and what is told of one that is too old."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.sessions import Project, Range, save_baseline

COMPARISONS = {"test_answers_are_as_fast_as_before", "test_no_more_errors_than_before"}


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """What compares with a baseline."""
    return ("test_performance.py", "test_data_loss.py")


def words_of(text: str) -> str:
    """However it was wrapped."""
    return " ".join(text.split())


def test_too_few_answers_are_refused(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """Before anything is sent, with what was found and what is asked."""
    before = practice_range.remote.request_counts()
    stored = save_baseline(practice_range, tmp_path, answers=200)
    session = project.run("-m", "performance", f"--env={practice_range.file}", f"--baseline={stored}")

    assert session.rc == 4, session.out
    assert "200 answers, at least 600 are needed (plan.toml [baseline] answers_min)" in words_of(session.out)
    assert practice_range.remote.request_counts() == before


def test_a_baseline_of_another_place_is_refused(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """Of another host, another environment, or for a sandbox that is not there yet: 13, and nothing was sent."""
    before = practice_range.remote.request_counts()
    stored = save_baseline(practice_range, tmp_path)
    text, env = stored.read_text(encoding="utf-8"), f"--env={practice_range.file}"
    host = practice_range.state["urls"]["api"].removeprefix("http://")
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(text.replace(host, "127.0.0.1:1"), encoding="utf-8")
    other = tmp_path / "other.json"
    other.write_text(text.replace('"environment": "sandbox"', '"environment": "staging"'), encoding="utf-8")
    of_host = project.run("-m", "performance", env, f"--baseline={elsewhere}")
    of_place = project.run("-m", "performance", env, f"--baseline={other}")
    own = project.run("-m", "performance", f"--baseline={stored}")

    assert (of_host.rc, of_place.rc, own.rc) == (13, 13, 13)
    assert f"recorded on sandbox at 127.0.0.1:1, and this session is about sandbox at {host}" in words_of(of_host.out)
    assert f"recorded on staging at {host}" in words_of(of_place.out)
    assert "this session starts a sandbox of its own; attach to that one with --env FILE" in words_of(own.out)
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


def test_without_a_baseline_comparisons_are_left_out_and_named(practice_range: Range, project: Project) -> None:
    """Nothing is compared, and nothing is pretended."""
    session = project.run(
        "-m", "performance or integrity", "-k", "before or row or memory_is_low", f"--env={practice_range.file}"
    )
    left_out = {
        entry["nodeid"].rpartition("::")[2].partition("[")[0]: entry["reason"] for entry in session.record["deselected"]
    }

    assert {left_out[name] for name in COMPARISONS} == {"there is no baseline to compare with, see --baseline"}
    assert {left_out[name] for name in ("test_no_row_is_lost", "test_no_row_is_rewritten")} == {
        "no rows were counted before; a baseline has them, see --baseline"
    }
