"""A real rollback of a back end that names no release: what proves it, what contradicts it, what is only believed, and its undo."""

import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.core.wait import Waiter
from pam_rollback.http.client import fetch
from pam_rollback.notify.channels import RESOLVE_INCIDENT
from pam_rollback.plugin.topics.hosts import MARKS_FILE, look_at_marks, write_marks
from pam_rollback.report.baseline_record import Part
from pam_rollback.target.environment_file import load_environment
from pam_sandbox.launch import launch
from pam_sandbox.remote import Remote
from tests.plugin.drilling import CONSENT, as_staging, calm, journal, runbook_with
from tests.sessions import ROOT, Finished, Project, RunningSandbox, save_baseline

STORY = "drills/test_backend_provider.py"
TARGET, LIVE, WORKER = "test_the_target_answers", "test_the_live_deploy_answers", "test_no_worker_was_left_behind"
_OLD_S = 8


@pytest.fixture(scope="module")
def todays_range() -> Iterator[RunningSandbox]:
    """One sandbox of today's product for all sessions."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.toml"
        with launch(file, product="pam-today", ready_within_s=180):
            state = tomllib.loads(file.read_text(encoding="utf-8"))
            yield RunningSandbox(file, state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"]))


@pytest.fixture
def today(todays_range: RunningSandbox) -> Iterator[RunningSandbox]:
    """As at the start, nobody is banned, and the process is old enough to be told from that of a new deploy."""
    todays_range.remote.reset()
    url = f"{todays_range.state['urls']['api']}/health/system"
    Waiter().until(
        lambda: fetch(url, deadline_s=5).json["checks"]["process"]["uptime_seconds"],
        holds=lambda age_s: age_s >= _OLD_S,
        within_s=30,
        what="the process has run for a while",
        every_s=1,
    )
    todays_range.remote.forgive()  # what was asked here counts against the session that comes
    yield todays_range
    todays_range.remote.reset()


@pytest.fixture
def project(today: RunningSandbox, tmp_path: Path) -> Project:
    """A runbook with the story and the checks of what is deployed; the sandbox calls itself staging there."""
    made = runbook_with(tmp_path, "test_deployed.py")
    calm(made)
    # As `make connect` has it: more probes than this and the API shuts us out before it was seen what users get.
    made.adjust("environments/sandbox.toml", "rate_hz = 25", "rate_hz = 0.4")
    as_staging(today, made)
    return made


def rolled_back(project: Project) -> Finished:
    """A real rollback of the back end, to what the rule finds."""
    return project.run(STORY, "--env=staging.toml", *CONSENT, "-k", f"{TARGET} or {LIVE} or {WORKER}")


def step(ended: Finished, name: str) -> dict[str, Any]:
    """How a step ended."""
    entries = journal(ended.folder)
    [found] = [one for one in entries if one.get("step") == name and one["event"] in {"step-done", "step-failed"}]
    return found


def test_api_and_worker_go_back_are_proven_and_are_put_back(today: RunningSandbox, project: Project) -> None:
    """By what users' answers show, without a version and without a baseline. Whoever listens hears of the undo."""
    with (project.folder / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write('\n\ndef pytest_pam_run_ended(undone):\n    return "heard: " + undone.partition(" of ")[0]\n')
    ended = rolled_back(project)

    assert {ended.outcomes()[name] for name in (TARGET, LIVE, WORKER)} == {"passed"}, ended.out
    steps = [entry["step"] for entry in journal(ended.folder) if entry["event"] == "step-done"]
    assert steps.index("run the target") < steps.index("run the target on the workers")
    seen = str(step(ended, "see which release answers"))
    assert "/openapi.json: it is no longer that of dep-" in seen
    assert "the process that answers: it started at " in seen
    assert "(weak: the host's word)" in seen
    assert not [note for note in ended.record["notes"] if note.startswith("unproven")]
    assert {change["what"] for change in today.remote.changes()} >= {"back end, live release", "worker, live release"}

    undone = project.run("--undo", str(ended.folder), "--env=staging.toml", *CONSENT)
    assert undone.rc == 0, undone.out
    assert "\nheard: UNDONE: " in undone.out
    settled = [entry["kind"] for entry in journal(ended.folder) if entry["event"] == "undo-owed"]
    settled = [kind for kind in settled if kind != RESOLVE_INCIDENT]  # on a busy machine customers hear of it, too
    assert settled == ["run-deploy", "run-worker-deploy"]
    assert today.remote.changes() == []


def test_a_baseline_tells_whose_answers_they_are(today: RunningSandbox, tmp_path: Path) -> None:
    """Recorded while the bad release was well; the rollback was done by hand, and nothing tells how old a process is."""
    project = runbook_with(tmp_path, "test_deployed.py")
    contract = project.folder / "products" / "pam-today.toml"
    first, mark, rest = contract.read_text(encoding="utf-8").partition("[[marks]]")
    contract.write_text(first + mark + rest.partition("[[marks]]")[0] + "# ----" + rest.partition("# ----")[2], "utf-8")
    seen = look_at_marks(load_environment(str(today.file), ROOT / "environments", {}))
    assert seen is not None
    write_marks(tmp_path, seen)
    baseline = save_baseline(today, tmp_path, parts={MARKS_FILE: Part.of(tmp_path / MARKS_FILE, n=1)})
    session = ("checks/test_deployed.py", f"--env={today.file}")

    today.remote.plant("render-deploys", what="live-in-name-only")
    today.remote.go_live("stable")
    lied = project.run(*session, f"--baseline={baseline}")
    assert (lied.rc, lied.outcomes()[LIVE], lied.outcomes()[WORKER]) == (10, "broken criterion", "passed"), lied.out
    assert "/openapi.json: it is still that of dep-" in " ".join(lied.out.split())

    today.remote.clear_all()
    today.remote.go_live("candidate")
    today.remote.go_live("stable")
    done = project.run(*session, f"--baseline={baseline}")
    assert done.rc == 0, done.out
    assert "unproven: that the back end" not in " ".join(done.out.split())
    believed = project.run(*session)
    assert believed.rc == 0, believed.out
    assert "was not seen, and may be the same" in " ".join(believed.out.split())
