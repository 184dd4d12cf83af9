"""What a product keeps nothing of is not written in a story, and the verdict says so; the plan's product keeps all of it."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.ledger.ledger_verdict import FinalReading, judge
from pam_rollback.plan.plan import load_plan
from pam_rollback.product.settings_loss import SETTING, RecordedSettings
from pam_rollback.rollback.fixtures import incident, story_objectives
from pam_rollback.session.situations import AS_IS
from tests.observation.test_probed_journeys import staging
from tests.plan.plan_scene import body
from tests.sessions import ROOT

TODAY = """
name = "prelive"
kind = "staging"
product = "pam-today"
abilities = ["test_account"]
[urls]
frontend = "https://www.prelive.example.org"
api = "https://api.prelive.example.org"
backend = "https://api.prelive.example.org"
supabase = "{supabase}"
[secrets]
test_user_email_env = "MAIL"
test_user_password_env = "PASSWORD"
supabase_key_env = "KEY"
"""
AFTER = "after-frontend-restore"
VALUES = {f"{SETTING}theme": '"dark"'}


@pytest.fixture
def today(tmp_path: Path) -> Environment:
    """Today's product on staging."""
    file = tmp_path / "today.toml"
    file.write_text(TODAY.format(supabase="https://rows.prelive.example.org"), "utf-8")
    return load_environment(str(file), ROOT / "environments", {"MAIL": "t@example.org", "PASSWORD": "p", "KEY": "k"})


def recorded(environment: Environment, folder: Path) -> tuple[RecordedSettings, list[tuple[str, str]]]:
    """The settings of before a story, and what was written then."""
    written: list[tuple[str, str]] = []
    account = SimpleNamespace(write_setting=lambda *setting: written.append(setting))
    runbook = SimpleNamespace(records_before=True, id="run-1")
    request = SimpleNamespace(getfixturevalue=lambda _: folder)
    clock = SimpleNamespace(wall=lambda: datetime.now(UTC))
    with (
        patch.object(story_objectives, "stored_model", return_value=None),
        patch.object(story_objectives, "account_of", return_value=account),
        patch.object(story_objectives, "read_settings", return_value=VALUES),
    ):
        return body(story_objectives.settings_before)(AFTER, environment, runbook, clock, request), written


def loss(environment: Environment, situation: str, before: RecordedSettings) -> Any:
    """The comparison after it."""
    with patch.object(story_objectives, "read_settings", return_value=VALUES):
        return body(story_objectives.settings_loss)(situation, None, environment, load_plan(ROOT / "plan.toml"), before)


def test_settings_that_take_none_of_ours_are_compared_and_that_is_said(today: Environment, tmp_path: Path) -> None:
    """Nothing is written that would be refused; those of before count, and that none was written meanwhile is a condition."""
    before, written = recorded(today, tmp_path)
    found = loss(today, AFTER, before)

    assert (written, before.young) == ([], ())
    assert (found.within, found.n) == (True, 1)
    assert found.unproven.startswith("whether a setting that is written meanwhile is lost (RPO-2): ")
    assert loss(today, AS_IS, before).unproven == ""  # where nobody acts none is written anywhere


def test_the_plans_product_takes_one(tmp_path: Path) -> None:
    """As ever: written a moment before, so it may be lost; nothing is left open."""
    environment = staging(tmp_path)
    before, written = recorded(environment, tmp_path)

    assert written == [(story_objectives.YOUNG_SETTING, "run-1")]
    assert before.young == (SETTING + story_objectives.YOUNG_SETTING,)
    assert loss(environment, AFTER, before).unproven == ""


@pytest.mark.parametrize("plans", [True, False])
def test_what_was_not_written_is_a_condition_of_the_writes(today: Environment, tmp_path: Path, *, plans: bool) -> None:
    """By its kind, with the reason; of the plan's product nothing is."""
    verdict = judge((), FinalReading(0.0, ()))
    environment = staging(tmp_path) if plans else today
    waiter = SimpleNamespace(stop=SimpleNamespace(check=lambda: None))
    with (
        patch.object(story_objectives, "judge_ledger", return_value=verdict),
        patch.object(story_objectives, "refuse_gap"),
    ):
        found = body(story_objectives.surviving_writes)(
            *(None, None, None, SimpleNamespace(steps=()), environment),
            *(load_plan(ROOT / "plan.toml"), waiter, None, None),
        )

    assert ("not written: messages: the product keeps nothing of a question; settings: " in found.unproven) != plans
    assert bool(found.unproven) != plans


def test_a_drill_whose_writes_are_not_acknowledged_says_so_before_its_baseline() -> None:
    """On staging that takes ten minutes."""
    asked: list[str] = []
    known = {"runbook": SimpleNamespace(resumed=None), "environment": None}

    def getfixturevalue(name: str) -> object:
        asked.append(name)
        if name == "written_before":
            raise MeasurementFailed("4 of 5 writes acknowledged")
        return known.get(name)

    with pytest.raises(MeasurementFailed, match="4 of 5 writes"):
        incident._nothing(SimpleNamespace(getfixturevalue=getfixturevalue), "", over_s=1, limit_pct=5)  # type: ignore[arg-type]
    assert "baseline" not in asked
    assert asked[-1] == "written_before"
