"""A whole drill on today's product, with all checks after it. Its flags are constants of the bundle: the front end is restored.

It is run once; each test looks at something else of it.
"""

import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pam_rollback.rollback.fixtures import story_objectives
from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote
from tests.fault_rows.journeys import ANSWERS, PHONE
from tests.fault_rows.matrix import ROOT, names_in
from tests.fault_rows.todays_product import RED_ANYWAY
from tests.plugin.drilling import calm
from tests.sessions import Finished, runbook_in

STORY = "drills/test_frontend_restore.py"


@dataclass(frozen=True)
class Drilled:
    """The drill, and what it left at the sandbox."""

    ended: Finished
    left: tuple[object, ...]


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drilled]:
    """It ran to its end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.toml"
        with launch(file, product="pam-today", ready_within_s=180):
            state = tomllib.loads(file.read_text(encoding="utf-8"))
            remote = Remote(state["sandbox"]["control_url"], state["sandbox"]["token"])
            project = runbook_in(tmp_path_factory.mktemp("drill"))
            calm(project)
            one = project.folder / "one-browser.toml"  # the others at night: test_todays_verdict.py
            one.write_text(f'browsers = ["chromium"]\n{file.read_text(encoding="utf-8")}', encoding="utf-8")
            one.chmod(0o600)
            ended = project.run(STORY, f"--env={one}")
            yield Drilled(ended, (*remote.faults(), *remote.changes()))


def test_the_story_is_told_to_its_end(drill: Drilled) -> None:
    """The damage was seen, the deploy is the earlier one and locked, and users were well again in time."""
    outcomes = drill.ended.outcomes()
    own = {name for name in names_in(ROOT / STORY) | {*story_objectives.__all__} if name in outcomes}

    assert names_in(ROOT / STORY) < own, drill.ended.out
    assert {outcomes[name] for name in own} <= {"passed", "could not measure"}, drill.ended.out
    assert {outcomes[name] for name in names_in(ROOT / STORY)} == {"passed"}, drill.ended.out
    assert "all 6 steps are done" in " ".join(drill.ended.out.split())


def test_all_checks_follow_and_only_what_every_release_has_is_red(drill: Drilled) -> None:
    """Pages and chat are judged like the plan's; what is broken in every release of today's product is named, and nothing else."""
    cases = drill.ended.outcomes_by_case()
    broken = {name for name, outcome in cases.items() if outcome == "broken criterion"}

    assert set(drill.ended.outcomes()) >= {
        "test_database_is_healthy",
        "test_settings_blank",
        "test_the_focus_can_be_seen",
    }
    assert {cases[f"{name}[chromium]"] for name in (ANSWERS, PHONE)} == {"passed"}, drill.ended.out
    assert broken == RED_ANYWAY, drill.ended.out
    assert {"action failed", "refused"}.isdisjoint(cases.values())


def test_nothing_is_left_behind(drill: Drilled) -> None:
    """The fault is gone, and the deploy of before is published again."""
    assert drill.left == ()
