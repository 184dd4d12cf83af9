"""A whole drill on today's product, with the checks after it. Its flags are constants of the bundle: the front end is restored.

On every commit the plan's product has its drill (test_drill.py), and today's its rows (tests/test_todays_checks_catch_faults.py). At night
it is run once with all checks.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fault_rows.journeys import ANSWERS, PHONE
from tests.fault_rows.matrix import names_in
from tests.fault_rows.todays_product import RED_ANYWAY
from tests.plugin.drilling import calm
from tests.sessions import ROOT, Finished, own_range, runbook_in

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]  # a drill with all checks

STORY = "drills/test_frontend_restore.py"


@dataclass(frozen=True)
class Drilled:
    """The drill, and what it left at the sandbox."""

    ended: Finished
    left: tuple[object, ...]


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """It ran to its end."""
    return drilled(tmp_path_factory.mktemp("drill"))


def drilled(folder: Path, *selected: str, story: str = STORY) -> Drilled:
    """The drill in that folder, on a sandbox of its own."""
    with own_range("pam-today") as made:
        project = runbook_in(folder)
        calm(project)
        one = project.folder / "one-browser.toml"  # the others at night: test_todays_verdict.py
        one.write_text(f'browsers = ["chromium"]\n{made.file.read_text(encoding="utf-8")}', encoding="utf-8")
        one.chmod(0o600)
        ended = project.run(story, f"--env={one}", *selected)
        return Drilled(ended, (*made.remote.faults(), *made.remote.changes()))


def test_the_story_is_told_to_its_end(drill: Drilled) -> None:
    """The damage was seen, the deploy is the earlier one and locked, and users were well again in time."""
    outcomes = drill.ended.outcomes()
    of_the_site = {"test_visitors_get_the_target", "test_nothing_is_published_over_it"}
    own = names_in(ROOT / "drills" / "expectations.py") & outcomes.keys()

    assert of_the_site < own, drill.ended.out
    assert {outcomes[name] for name in own} <= {"passed", "could not measure"}, drill.ended.out
    assert {outcomes[name] for name in of_the_site} == {"passed"}, drill.ended.out
    # Its expenses are written and found again; its settings of before are compared.
    of_the_data = {"test_no_acknowledged_write_is_lost", "test_no_older_configuration_is_lost"}
    assert {outcomes[name] for name in of_the_data} == {"passed"}, drill.ended.out
    assert "not written: messages: the product keeps nothing of a question" in str(drill.ended.record["notes"])
    assert [step["outcome"] for step in drill.ended.record["steps"] if not step["step"].startswith("undo ")] == [
        "done"
    ] * 6


def test_all_checks_follow_and_only_what_every_release_has_is_red(drill: Drilled) -> None:
    """Health, rows, pages with their barriers, and speed; nothing is left behind, and the deploy of before is published again."""
    cases = drill.ended.outcomes_by_case()

    assert set(drill.ended.outcomes()) >= {
        "test_database_is_healthy",
        "test_settings_blank",
        "test_the_focus_can_be_seen",
    }
    assert {name for name, outcome in cases.items() if outcome == "broken criterion"} == RED_ANYWAY, drill.ended.out
    assert {"action failed", "refused"}.isdisjoint(cases.values())
    assert {cases[f"{name}[chromium]"] for name in (ANSWERS, PHONE)} == {"passed"}, drill.ended.out
    assert drill.left == ()


@pytest.mark.parametrize("story", ["feature_flag", "emergency"])
def test_its_switches_are_lowered_and_put_back(tmp_path: Path, story: str) -> None:
    """By a row, and past the product: users are well again in time, all is off, nobody keeps a feature, and nothing is left behind."""
    done = drilled(tmp_path, "-m", "rollback", story=f"drills/test_{story}.py")

    assert "REHEARSAL GO for rollback" in " ".join(done.ended.out.split()), done.ended.out
    assert "its flags are constants of the site's bundle" in done.ended.out
    assert done.left == ()
