"""Whole sessions of the windows: judged outside the sandbox, and unknown when nothing can be known. Held whole: test_performance.py."""

import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plugin.topics.probe import refuse_silence
from tests.plugin.drilling import calm
from tests.sessions import ROOT, Project, RunningSandbox

ERRORS, RESPONSES = "test_error_rate_stays_low", "test_response_time_stays_low"
MEMORY, STABLE = "test_memory_stays_low", "test_memory_is_stable"
EVERYTHING = {ERRORS, RESPONSES, MEMORY, STABLE}
BEFORE, AFTER = "test_expenses_orphaned", "test_data_is_whole_when_the_window_is_over"
PACE = "--pace=150"
"""As short as it can be with all of its samples."""
_WITHIN_S = 60
_POLL_S = 0.05


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Nothing else is asked here."""
    return ("test_success_criteria.py",)


def wait_for_samples(timeline: Path) -> None:
    """Wait until the prober has written something."""
    end_s = time.monotonic() + _WITHIN_S
    while not (timeline.exists() and timeline.stat().st_size > 10_000):
        assert time.monotonic() < end_s, f"{timeline} has no samples"
        time.sleep(_POLL_S)


def wait_for_result(results: Path, name: str) -> None:
    """Wait until this test has ended."""
    end_s = time.monotonic() + _WITHIN_S
    while not any(name in file.read_text(encoding="utf-8") for file in results.glob("*-result.json")):
        assert time.monotonic() < end_s, f"{name} did not end"
        time.sleep(_POLL_S)


def prober_of(project: Project) -> int:
    """The process that probes for this session, found by the file that it writes."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()  # another test's process may have any bytes there
        except OSError:
            continue
        if b"pam_rollback.probe.observing\0probes" in words and os.fsencode(project.run_folder) in words:
            return int(folder.name)
    raise AssertionError("no prober runs for this session")


@pytest.mark.parametrize(("silent_s", "rate_hz"), [(0.0, 50.0), (39.0, 50.0), (60.0, 0.05)])
def test_a_prober_that_is_behind_is_waited_for(silent_s: float, rate_hz: float) -> None:
    """A slow service, a busy machine, and few probes."""
    refuse_silence(silent_s, 10, rate_hz=rate_hz)


def test_a_prober_that_records_nothing_is_not_waited_for() -> None:
    """On a full disk it runs on: for 25 minutes nobody said that nothing more would be known."""
    with pytest.raises(MeasurementFailed, match="has recorded nothing for 41 s; is the disk full"):
        refuse_silence(41, 10, rate_hz=50)


def test_a_prober_that_died_leaves_it_unknown(running_sandbox: RunningSandbox, project: Project) -> None:
    """From then on we are blind: never green, and memory, which another one reads, is not known either."""
    with project.start("-m", "window", f"--env={running_sandbox.file}") as session:
        wait_for_samples(project.run_folder / "as-is" / "timeline.jsonl")
        os.kill(prober_of(project), signal.SIGKILL)
        ended = project.finish(session)

    assert ended.rc == 11, ended.out
    assert set(ended.outcomes().values()) == {"could not measure"}


@pytest.mark.nightly
def test_a_ban_in_the_middle_of_a_window(running_sandbox: RunningSandbox, project: Project) -> None:
    """Not known from there on, at once; nothing is red. On a commit the rule (rules/test_blocking.py) and blindness (above)."""
    text = running_sandbox.file.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "second_address_proxy" not in line]
    project.write("alone.toml", "\n".join(lines) + "\n")
    (project.folder / "alone.toml").chmod(0o600)
    with project.start("-m", "window", "--env=alone.toml") as session:
        wait_for_samples(project.run_folder / "as-is" / "timeline.jsonl")
        running_sandbox.remote.plant("we-are-banned")
        ended = project.finish(session)

    assert ended.rc == 11, ended.out
    assert ended.outcomes()[ERRORS] == "could not measure"
    assert "broken criterion" not in ended.outcomes().values(), ended.out
    assert "we are blocked, or everybody is" in " ".join(ended.out.split())


def test_what_happens_within_the_window_is_seen(running_sandbox: RunningSandbox, project: Project) -> None:
    """The process is killed and begins anew: what it held before is not known, although there is no hole in the readings.

    Data that was whole when its own checks asked is damaged: the look at the end of the window finds it.
    """
    shutil.copy(ROOT / "checks" / "test_held_data.py", project.folder / "checks")
    (project.folder / "checks" / "integrity").mkdir()
    shutil.copy(ROOT / "checks" / "integrity" / "expenses-orphaned.sql", project.folder / "checks" / "integrity")
    chosen = f"{BEFORE} or {AFTER} or memory"
    # Long enough that the new process is read again within the window, on a slow machine too.
    with project.start("-k", chosen, "--pace=50", f"--env={running_sandbox.file}") as session:
        wait_for_result(project.run_folder / "allure-results", BEFORE)
        wait_for_samples(project.run_folder / "as-is" / "timeline.jsonl")
        running_sandbox.remote.plant("release-down", how="killed")
        running_sandbox.remote.clear("release-down")
        running_sandbox.remote.plant("data", what="expenses-orphaned")
        ended = project.finish(session)
    outcomes = ended.outcomes()

    assert (outcomes[BEFORE], outcomes[AFTER]) == ("passed", "broken criterion"), ended.out
    assert {outcomes[name] for name in (MEMORY, STABLE)} == {"could not measure"}, ended.out
    assert ended.rc == 10, ended.out
    words = " ".join(ended.out.split())
    assert "are broken: expenses-orphaned" in words
    assert "(the process began anew): what it held before that is not known" in words


def test_outside_the_sandbox_the_windows_are_judged_too(running_sandbox: RunningSandbox, project: Project) -> None:
    """After a rollback that this suite did not do: what is left open is what nobody measured, and not SC-1 to SC-3."""
    calm(project)
    project.write("environments/staging.toml", staging(running_sandbox.state["urls"]))
    project.environment |= {name: running_sandbox.variables[name] for name in ("TEST_USER_EMAIL", "TEST_USER_PASSWORD")}
    session = project.run("-m", "post_rollback", "--env", "staging")

    assert {session.outcomes()[name] for name in EVERYTHING} == {"passed"}, session.out
    assert session.last_line.startswith("INCONCLUSIVE for post_rollback staging"), session.last_line
    open_items = re.search(r"success criteria that nobody judged: ([^()]*)", " ".join(session.out.split()))
    assert open_items is not None, session.out
    assert open_items.group(1).strip() == "SC-4, SC-5, SC-6"


def staging(urls: dict[str, str]) -> str:
    """An environment file of the real product, with windows that a test can wait for and the waivers that this takes."""
    shorter = "".join(f"[thresholds.{item}]\nduration_s = 15\n" for item in ("SC-1", "SC-2"))
    waivers = "".join(
        f'[[waivers]]\nitem = "{item}"\nuntil = 2099-12-31\nreason = "a test cannot wait"\napproved_by = "the test"\n'
        for item in ("SC-1", "SC-2", "SC-3")
    )
    return f"""
name = "staging"
kind = "staging"
abilities = ["metrics", "test_account"]
[urls]
frontend = "{urls["frontend"]}"
api = "{urls["api"]}"
backend = "{urls["backend"]}"
[probing]
rate_hz = 50
timeout_s = 2
{shorter}[thresholds.SC-3]
duration_s = 6
gap_s_max = 5
samples_min = 20
[secrets]
test_user_email_env = "TEST_USER_EMAIL"
test_user_password_env = "TEST_USER_PASSWORD"
{waivers}"""
