"""Whole sessions of performance, windows and the servers' own records: GO on the healthy sandbox, unknown where nothing can be known.

What turns each check: tests/fault_rows. By a real Prometheus: tests/alerts/test_sessions.py.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.plugin.drilling import calm, runbook_with
from tests.sessions import WINDOWS, Finished, Project, RunningSandbox, save_baseline

FAST, FEW_ERRORS = "test_answers_are_fast", "test_few_answers_are_errors"
MEMORY = {"test_memory_is_low", "test_memory_does_not_run_away"}
IN_WINDOW = {
    "test_error_rate_stays_low",
    "test_response_time_stays_low",
    "test_memory_stays_low",
    "test_memory_is_stable",
}
RECORDS = {
    "test_records_show_few_errors",
    "test_records_show_fast_answers",
    "test_records_show_small_processes",
    "test_records_show_processes_at_rest",
}
FILES = ("test_servers_records.py", "test_performance.py", WINDOWS)


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Nothing else is asked here."""
    return FILES


@pytest.fixture(scope="module")
def healthy(shared_range: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, set[str]]:
    """One session of all of it, and the requests by which it changed something."""
    shared_range.as_it_was()
    project = runbook_with(tmp_path_factory.mktemp("healthy"), *FILES)
    calm(project)
    before = shared_range.remote.request_counts()
    ended = project.run("-m", "performance or window", f"--env={shared_range.file}")
    after = shared_range.remote.request_counts()
    written = {path for path in after if not path.startswith(("GET ", "OPTIONS ")) and after[path] != before.get(path)}
    return ended, written


def figures(ended: Finished, file: str) -> dict[str, dict[str, Any]]:
    """What the tests of that file entered into the table of criteria, by what it is about."""
    results = [result for result in ended.record["results"] if f"{file}::" in result["nodeid"]]
    return {figure["what"]: figure for result in results for figure in result["measured"]}


def test_the_healthy_sandbox_is_go(healthy: tuple[Finished, set[str]]) -> None:
    """All of it. Only signing in writes."""
    ended, written = healthy
    outcomes = ended.outcomes_by_case()

    assert (ended.rc, set(outcomes.values())) == (0, {"passed"}), ended.out
    by_render = {f"{name}[render_metrics]" for name in RECORDS}
    assert {FAST, FEW_ERRORS, *MEMORY, *IN_WINDOW, *by_render} <= set(outcomes)
    assert written <= {"POST /api/v1/auth/login"}, written
    assert "sandbox declares no prometheus" in {left["reason"] for left in ended.record["deselected"]}


def test_what_is_not_declared_or_named_is_left_out_and_named(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path
) -> None:
    """Without account and metrics, and with a Prometheus that knows the memory alone: each check has its reason."""
    known = '[prometheus]\nurl = "http://127.0.0.1:9"\nmemory_bytes = "pam_memory_usage_bytes"\n'
    file = running_sandbox.described(tmp_path / "less.toml", known, abilities={"browser", "prometheus"})
    session = project.run("-m", "performance", f"--env={file}", "--dry-run")

    assert session.rc == 11, session.out
    named = {left["nodeid"].rpartition("::")[2]: left["reason"] for left in session.record["deselected"]}
    reasons = {name.partition("[")[0]: reason for name, reason in named.items() if "prometheus" not in name}
    assert {reasons[name] for name in MEMORY} == {"sandbox declares no metrics"}
    assert {reasons[name] for name in RECORDS} == {"sandbox declares no render_metrics"}
    assert {reason for name, reason in named.items() if "prometheus" in name} == {
        "sandbox names no requests or error_rate_pct in [prometheus]",
        "sandbox names no latency_buckets in [prometheus]",
    }


def test_response_times_of_a_host_are_not_judged_where_pages_keep_websockets(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """A proxy counts the life of a WebSocket as the time of one answer: a healthy product would be told that it is slow."""
    project.adjust("products/pam-plan.toml", "\nname =", "\nwebsockets = true\nname =")
    session = project.run("-m", "performance", f"--env={running_sandbox.file}", "--dry-run")

    named = {left["nodeid"].rpartition("::")[2]: left["reason"] for left in session.record["deselected"]}
    of_host = {name.partition("[")[0]: reason for name, reason in named.items() if "render_metrics" in name}
    assert list(of_host) == ["test_records_show_fast_answers"], session.out
    assert "life of a WebSocket" in of_host["test_records_show_fast_answers"]


def test_what_cannot_be_known_is_unknown_and_the_rest_is_judged(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path
) -> None:
    """Every signed-in request fails: that is an error rate, and too few answers are left to say how fast they are.

    Metrics that are declared and missing: nobody knows the memory, and the session says where to look. Nine seconds have no five steps of
    eight: what the host recorded is told to be too little at once.
    """
    file = running_sandbox.described(tmp_path / "elsewhere.toml", '[paths]\nmetrics = "/api/metrics"\n')
    text = file.read_text(encoding="utf-8")
    assert "[render]\n" in text
    file.write_text(text.replace("[render]\n", "[render]\nresolution_s = 8\ngap_max_s = 24\n"), "utf-8")
    # The other figures are there before the host's first step ends: a step full of errors would be red, whatever comes after it.
    project.adjust("environments/sandbox.toml", "rate_hz = 25", "rate_hz = 50")
    running_sandbox.remote.plant("errors", share=1)
    chosen = ("-m", "performance", "-k", "answers_are_fast or answers_are_errors or memory or records", "--pace=100")
    session = project.run(*chosen, f"--env={file}", f"--baseline={save_baseline(running_sandbox, tmp_path)}")
    outcomes, words = session.outcomes(), " ".join(session.out.split())

    assert session.rc == 10, session.out
    assert outcomes[FEW_ERRORS] == "broken criterion"
    assert words.index("broken already: error rate ") < words.index("BROKEN MT-2"), "told when it is known"
    assert {outcomes[name] for name in (FAST, *MEMORY, *RECORDS)} == {"could not measure"}
    assert "memory is not known: expected metrics, found GET" in words
    assert "its points stand for 8 s each, so a window of 9 s has 1 at most, 5 are needed" in words
