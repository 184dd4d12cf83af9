"""What is new is off, the recorded incident stays away, and each strategy was drilled: each seen red, and each seen unknown."""

import runpy
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.plan.flags import Flag
from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import STORIES, ways_of
from pam_rollback.plugin import markers, runbook
from pam_rollback.plugin.fixtures import UNPROVEN_BY
from pam_rollback.plugin.selection import KEY, LeftOut
from pam_rollback.redeploy.gate import hooks
from pam_rollback.redeploy.gate.features import FlagsFound
from pam_rollback.redeploy.gate.fixtures import read_flags
from pam_rollback.redeploy.gate.incident import CriterionRetest, RetestOutcome
from pam_rollback.redeploy.gate.incident_choice import known_incident
from pam_rollback.report.earlier_runs import DrillAges, last_drills
from pam_rollback.report.run_record import Verdict
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import load_environment
from tests.gate.scene import (
    DRILLED,
    GREEN,
    INCIDENT,
    NOBODY,
    RED,
    UNKNOWN,
    answer,
    first_ways,
    leave_run,
)
from tests.plan.plan_scene import body
from tests.sessions import FLAGS, ROOT, RunningSandbox

OFF = Flag(enabled=False, rollout_pct=0)
PLAN = load_plan(ROOT / "plan.toml")
OF_LOAD = runpy.run_path(str(ROOT / "load" / "conftest.py"))
RUN = "20260101T000000Z-sandbox-aaaa"


@pytest.fixture
def environment(shared_range: RunningSandbox) -> Environment:
    """The sandbox as the suite reads it."""
    return load_environment(str(shared_range.file), ROOT / "environments", {})


# ---------------------------------------------------------------- flags


@pytest.mark.parametrize(
    ("found", "outcome", "words"),
    [
        pytest.param(OFF, GREEN, "are off", id="off"),
        pytest.param(Flag(enabled=True, rollout_pct=30), RED, "PAM_ENHANCED_UI is on for 30 %", id="on"),
    ],
)
def test_flags_count_as_they_are_found_and_stay_so(
    found: Flag, outcome: str, words: str, running_sandbox: RunningSandbox, environment: Environment
) -> None:
    """Whoever has a feature when the gate begins is what counts: a deploy would reach everybody at once."""
    running_sandbox.flags.set_flags(dict.fromkeys(FLAGS, found))
    flags = read_flags(running_sandbox.flags, None, ())
    said = answer(NOBODY, lambda: flags.exposure(environment.name, FLAGS))
    now = running_sandbox.flags.read_flags()

    assert said[0] == outcome, said
    assert words in said[1]
    assert {now[name] for name in FLAGS} == {found}


def test_what_features_do_that_are_off_is_not_known() -> None:
    """An incident of theirs would hide; without their flags nobody knows."""
    on = Flag(enabled=True, rollout_pct=100)
    FlagsFound(dict.fromkeys(FLAGS, on)).refuse_off(FLAGS)
    for found in (FlagsFound({**dict.fromkeys(FLAGS, on), FLAGS[0]: OFF}), FlagsFound(problem="no flag_admin")):
        with pytest.raises(MeasurementFailed, match="the new features are off, so what they do was not tried"):
            found.refuse_off(FLAGS)


# ---------------------------------------------------------------- the recorded incident


def looking_for(folder: Path, run: str = "") -> Any:
    """What is known of a session in this project: its environment, and what ``--incident`` says."""
    return SimpleNamespace(environment=SimpleNamespace(name="sandbox"), options=SimpleNamespace(incident=run))


def test_without_a_recorded_incident_nothing_is_known(tmp_path: Path) -> None:
    """A run of another environment is another one's."""
    leave_run(tmp_path, "20260101T000000Z-staging-aaaa", red=["IR-5"], environment="staging")
    out = tmp_path / "reports" / "out"

    said = answer(INCIDENT, lambda: known_incident(out, "sandbox"))

    assert said[0] == UNKNOWN
    assert "no run of sandbox with a red decision" in said[1]
    leave_run(tmp_path, RUN, red=["IR-5", "RTO-1"])
    found = known_incident(out, "sandbox")
    assert (found.runs, found.criteria) == ((RUN,), ("IR-5",))


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("nowhere", "expected a run's id or folder"),
        ("good", "expected a run in which a criterion of the service went red"),
    ],
)
def test_a_run_that_is_none_is_refused(run: str, words: str, tmp_path: Path) -> None:
    """As a wrong option is, before anything is sent."""
    leave_run(tmp_path, "good", verdict="GO")
    asking: Any = SimpleNamespace(
        config=SimpleNamespace(rootpath=tmp_path, stash={}), fixturenames=["recorded_incident"]
    )
    asking.config.stash[runbook.KEY] = looking_for(tmp_path, run)

    with pytest.raises(pytest.UsageError, match=words):
        hooks.pytest_pam_why_left_out(asking)


def test_what_a_named_run_leaves_out_is_a_condition_of_the_verdict(tmp_path: Path) -> None:
    """Of tests of the incident."""
    leave_run(tmp_path, "1", red=["IR-5"])
    leave_run(tmp_path, "2", red=["IR-3"])

    def condition(run: str) -> dict[str, str]:
        config: Any = SimpleNamespace(rootpath=tmp_path, stash=pytest.Stash())
        body(OF_LOAD["recorded_incident"])(looking_for(tmp_path, run), config)
        found: dict[str, str] = config.stash.get(UNPROVEN_BY, {})
        return found

    words = "--incident 2 leaves out what else went red: IR-5 of run 1"
    assert condition("2") == {"recorded_incident": words}
    assert condition("") == {}


def measured_by(*tests: object, **facts: Any) -> Any:
    """A session in which these fixtures give that, and these tests are."""

    def value(name: str) -> Any:
        found = facts.get(name, MeasurementFailed(f"{name} was asked"))
        if isinstance(found, Exception):
            raise found
        return found

    return SimpleNamespace(getfixturevalue=value, session=SimpleNamespace(items=tests))


def tried_again(criterion: str, session: Any) -> CriterionRetest:
    """Where the contract has the plan's health checks."""
    checks = {item: SimpleNamespace(item=item) for item in MEASURED_BY["health"]}
    environment: Any = SimpleNamespace(contract=SimpleNamespace(health=checks))
    return hooks.tried_again(criterion, environment, session)


MEASURED_BY = {
    "watch": ("IR-2", "IR-5"),
    "user_data": ("IR-3", "SC-4"),
    "slower": ("IR-4", "CR-5"),
    "memory_trend": ("IR-6",),
    "monitored": ("MT-1", "MT-2", "SC-1", "SC-2"),
    "memory": ("MT-3", "SC-3"),
    "access": ("IR-1",),
    "affected_users": ("CR-1",),
    "health": ("HC-1", "HC-2", "HC-3", "HC-4", "HC-5"),
}


@pytest.mark.parametrize(
    ("criterion", "fixture"), [(criterion, name) for name, ids in MEASURED_BY.items() for criterion in ids]
)
def test_what_measured_a_criterion_measures_it_again(criterion: str, fixture: str) -> None:
    """Whoever owns it answers at the gate, by the same fixture as at any other time. What cannot be measured is not known."""
    found = tried_again(criterion, measured_by())

    assert (found.outcome, found.words) == (RetestOutcome.UNKNOWN, f"{fixture} was asked")


def test_an_advisory_test_does_not_answer_for_a_criterion(monkeypatch: pytest.MonkeyPatch) -> None:
    """It serves what went red then; since it decides nothing, nothing is known. One that decides counts by itself."""
    advisory, deciding = (
        SimpleNamespace(get_closest_marker=lambda name, own=own: own == name) for own in ("advisory", "critical")
    )
    monkeypatch.setattr(markers, "criterion_ids", lambda _: ("DI-1",))

    only_told = tried_again("DI-1", measured_by(advisory))
    judged = tried_again("DI-1", measured_by(advisory, deciding))

    assert only_told.outcome is RetestOutcome.UNKNOWN
    assert only_told.words.startswith("nothing in this gate measures it")
    assert judged.outcome is RetestOutcome.GONE
    assert "1 tests of this gate" in judged.words


# ---------------------------------------------------------------- drills


@pytest.mark.parametrize(
    ("left_out", "verdict", "days", "outcome", "words"),
    [
        (0, "GO", 29, GREEN, "every strategy was drilled in the last 30 days"),
        (1, "GO", 1, RED, "feature-flag never"),
        (0, "NO-GO", 1, RED, "feature-flag 1 d ago with NO-GO"),
        (0, "GO", 31, RED, "feature-flag 31 d ago"),
    ],
)
def test_a_drill_that_is_missing_failed_or_old_is_red(
    left_out: int, verdict: Verdict, days: int, outcome: str, words: str, tmp_path: Path
) -> None:
    """A way back that nobody tried lately. One of each strategy counts, whichever way."""
    drilled = first_ways()[left_out:]
    leave_run(tmp_path, RUN, drilled=drilled, verdict=verdict, age=timedelta(days=days))

    said = answer(
        DRILLED,
        lambda: DrillAges(last_drills(tmp_path / "reports" / "out", ways_of(PLAN)), PLAN.about.review_after_d),
    )

    assert said[0] == outcome, said
    assert words in said[1]
    assert {STORIES[name].strategy for name in first_ways()} == {story.strategy for story in STORIES.values()}


# ---------------------------------------------------------------- load


@pytest.mark.parametrize(
    ("marks", "named", "missing"),
    [
        ({"redeploy_gate"}, False, True),
        ({"redeploy_gate", "load"}, False, False),
        ({"redeploy_gate"}, True, False),
    ],
    ids=["none", "one", "files were named"],
)
def test_a_gate_without_a_load_test_is_partial(marks: set[str], named: bool, missing: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table
    """What is not there nobody can leave out by rule; where files were named, that is the reason."""
    source = pytest.Config.ArgsSource
    left_out = LeftOut()
    config: Any = SimpleNamespace(
        stash=pytest.Stash(),
        option=SimpleNamespace(markexpr="redeploy_gate"),
        args=["load/test_redeployment_gate.py"] if named else [],
        args_source=source.ARGS if named else source.TESTPATHS,
        invocation_params=SimpleNamespace(dir=tmp_path),
        rootpath=tmp_path,
    )
    config.stash[KEY] = left_out
    item: Any = SimpleNamespace(get_closest_marker=lambda name: name in marks)

    collecting = hooks.pytest_collection_modifyitems(config, [item])
    next(collecting)
    with pytest.raises(StopIteration):
        next(collecting)

    assert left_out.partial == (["load not judged: no load test is here"] if missing else [])
