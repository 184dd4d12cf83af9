"""What is new is behind flags, the recorded incident stays away, and each strategy was drilled: each seen red, and each seen unknown."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from pam_rollback.core.flags import Flag
from pam_rollback.core.plan import load_plan
from pam_rollback.core.wait import Waiter
from pam_rollback.plugin.fixtures.gate_readiness import ways_of
from pam_rollback.plugin.stories import STORIES
from pam_rollback.reporting.past_drills import last_drills
from pam_rollback.reporting.run_record import Verdict
from tests.gate.scene import (
    DRILLED,
    FLAGGED,
    GREEN,
    INCIDENT,
    NOBODY,
    RED,
    UNKNOWN,
    Commit,
    commit,
    features,
    gate,
    leave_counted,
    leave_probed,
    leave_run,
    one_line,
    with_outcome,
)
from tests.sessions import FLAGS, ON, ONLY_HEALTH, Project, Range

OFF = Flag(enabled=False, rollout_pct=0)
FIRST_WAYS = [
    next(name for name, story in STORIES.items() if story.strategy == strategy)
    for strategy in dict.fromkeys(story.strategy for story in STORIES.values())
]
COMMITS = [
    Commit("on by default", features(default=True), {FLAGGED}, "PAM_ENHANCED_UI is on by default"),
    Commit("no flag", features(flag=""), {FLAGGED}, "refreshed conversation has no flag"),
    Commit(
        "no declaration", {"features.json": "{}"}, set(), "expected a release and a list of features", unknown={FLAGGED}
    ),
]


@pytest.fixture
def flags_off(practice_range: Range) -> None:
    """As a rollback by flags leaves them."""
    practice_range.remote.reset()
    practice_range.flags.set_flags(dict.fromkeys(FLAGS, OFF))


@pytest.mark.parametrize("broken", COMMITS, ids=lambda broken: broken.id)
def test_a_feature_without_a_flag_is_red(broken: Commit, practice_range: Range, project: Project) -> None:
    """By the candidate's own declaration; without one nothing is known."""
    found = gate(project, practice_range, [FLAGGED], "--to", commit(practice_range, broken.files))

    assert (with_outcome(found, RED), with_outcome(found, UNKNOWN)) == (broken.red, broken.unknown), found.out
    assert broken.words in one_line(found), found.out


def test_flags_that_are_on_are_red_and_left_as_they_were(practice_range: Range, project: Project) -> None:
    """A deploy would reach everybody at once."""
    practice_range.remote.reset()
    practice_range.flags.set_flags(dict.fromkeys(FLAGS, Flag(enabled=True, rollout_pct=30)))

    found = gate(project, practice_range, [FLAGGED, NOBODY])

    assert with_outcome(found, RED) == {NOBODY}, found.out
    assert "PAM_ENHANCED_UI is on for 30 %" in one_line(found)
    assert _flags(practice_range)() == {Flag(enabled=True, rollout_pct=30)}


def test_flags_that_are_off_are_green_and_off_again(flags_off: None, practice_range: Range, project: Project) -> None:
    """They were on meanwhile, so that what is new is tried."""
    found = gate(project, practice_range, [FLAGGED, NOBODY])

    assert with_outcome(found, GREEN) == {FLAGGED, NOBODY}, found.out
    assert found.rc == 11, "two tests are not the gate"
    assert "files were named, and the gate is all of checks and load: name none" in one_line(found)
    assert "the new features are on while they are tried" in one_line(found)
    assert _flags(practice_range)() == {OFF}
    assert "undo set-flags" in found.out


def test_what_is_not_served_was_not_exposed(practice_range: Range, project: Project) -> None:
    """Flags that are off say nothing of a candidate that is not there."""
    found = gate(project, practice_range, [NOBODY], "--to", commit(practice_range, {"docs/note.md": "A note.\n"}))

    assert with_outcome(found, UNKNOWN) == {NOBODY}, found.out
    assert "sandbox does not serve the candidate" in one_line(found)


def test_an_incident_of_the_new_features_is_seen_although_they_were_off(
    flags_off: None, practice_range: Range, project: Project
) -> None:
    """The fault hits only users who have the feature: with the flags off it hides."""
    leave_run(project, "20260101T000000Z-sandbox-aaaa", red=["IR-5", "RTO-1"])
    practice_range.remote.plant("errors")

    found = gate(project, practice_range, [INCIDENT])

    assert with_outcome(found, RED) == {INCIDENT}, found.out
    assert "the incident of run 20260101T000000Z-sandbox-aaaa (IR-5) comes back on release 1.42.0" in one_line(found)


def test_an_incident_that_is_gone_is_green(flags_off: None, practice_range: Range, project: Project) -> None:
    """Under its load: more than is observed by itself."""
    folder = leave_run(project, "20260101T000000Z-sandbox-aaaa", red=["IR-5", "IR-2"])
    leave_counted(folder, 55)

    found = gate(project, practice_range, [INCIDENT])

    assert with_outcome(found, GREEN) == {INCIDENT}, found.out
    assert "under 55 requests a second by Prometheus at http://127.0.0.1:9" in one_line(found)
    assert (found.folder / "gate" / "incident-load.jsonl").stat().st_size > 0


def test_an_incident_whose_users_nobody_counted_is_not_gone(
    flags_off: None, practice_range: Range, project: Project
) -> None:
    """It is looked for under the probes of then, which may have been the least of it."""
    folder = leave_run(project, "20260101T000000Z-sandbox-aaaa", red=["IR-5"])
    leave_probed(folder, 15)

    found = gate(project, practice_range, [INCIDENT])

    assert with_outcome(found, UNKNOWN) == {INCIDENT}, found.out
    assert "under 15 requests a second by its own probes" in one_line(found)
    assert "nobody counted those of users then: under more, IR-5 may still come back" in one_line(found)


def test_users_of_then_count_where_they_were_counted(flags_off: None, practice_range: Range, project: Project) -> None:
    """Not only what the suite sent, and not in vain: more than can be made is not known."""
    folder = leave_run(project, "20260101T000000Z-sandbox-aaaa", red=["IR-5"])
    leave_counted(folder, 5000)

    found = gate(project, practice_range, [INCIDENT])

    assert with_outcome(found, UNKNOWN) == {INCIDENT}, found.out
    assert "under 5000 requests a second by Prometheus at http://127.0.0.1:9" in one_line(found)
    assert "this check makes at most 200 more, so it may still come back under the whole load" in one_line(found)


def test_a_slow_answer_cannot_be_judged_without_a_baseline(
    flags_off: None, practice_range: Range, project: Project
) -> None:
    """Never: it is gone."""
    leave_run(project, "20260101T000000Z-sandbox-aaaa", red=["IR-4"])

    found = gate(project, practice_range, [INCIDENT])

    assert with_outcome(found, UNKNOWN) == {INCIDENT}, found.out
    assert "without a baseline" in one_line(found)


def test_an_advisory_test_does_not_answer_for_a_criterion(
    flags_off: None, practice_range: Range, project: Project
) -> None:
    """It is green here, and what it serves went red then; since it decides nothing, nothing is known."""
    leave_run(project, "20260101T000000Z-sandbox-aaaa", red=["DI-1"])
    project.write(
        "checks/test_own.py",
        "import pytest\n"
        "@pytest.mark.redeploy_gate\n"
        "@pytest.mark.advisory\n"
        '@pytest.mark.criterion("DI-1")\n'
        "def test_only_told():\n"
        '    """Decides nothing.  If red: docs/runbook.md#redeployment-gate."""\n',
    )
    files = (f"load/test_redeployment_gate.py::{INCIDENT}", "checks/test_own.py")

    found = project.run(*files, "-m", "redeploy_gate", f"--env={practice_range.file}")

    assert with_outcome(found, GREEN) == {"test_only_told"}, found.out
    assert with_outcome(found, UNKNOWN) == {INCIDENT}, found.out
    assert "DI-1: nothing in this gate measures it" in one_line(found)


def test_without_a_recorded_incident_nothing_is_known_unless_a_person_says_so(
    flags_off: None, practice_range: Range, project: Project
) -> None:
    """A run of another environment is another one's; a word for it leaves the test out, and says so."""
    leave_run(project, "20260101T000000Z-staging-aaaa", red=["IR-5"], environment="staging")

    found = gate(project, practice_range, [INCIDENT])
    vouched = gate(project, practice_range, [INCIDENT, DRILLED], "--ack", "RP-2=Ada: the cause is in the tracker")

    assert with_outcome(found, UNKNOWN) == {INCIDENT}, found.out
    assert "no run of sandbox with a red decision" in one_line(found)
    assert INCIDENT not in vouched.outcomes()
    assert "a person vouches for the fix (--ack)" in one_line(vouched)


def test_a_run_that_is_none_is_refused(practice_range: Range, project: Project) -> None:
    """Before anything is sent."""
    leave_run(project, "good", verdict="GO")

    for run, words in (
        ("nowhere", "expected a run's id or folder"),
        ("good", "expected a run in which a criterion of the service went red"),
    ):
        found = gate(project, practice_range, [INCIDENT], "--incident", run)
        assert found.rc == 4, found.out
        assert words in one_line(found)


def test_drills_that_are_young_are_green(practice_range: Range, project: Project) -> None:
    """One of each strategy, whichever way."""
    leave_run(project, "20260101T000000Z-sandbox-aaaa", drilled=FIRST_WAYS, verdict="GO", age=timedelta(days=29))

    assert with_outcome(gate(project, practice_range, [DRILLED]), GREEN) == {DRILLED}


def test_a_drill_that_was_really_done_counts(practice_range: Range, project: Project) -> None:
    """One way of a strategy, by the record that its session leaves; the others were never drilled."""
    practice_range.as_it_was()
    for found in (project.folder / "checks").glob("test_*.py"):
        if found.name not in ONLY_HEALTH:
            found.unlink()
    session = project.run("drills/test_frontend_restore.py", f"--env={practice_range.file}")
    assert session.rc == 0, session.out

    drilled = {
        one.strategy: one.run
        for one in last_drills(session.folder.parent, ways_of(load_plan(project.folder / "plan.toml")))
    }

    assert drilled == {**dict.fromkeys(drilled, ""), "frontend": session.record["run_id"]}
    assert set(drilled) == {story.strategy for story in STORIES.values()}


@pytest.mark.parametrize(
    ("left_out", "verdict", "days", "words"),
    [
        (1, "GO", 1, "feature-flag never"),
        (0, "NO-GO", 1, "feature-flag never"),
        (0, "GO", 31, "feature-flag 31 d ago"),
    ],
)
def test_a_drill_that_is_missing_failed_or_old_is_red(
    left_out: int, verdict: Verdict, days: int, words: str, practice_range: Range, project: Project
) -> None:
    """A way back that nobody tried lately."""
    leave_run(
        project,
        "20260101T000000Z-sandbox-aaaa",
        drilled=FIRST_WAYS[left_out:],
        verdict=verdict,
        age=timedelta(days=days),
    )

    found = gate(project, practice_range, [DRILLED])

    assert with_outcome(found, RED) == {DRILLED}, found.out
    assert words in one_line(found), found.out


def test_what_the_environment_cannot_tell_keeps_it_from_a_go(practice_range: Range, project: Project) -> None:
    """An environment without a repository: the candidate's tests are left out, and that is no GO."""
    text = practice_range.file.read_text(encoding="utf-8")
    sandbox = project.folder / "environments" / "sandbox.toml"
    sandbox.write_text(sandbox.read_text(encoding="utf-8").replace('    "git",\n', ""), encoding="utf-8")
    leave_run(project, "20260101T000000Z-sandbox-aaaa", drilled=FIRST_WAYS, verdict="GO")
    file = project.folder / "no-git.toml"
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")

    found = project.run("load", "-m", "redeploy_gate", f"--env={file}")

    assert found.rc == 11, found.out
    assert "sandbox declares no git, so nobody asked: " in one_line(found)
    assert "May it be deployed again?" in found.out
    assert "[x] a rollback is ready: 1 of 1" in found.out
    assert "[ ] 13 more questions: NOT ASKED: sandbox declares no git" in one_line(found)


def test_a_gate_without_a_database_names_what_it_left_out_and_takes_a_word_for_it(
    practice_range: Range, project: Project
) -> None:
    """The SQL checks are asked of nobody, although their variable is set; `--ack SC-4` answers for all of them, and for no other."""
    for file in (project.folder / "checks").glob("test_*.py"):
        file.unlink()
    for file in (project.folder / "load").glob("test_*.py"):
        file.unlink()
    project.write(
        "load/test_redeployment_gate.py",
        '"""Is it?"""\nimport pytest\n\n\n@pytest.mark.redeploy_gate\ndef test_a():\n    assert True\n',
    )
    text = practice_range.file.read_text(encoding="utf-8")
    sandbox = project.folder / "environments" / "sandbox.toml"
    sandbox.write_text(sandbox.read_text(encoding="utf-8").replace('    "database",\n', ""), encoding="utf-8")
    file = project.folder / "no-database.toml"
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")

    silent = project.run("-m", "redeploy_gate", f"--env={file}")
    answered = project.run("-m", "redeploy_gate", f"--env={file}", "--ack", "SC-4=kim: counted by hand")

    assert silent.rc == 11, silent.out
    assert "could not measure" not in silent.out
    assert "sandbox declares no database, so nobody asked: " in one_line(silent)
    assert 'a person may answer for it: --ack SC-4="who: evidence"' in one_line(silent)
    assert answered.rc == 0, answered.out


def test_a_killed_session_leaves_a_note_by_which_the_flags_are_put_back(
    flags_off: None, practice_range: Range, project: Project
) -> None:
    """Whoever kills it while the features are on can undo that by the run."""
    nodes = [f"load/test_redeployment_gate.py::{name}" for name in (NOBODY, INCIDENT, "test_unit_tests_pass")]
    with project.start(*nodes, "-m", "redeploy_gate", f"--env={practice_range.file}") as session:
        Waiter().until(_flags(practice_range), holds=lambda flags: flags == {ON}, within_s=120, what="features on")
        session.kill()
    killed = project.run_folder

    undone = project.run("--undo", str(killed), f"--env={practice_range.file}")

    assert undone.rc == 0, undone.out
    assert "UNDONE: 1 change" in undone.out
    assert _flags(practice_range)() == {OFF}


def _flags(practice_range: Range) -> Callable[[], set[Flag]]:
    """The states of the plan's flags."""

    def look() -> set[Flag]:
        now = practice_range.flags.read_flags()
        return {now[name] for name in FLAGS}

    return look
