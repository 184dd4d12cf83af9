"""Whole load tests of the sandbox's candidate: a healthy one is a GO, and what the generator did not do is never the service's fault.

What makes a threshold red or unknown is held by rules over written-out records (tests/load/rules/), what the engine asks and
records by runs against a server that does as it is told (tests/load/test_locust.py). Here is what only a session shows: its exit code,
its verdict, and what it leaves. Of the whole load tests `make test` runs the first one, `make test-all` all of them.
"""

import json
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fault_rows.load import ROWS
from tests.fault_rows.row import Row
from tests.sessions import ONLY_HEALTH, Finished, Project, RunningSandbox

LOAD = ("-m", "load", "load/test_load.py")
LG_9 = "test_servers_record_of_the_load_agrees"
"""Advisory: nobody vouches for it."""
WHOLE_TESTS = "whole load tests"
"""All of them are one long matrix: `make test` runs the first, a healthy one."""
LESS = {
    "steps_pct = [10, 25, 50, 100]\nduration_s = 2400\n": "steps_pct = [80, 100]\nduration_s = 900\n",
    "answers_min = 400\n": "answers_min = 370\n",
}
LENIENT = {
    "response_time_ms_max = 500\nanswers_min = 400\n": "response_time_ms_max = 8000\nanswers_min = 400\n",
    "response_time_ms_max = 1000\nanswers_min = 400\n": "response_time_ms_max = 9000\nanswers_min = 400\n",
    "slow_ms = 1000\n": "slow_ms = 9000\n",
    "late_ms = 100\n": "late_ms = 5000\n",
    "response_time_unnoticed_ms = 100\np99_increase": "response_time_unnoticed_ms = 9000\np99_increase",
    "p99_unnoticed_ms = 250\n": "p99_unnoticed_ms = 9000\n",
    "error_rate_increase_pp_max = 1\n": "error_rate_increase_pp_max = 9\n",
}
"""How fast a busy machine answers is another test's concern."""
_FROZEN_FROM_S, _FROZEN_S = 8.5, 6.0
"""From the first request on: in the step with all of the load, to the end of it."""
_DEPLOYED_AFTER_S = 7.0
_OUTAGE_FROM_S, _OUTAGE_S = 2.5, 3.1


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Only load/ is run here."""
    return ONLY_HEALTH


def change(project: Project, file: str, changes: Mapping[str, str]) -> None:
    """Replace texts that are there."""
    text = (project.folder / file).read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    project.write(file, text)


def ask_less(project: Project) -> None:
    """Two steps in 15 s instead of four in 40, and fewer requests a second: just enough answers to bound their 99th percentile."""
    change(project, "plan.toml", LESS)
    change(project, "environments/sandbox.toml", {"rate_hz = 40\n": "rate_hz = 28\n"})


@pytest.mark.long_matrix(WHOLE_TESTS)
@pytest.mark.parametrize(("short", "sent"), [(True, 378), (False, 740)], ids=["short", "as long as the plan"])
def test_a_healthy_candidate_is_a_go(
    running_sandbox: RunningSandbox, project: Project, *, short: bool, sent: int
) -> None:
    """All thresholds are kept, both releases were asked as often, and the report has the picture."""
    if short:
        change(project, "plan.toml", LENIENT)
        ask_less(project)
    found = project.run(*LOAD, f"--env={running_sandbox.file}")

    assert found.rc == 0, found.out
    assert found.last_line.startswith("REHEARSAL GO for load"), found.last_line
    assert "release 1.42.0" in found.last_line
    folder = next(found.folder.glob("*/load"))
    lines = [json.loads(line) for line in (folder / "run.ndjson").read_text(encoding="utf-8").splitlines()]
    asked = Counter(target for line in lines for target, _, _, sent_s, *_ in line.get("rows", ()) if sent_s is not None)
    assert asked == {0: sent, 1: sent}
    attached = _attached(found)
    for name in (
        "latency-over-time.svg",
        "locust.html",
        "locust_stats.csv",
    ):
        assert name in attached
    first_page = (found.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert '" alt="Load, latency over time">' in first_page


def test_a_candidate_that_is_down_is_a_no_go(running_sandbox: RunningSandbox, project: Project) -> None:
    """It is known without any load: errors are red, everything else is not known, and it takes seconds."""
    running_sandbox.remote.plant("release-down", how="killed")
    try:
        found = project.run(*LOAD, f"--env={running_sandbox.file}")
    finally:
        running_sandbox.remote.clear_all()

    assert found.rc == 10, found.out
    assert found.outcomes()["test_few_requests_fail_under_load"] == "broken criterion", found.out
    assert "passed" not in found.outcomes().values(), found.out
    assert "health: HTTP 502 (10)" in " ".join(found.out.split())


@pytest.mark.long_matrix(WHOLE_TESTS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_fault_turns_its_thresholds_and_no_others(
    row: Row, running_sandbox: RunningSandbox, project: Project
) -> None:
    """NO-GO with a message that names the cause; that the same session is green without it is shown above.

    As long as the plan: of fewer requests the answers that fail would leave too few to judge how fast the others are.
    """
    running_sandbox.remote.plant(row.fault, **row.parameters)
    try:
        found = project.run(*LOAD, f"--env={running_sandbox.file}")
    finally:
        running_sandbox.remote.clear_all()
    outcomes = found.outcomes()

    assert {name for name, outcome in outcomes.items() if outcome == "broken criterion"} == row.red, found.out
    assert {name for name, outcome in outcomes.items() if outcome == "passed"} == outcomes.keys() - row.red - {LG_9}, (
        found.out
    )
    assert found.rc == 10, found.out
    assert row.words in " ".join(found.out.split()), found.out
    assert found.last_line.startswith("REHEARSAL NO-GO for load"), found.last_line


@pytest.mark.long_matrix(WHOLE_TESTS)
def test_a_generator_that_stands_still_is_not_the_service(running_sandbox: RunningSandbox, project: Project) -> None:
    """Its process is stopped for six seconds at full load: inconclusive, with what to do, and nothing is red."""
    ask_less(project)
    with project.start(*LOAD, f"--env={running_sandbox.file}") as session:
        frozen = threading.Thread(target=_freeze, args=(project.run_folder,))
        frozen.start()
        found = project.finish(session)
        frozen.join()

    assert found.rc == 11, found.out
    assert found.last_line.startswith("REHEARSAL INCONCLUSIVE for load"), found.last_line
    assert "broken criterion" not in found.outcomes().values()
    assert "the generator was late" in " ".join(found.out.split())


@pytest.mark.long_matrix(WHOLE_TESTS)
def test_three_seconds_of_outage_are_a_no_go(running_sandbox: RunningSandbox, project: Project) -> None:
    """Of the whole run too few requests fail to reach the plan's 2 %; the streak breaks it, with its moment and its length."""
    with project.start(*LOAD, f"--env={running_sandbox.file}") as session:
        outage = threading.Thread(target=_break_for_a_moment, args=(running_sandbox, project.run_folder))
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


@pytest.mark.long_matrix(WHOLE_TESTS)
def test_a_release_that_changes_in_the_middle_is_no_go(running_sandbox: RunningSandbox, project: Project) -> None:
    """Half of the load goes to the stable release. A person who vouches for the servers' record does not vouch for that."""
    ask_less(project)
    with project.start(*LOAD, "--ack", "LG-9=kim: counted in the logs", f"--env={running_sandbox.file}") as session:
        deployed = threading.Thread(target=_deploy_stable, args=(running_sandbox, project.run_folder))
        deployed.start()
        found = project.finish(session)
        deployed.join()

    assert found.rc == 11, found.out
    outcomes = found.outcomes()
    assert outcomes.pop(LG_9) == "passed", found.out
    assert set(outcomes.values()) == {"could not measure"}, found.out
    assert "what was asked is not one release's" in " ".join(found.out.split()), found.out


def _attached(found: Finished) -> set[str]:
    """The names of what the report has."""
    text = "".join(
        path.read_text(encoding="utf-8") for path in (found.folder / "allure-results").glob("*-container.json")
    )
    text += "".join(
        path.read_text(encoding="utf-8") for path in (found.folder / "allure-results").glob("*-result.json")
    )
    return {piece.partition('"')[0] for piece in text.split('"name": "')}


def _pause_until(passed_s: float, run_folder: Path) -> None:
    """So long after the engine says that it began."""
    time.sleep(max(0.0, _began_s(run_folder) + passed_s - time.time()))


def _freeze(run_folder: Path) -> None:
    """Stop the generator's process for some seconds."""
    generator = _generator(run_folder)
    _pause_until(_FROZEN_FROM_S, run_folder)
    os.kill(generator, signal.SIGSTOP)
    time.sleep(_FROZEN_S)
    os.kill(generator, signal.SIGCONT)


def _break_for_a_moment(running_sandbox: RunningSandbox, run_folder: Path) -> None:
    """Three seconds of the step with the least load: a gateway that answers everything itself, with errors."""
    _pause_until(_OUTAGE_FROM_S, run_folder)
    running_sandbox.remote.plant("answers-503-healthy", path="/*", server="api")
    time.sleep(_OUTAGE_S)
    running_sandbox.remote.clear_all()


def _deploy_stable(running_sandbox: RunningSandbox, run_folder: Path) -> None:
    """Somebody deploys in the middle of the load."""
    _pause_until(_DEPLOYED_AFTER_S, run_folder)
    running_sandbox.remote.go_live("stable")


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


def _generator(run_folder: Path, *, within_s: float = 60) -> int:
    """The process of a generator, told by its working directory, so that it is this session's."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if run_folder in (process / "cwd").readlink().parents:
                    return int(process.name)
            except OSError:  # it has just ended, or is another user's
                continue
        time.sleep(0.1)
    raise AssertionError(f"no generator was started in {run_folder}")
