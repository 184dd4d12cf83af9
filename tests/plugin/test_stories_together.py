"""Several stories in one session: one after the other on one sandbox, or side by side on one each. None leaves anything to another."""

import json
from pathlib import Path

import pytest

from pam_rollback.core.errors import NothingToProve
from pam_rollback.core.wait import Waiter
from pam_rollback.plan.flags import Flag
from pam_rollback.plan.plan import load_plan
from pam_rollback.rollback.journal import Journal
from pam_rollback.rollback.planting import Planting
from pam_rollback.target.environment_file import load_environment
from tests.sessions import FLAGS, ON, ONLY_HEALTH, ROOT, Finished, Project, RunningSandbox
from tests.virtual_clock import VirtualClock

STORIES = ("drills/test_gradual.py", "drills/test_feature_flag.py")
ROLLBACK = ("-m", "rollback", "--pace=600")
"""The stories without the checks after them, and the shortest window there is."""
DECLARED = '''
"""An incident that is declared and not looked for: what is changed and put back depends on no probe, so on no load."""
import pytest
from pam_rollback.probe.incident import ErrorRate, Incident


@pytest.fixture(scope="session")
def incident(situation, sole_writer_here):
    return Incident("declared", release="", started_s=None, seen=ErrorRate(errors=0, n=0, over_s=1, limit_pct=20))


@pytest.fixture(scope="session")
def written_before(situation):
    return None
'''


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """No check is asked for."""
    return ONLY_HEALTH


def entries(ended: Finished) -> list[dict[str, str]]:
    """The run's journal."""
    return [json.loads(line) for line in (ended.folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()]


def done(ended: Finished) -> set[str]:
    """The stories whose change was undone, and seen to be."""
    undos = [step for step in ended.record["steps"] if step["step"] == "undo set-flags"]
    assert {step["outcome"] for step in undos} <= {"undone"}, undos
    return {step["action"] for step in undos}


def test_side_by_side_each_puts_back_its_own(project: Project) -> None:
    """Two workers with a sandbox each change the same flags and write one journal: both are undone, each where it was changed."""
    project.write("drills/conftest.py", (project.folder / "drills/conftest.py").read_text("utf-8") + DECLARED)

    ended = project.run(*STORIES, *ROLLBACK, "-k", "flags_are_off", "-n", "2")

    assert set(ended.outcomes().values()) == {"passed"}, ended.out
    assert done(ended) == {"feature-flag", "gradual"}, ended.out
    owed = [entry for entry in entries(ended) if entry["event"] == "undo-owed" and entry["kind"] == "set-flags"]
    assert {entry["situation"] for entry in owed} == {"after-feature-flag", "after-gradual"}, owed
    assert len({entry["api"] for entry in owed}) == len(owed) == 2, owed


@pytest.mark.nightly  # random orders of the journal's rules: rollback/engine/test_journal_of_situations.py
def test_in_another_order_on_one_sandbox(running_sandbox: RunningSandbox, project: Project) -> None:
    """The second finds the sandbox as the first found it, and the sandbox is left as it was."""
    ended = project.run(*reversed(STORIES), *ROLLBACK, "--env", str(running_sandbox.file))

    assert ended.rc == 0, ended.out
    assert done(ended) == {"feature-flag", "gradual"}, ended.out
    assert "is not as it was" not in ended.out
    assert running_sandbox.remote.changes() == []
    assert {running_sandbox.flags.read_flags()[name] for name in FLAGS} == {ON}


def test_a_broken_range_is_named_and_nothing_is_done(running_sandbox: RunningSandbox, tmp_path: Path) -> None:
    """An earlier drill left a feature off and the stable release live: the story says both, plants nothing and changes nothing."""
    journal = Journal(tmp_path / "journal.jsonl")
    environment = load_environment(str(running_sandbox.file), ROOT / "environments", {})
    planting = Planting(running_sandbox.remote, environment, journal, Waiter(VirtualClock()))
    running_sandbox.remote.go_live("stable")
    running_sandbox.flags.set_flags({FLAGS[1]: Flag(enabled=False, rollout_pct=0)})
    try:
        with pytest.raises(NothingToProve) as told:
            planting.refuse_broken_sandbox(load_plan(ROOT / "plan.toml"), journal, own=True)
        faults = running_sandbox.remote.faults()
    finally:
        running_sandbox.remote.go_live("candidate")

    said = str(told.value)
    assert "the sandbox is not as it was when it started, so this drill would prove nothing" in said
    assert "back end, live release: expected 1.42.0" in said
    assert f"flag {FLAGS[1]}: expected on for 100 %, found off for 0 %" in said
    assert (faults, journal.path.exists()) == ([], False)
