"""Whole sessions on two machines, which share nothing but the state."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pam_rollback.core.wait import Waiter
from pam_rollback.ops.state.service import RUNS
from tests.bare_repository import VARIABLES
from tests.plugin.drilling import (
    CONSENT,
    as_staging,
    calm,
    owed,
    runbook_with,
    switched_off,
    switched_on,
)
from tests.sessions import ONLY_HEALTH, Finished, Project, RunningSandbox

ROLLBACK = ("drills/test_feature_flag.py", "--env=staging.toml", *CONSENT, "-k", "test_flags_are_off")
UNDO = ("--env=staging.toml", "--execute", "--confirm", "staging", "--initiated-by", "Łukasz", "--reason", "fixed")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the state is."""
    return tmp_path / "place"


@pytest.fixture
def machines(running_sandbox: RunningSandbox, tmp_path: Path, place: Path) -> Iterator[tuple[Project, Project]]:
    """Two, for one environment."""
    made = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        project = runbook_with(tmp_path / name, *ONLY_HEALTH, "test_baseline.py")
        as_staging(running_sandbox, project, without=("browser",))
        project.environment["PAM_STATE"] = str(place)
        made.append(project)
    running_sandbox.as_it_was()
    yield made[0], made[1]
    running_sandbox.as_it_was()


def id_of(session: Finished) -> str:
    """Its run."""
    run: str = session.record["run_id"]
    return run


def runs_of(place: Path) -> set[str]:
    """What the state has; nothing before there is one."""
    if not place.is_dir():
        return set()
    listed = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname)", RUNS],
        cwd=place,
        env=VARIABLES,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return {ref.removeprefix(RUNS) for ref in listed.splitlines()}


def test_another_machine_undoes_and_compares(
    machines: tuple[Project, Project], running_sandbox: RunningSandbox, place: Path
) -> None:
    """One records a baseline and rolls back; the other has both, and puts it back. The first one sees that."""
    one, other = machines
    calm(one)
    calm(other)
    baseline = one.run("-m", "baseline", "--env=staging.toml")
    rollback = one.run(*ROLLBACK)
    assert switched_off(running_sandbox), rollback.out
    taken, run = id_of(baseline), id_of(rollback)
    shutil.move(one.folder, one.folder.with_name("far away"))

    compared = other.run("-m", "health", "--env=staging.toml", "--baseline=newest")
    undone = other.run(f"--undo={run}", *UNDO)

    assert runs_of(place) == {taken, run, id_of(compared)}
    assert "2 runs of other machines brought here" in compared.out
    assert "compared with the baseline of" in compared.out, compared.out
    assert (other.folder / "reports" / "out" / taken / "baseline" / "baseline.json").is_file()
    assert undone.rc == 0, undone.out
    assert "UNDONE" in undone.out
    assert switched_on(running_sandbox)

    shutil.move(one.folder.with_name("far away"), one.folder)
    again = one.run(f"--undo={run}", *UNDO, "--dry-run")
    assert "would put back nothing" in again.out, again.out
    assert owed(one.folder / "reports" / "out" / run) == set()


def journal_kept(place: Path) -> str:
    """What the state has of the journal of its only run."""
    runs = runs_of(place)
    asked = ["git", "show", f"{RUNS}{min(runs, default='')}:journal.jsonl"]
    return (
        subprocess.run(asked, cwd=place, env=VARIABLES, capture_output=True, text=True, check=False).stdout
        if runs
        else ""
    )


def test_the_machine_is_lost_in_the_middle(
    machines: tuple[Project, Project], running_sandbox: RunningSandbox, place: Path
) -> None:
    """What is known elsewhere is put back there, and a person is told that there may be more."""
    one, other = machines
    with one.start(*ROLLBACK[:-2], start_new_session=True) as session:
        Waiter().until(
            lambda: journal_kept(place), holds=lambda text: "undo-owed" in text, within_s=120, what="it is kept"
        )
        Waiter().until(lambda: switched_off(running_sandbox), holds=bool, within_s=60, what="the features are off")
        os.killpg(session.pid, signal.SIGKILL)
    [run] = runs_of(place)
    shutil.rmtree(one.folder)

    undone = other.run(f"--undo={run}", *UNDO)

    assert undone.rc == 14, undone.out
    assert "the run had not ended when this copy of its journal was made on another machine" in undone.out
    assert switched_on(running_sandbox)


def test_a_place_out_of_reach_stops_nothing(machines: tuple[Project, Project], running_sandbox: RunningSandbox) -> None:
    """A line at the beginning and one at the end, a note in the record, and the verdict is that of the checks."""
    one, _ = machines
    one.environment["PAM_STATE"] = "git:http://127.0.0.1:9/state.git"
    session = one.run("-m", "health", f"--env={running_sandbox.file}")
    first, last = (line for line in session.out.splitlines() if line.startswith("state: "))

    assert session.rc == 0, session.out
    assert "this run goes on with what is recorded here: git read the state at http://127.0.0.1:9/state.git" in first
    assert "this run is not kept in the state" in last
    assert any("goes on with what is recorded here" in note for note in session.record["notes"])
