"""Whole load tests of the sandbox's candidate: a healthy one is a GO, and what the generator did not do is never the service's fault.

Each takes a minute: the plan's forty minutes at the sandbox's pace. That the service's own faults turn it red is shown by the fault rows.
"""

import csv
import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from pam_rollback.adapters.prometheus import PrometheusApi
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from tests.prometheus_server import prometheus
from tests.sessions import ONLY_HEALTH, Finished, Project, Range

LOAD = ("-m", "load", "load/test_load.py")
_FROZEN_AFTER_S, _FROZEN_FOR_S = 32.0, 6.0
"""In the last quarter of the run, where the load is highest."""
_SCRAPES = 5
_KILLED_AFTER_S = 20.0
_OUTAGE_FROM_S, _OUTAGE_S = 2.5, 3.1

_PROMETHEUS = """
[prometheus]
url = "{url}"
step_s = 2
gap_max_s = 8
requests = 'pam_requests_total{{path!~"/metrics|/health.*"}}'
latency_buckets = 'pam_request_duration_seconds_bucket{{path!~"/metrics|/health.*"}}'
process_start = "process_start_time_seconds"
"""


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Only load/ is run here."""
    return ONLY_HEALTH


def test_a_healthy_candidate_is_a_go(practice_range: Range, project: Project) -> None:
    """All thresholds are kept, both releases were asked as often, and the report has page, table and pictures."""
    found = project.run(*LOAD, f"--env={practice_range.file}")

    assert found.rc == 0, found.out
    assert found.last_line.startswith("REHEARSAL GO for load"), found.last_line
    assert "release 1.42.0" in found.last_line
    folder = next(found.folder.glob("*/load"))
    rows = list(csv.DictReader((folder / "load-seconds.csv").read_text(encoding="utf-8").splitlines()))
    sent = {
        target: sum(int(row["sent"]) for row in rows if row["target"] == target) for target in ("stable", "candidate")
    }
    assert sent == {"stable": 740, "candidate": 740}
    attached = _attached(found)
    for name in (
        "load.html",
        "load-seconds.csv",
        "latency-over-time.svg",
        "requests-a-second.svg",
        "latency-distribution.svg",
        "locust.html",
        "locust_stats.csv",
    ):
        assert name in attached
    page = (folder / "load.html").read_text(encoding="utf-8")
    assert [number for number in range(1, 10) if f"LG-{number}</strong>" in page] == list(range(1, 10))


def test_a_candidate_that_is_down_is_a_no_go(practice_range: Range, project: Project) -> None:
    """It is known without any load: errors are red, everything else is not known, and it takes seconds."""
    practice_range.remote.plant("release-down", how="killed")
    try:
        found = project.run(*LOAD, f"--env={practice_range.file}")
    finally:
        practice_range.remote.clear_all()

    assert found.rc == 10, found.out
    assert found.outcomes()["test_few_requests_fail_under_load"] == "broken criterion", found.out
    assert "passed" not in found.outcomes().values(), found.out
    assert "health: HTTP 502 (10)" in " ".join(found.out.split())


@pytest.mark.long_matrix("sabotages of a load test")
def test_a_generator_that_stands_still_is_not_the_service(practice_range: Range, project: Project) -> None:
    """Its process is stopped for six seconds at full load: inconclusive, with what to do, and nothing is red."""
    with project.start(*LOAD, f"--env={practice_range.file}") as session:
        frozen = threading.Thread(target=_freeze, args=(project.run_folder,))
        frozen.start()
        found = project.finish(session)
        frozen.join()

    assert found.rc == 11, found.out
    assert found.last_line.startswith("REHEARSAL INCONCLUSIVE for load"), found.last_line
    assert "broken criterion" not in found.outcomes().values()
    assert "the generator was late" in " ".join(found.out.split())


@pytest.mark.long_matrix("sabotages of a load test")
def test_three_seconds_of_outage_are_a_no_go(practice_range: Range, project: Project) -> None:
    """Of the whole run too few requests fail to reach the plan's 2 %; the streak breaks it, with its moment and its length."""
    with project.start(*LOAD, f"--env={practice_range.file}") as session:
        outage = threading.Thread(target=_break_for_a_moment, args=(practice_range, project.run_folder))
        outage.start()
        found = project.finish(session)
        outage.join()
    outcomes = found.outcomes()

    assert found.rc == 10, found.out
    assert outcomes["test_no_outage_under_load"] == "broken criterion", found.out
    assert outcomes["test_few_requests_fail_under_load"] != "broken criterion", found.out
    assert re.search(
        r"longest run of bad seconds under load: [34] s of .* from \+[2-5] s on", " ".join(found.out.split())
    )


@pytest.mark.long_matrix("sabotages of a load test")
def test_a_worker_that_is_killed_leaves_no_go(practice_range: Range, project: Project) -> None:
    """Two generators, one of them killed half-way: what it had to ask was not asked, so nothing is green and nothing is red."""
    with project.start(*LOAD, "--load-workers=2", f"--env={practice_range.file}") as session:
        killed = threading.Thread(target=_kill_a_worker, args=(project.run_folder,))
        killed.start()
        found = project.finish(session)
        killed.join()

    assert found.rc == 11, found.out
    assert "broken criterion" not in found.outcomes().values(), found.out
    assert "1 of 2 generators went away" in " ".join(found.out.split()), found.out


def test_a_real_prometheus_agrees(practice_range: Range, project: Project, tmp_path: Path) -> None:
    """Where it is declared, its scrapes of the candidate are held against the generator's own count."""
    api = practice_range.state["urls"]["api"].removeprefix("http://")
    with prometheus(api, tmp_path) as url:
        # As everywhere, it has been scraping for a while.
        Waiter().until(lambda: _scrapes(url), holds=lambda count: count >= _SCRAPES, within_s=60, what="some scrapes")
        file = tmp_path / "prometheus.toml"
        text = practice_range.file.read_text(encoding="utf-8")
        declared = 'kind = "sandbox"\nabilities = ["test_account", "load", "prometheus"]\n'
        file.write_text(text.replace('kind = "sandbox"\n', declared, 1) + _PROMETHEUS.format(url=url), "utf-8")
        file.chmod(0o600)
        found = project.run("-m", "load", "load/test_load.py", f"--env={file}")

    assert found.outcomes()["test_servers_record_of_the_load_agrees"] == "passed", found.out
    figures = {figure["what"]: figure for result in found.record["results"] for figure in result["measured"]}
    assert figures["the servers' record of the load"]["definition"] == f"Prometheus at {url}, nobody else asked"
    # Without a second release there is nothing to compare with: left out, and named.
    assert {left["reason"] for left in found.record["deselected"]} == {"sandbox declares no second_release"}


def test_a_release_is_not_compared_with_itself(practice_range: Range, project: Project) -> None:
    """Where the stable release is live already, both addresses serve it: nothing is sent, and the message says so."""
    practice_range.remote.go_live("stable")
    try:
        found = project.run(*LOAD, f"--env={practice_range.file}")
    finally:
        practice_range.remote.go_live("candidate")

    assert found.rc == 11, found.out
    assert "both addresses serve release 1.41.3" in " ".join(found.out.split())
    assert not list(found.folder.glob("*/load"))


def _attached(found: Finished) -> set[str]:
    """The names of what the report has."""
    text = "".join(
        path.read_text(encoding="utf-8") for path in (found.folder / "allure-results").glob("*-container.json")
    )
    text += "".join(
        path.read_text(encoding="utf-8") for path in (found.folder / "allure-results").glob("*-result.json")
    )
    return {piece.partition('"')[0] for piece in text.split('"name": "')}


def _freeze(run_folder: Path) -> None:
    """Stop the generator's process for some seconds."""
    generator = _generator(run_folder)
    time.sleep(_FROZEN_AFTER_S)
    os.killpg(generator, signal.SIGSTOP)
    time.sleep(_FROZEN_FOR_S)
    os.killpg(generator, signal.SIGCONT)


def _scrapes(url: str) -> int:
    now_s = PrometheusApi(url).ahead_s() + time.monotonic()
    try:
        found = PrometheusApi(url).scraped("process_start_time_seconds", since_s=now_s - 60, until_s=now_s)
    except MeasurementFailed:  # none yet
        return 0
    return min(len(series.samples) for series in found)


def _break_for_a_moment(practice_range: Range, run_folder: Path) -> None:
    """Three seconds of the step with the least load: a gateway that answers everything itself, with errors."""
    began_s = _began_s(run_folder)
    time.sleep(max(0.0, began_s + _OUTAGE_FROM_S - time.time()))
    practice_range.remote.plant("answers-503-healthy", path="/*", server="api")
    time.sleep(_OUTAGE_S)
    practice_range.remote.clear_all()


def _began_s(run_folder: Path, *, within_s: float = 60) -> float:
    """When the engine says that it began."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        for record in run_folder.glob("*/load/run.ndjson"):
            for line in record.read_text(encoding="utf-8").splitlines():
                if line.endswith("}") and "began_s" in (told := json.loads(line)):
                    return float(told["began_s"])
        time.sleep(0.1)
    raise AssertionError(f"no load test began in {run_folder}")


def _kill_a_worker(run_folder: Path) -> None:
    worker = _generator(run_folder, argument="--worker")
    time.sleep(_KILLED_AFTER_S)
    os.killpg(worker, signal.SIGKILL)


def _generator(run_folder: Path, *, argument: str = "", within_s: float = 60) -> int:
    """The process of a generator, told by its working directory, so that it is this session's."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                is_ours = run_folder in (process / "cwd").readlink().parents
                if is_ours and argument in (process / "cmdline").read_text(encoding="utf-8"):
                    return int(process.name)
            except OSError:  # it has just ended, or is another user's
                continue
        time.sleep(0.1)
    raise AssertionError(f"no generator was started in {run_folder}")
