"""Whole sessions that ask the servers' own records: by each source, left out where none is declared, unknown where it cannot tell."""

from pathlib import Path

import pytest

from tests.plugin.drilling import calm
from tests.plugin.test_performance import with_abilities
from tests.prometheus_server import prometheus
from tests.sessions import Project, Range

FILE = "checks/test_servers_records.py"
NAMES = {
    "test_records_show_few_errors",
    "test_records_show_fast_answers",
    "test_records_show_small_processes",
    "test_records_show_processes_at_rest",
}


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """And those of the same kind, which come before them."""
    return ("test_servers_records.py", "test_performance.py", "test_success_criteria.py")


def extended(range_: Range, file: Path, text: str, abilities: str = "") -> Path:
    """The sandbox's file with more to it."""
    own = range_.file.read_text(encoding="utf-8")
    declared = f'kind = "sandbox"\nabilities = [{abilities}]\n' if abilities else 'kind = "sandbox"\n'
    file.write_text(own.replace('kind = "sandbox"\n', declared, 1) + text, "utf-8")
    file.chmod(0o600)
    return file


def test_render_agrees_on_the_healthy_sandbox(practice_range: Range, project: Project) -> None:
    """Each figure with its n, its definition and what it rests on; our own requests are among what was counted.

    Whoever looks at users' answers or at the servers' records of them does so on one worker: a second prober is refused.
    """
    calm(project)
    chosen = ("-m", "performance or window", "-k", "records or stays or answers_are", "-n", "2")
    session = project.run(*chosen, f"--env={practice_range.file}")
    outcomes = session.outcomes_by_case()

    assert set(outcomes.values()) == {"passed"}, session.out
    assert {*(f"{name}[render_metrics]" for name in NAMES), "test_few_answers_are_errors"} <= set(outcomes)
    assert "test_error_rate_stays_low" in outcomes
    figures = {
        figure["what"]: figure
        for result in session.record["results"]
        if "records" in result["nodeid"]
        for figure in result["measured"]
    }
    assert set(figures) == {"error rate", "response time", "memory", "memory growth"}
    assert figures["error rate"]["n"] >= 200
    assert "Render, srv-practicerange00backend" in figures["error rate"]["definition"]
    assert "the prober saw 0.00 %" in figures["error rate"]["definition"]
    assert figures["memory"]["n"] >= 10
    assert "sandbox declares no prometheus" in {left["reason"] for left in session.record["deselected"]}


def test_without_a_source_there_is_nothing_to_ask(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """All of them are left out and named, and nothing that ran is not green."""
    file = with_abilities(practice_range, tmp_path, '"test_account"')
    session = project.run(FILE, f"--env={file}")

    assert session.rc == 5, session.out
    assert "sandbox declares no prometheus: test_records_show" in session.out
    assert "sandbox declares no render_metrics: test_records_show" in session.out


def test_a_window_that_is_too_short_for_the_source_is_unknown(
    practice_range: Range, project: Project, tmp_path: Path
) -> None:
    """Nine seconds have no five steps of two: said at once, and not green."""
    file = tmp_path / "coarse.toml"
    text = practice_range.file.read_text(encoding="utf-8")
    file.write_text(text.replace("[render]\n", "[render]\nresolution_s = 2\ngap_max_s = 6\n"), "utf-8")
    file.chmod(0o600)
    session = project.run(FILE, f"--env={file}", "--pace=100")

    assert session.rc == 11, session.out
    assert set(session.outcomes().values()) == {"could not measure"}
    assert "its points stand for 2 s each, so a window of 9 s has 4 at most, 5 are needed" in " ".join(
        session.out.split()
    )


def test_a_real_prometheus_agrees(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """Scrapes of the sandbox, counted here; response times lie within the bounds of a bucket."""
    calm(project)
    api = practice_range.state["urls"]["api"].removeprefix("http://")
    with prometheus(api, tmp_path) as url:
        file = extended(
            practice_range,
            tmp_path / "prometheus.toml",
            f"""
[prometheus]
url = "{url}"
step_s = 2
gap_max_s = 8
requests = 'pam_requests_total{{path!~"/metrics|/health.*"}}'
latency_buckets = 'pam_request_duration_seconds_bucket{{path!~"/metrics|/health.*"}}'
memory_bytes = "pam_memory_usage_bytes"
process_start = "process_start_time_seconds"
""",
            abilities='"test_account", "prometheus"',
        )
        session = project.run(FILE, f"--env={file}", "--pace=30")

    assert session.rc == 0, session.out
    assert session.outcomes_by_case() == {f"{name}[prometheus]": "passed" for name in NAMES}
    figures = {figure["what"]: figure for result in session.record["results"] for figure in result["measured"]}
    assert figures["error rate"]["n"] >= 200
    assert "from buckets, interpolated inside one, between " in figures["response time"]["definition"]


def test_series_that_are_not_named_are_left_out_and_named(
    practice_range: Range, project: Project, tmp_path: Path
) -> None:
    """A Prometheus that knows the memory alone is asked for that alone."""
    file = extended(
        practice_range,
        tmp_path / "memory.toml",
        '\n[prometheus]\nurl = "http://127.0.0.1:9"\nmemory_bytes = "pam_memory_usage_bytes"\n',
        abilities='"test_account", "prometheus"',
    )
    session = project.run(FILE, f"--env={file}", "--dry-run")

    reasons = {left["reason"] for left in session.record["deselected"]}
    assert reasons == {
        "sandbox declares no render_metrics",
        "sandbox names no requests or error_rate_pct in [prometheus]",
        "sandbox names no latency_buckets in [prometheus]",
    }


def test_they_come_last_in_their_situation(practice_range: Range, project: Project) -> None:
    """They wait for a window, so what is known sooner is told first; only the time of the first verdict is judged after them."""
    session = project.run("-m", "performance", f"--env={practice_range.file}", "--collect-only", "-q")

    order = [line.rpartition("::")[2].partition("[")[0] for line in session.out.splitlines() if "::test_" in line]
    collected = [name for index, name in enumerate(order) if name not in order[:index]]
    assert set(collected[-5:-1]) == NAMES, session.out
    assert collected[-1] == "test_performance_verdict_came_in_time"
