"""Whole sessions of the gate: everything it asks of a healthy candidate, a NO-GO, what is refused, left out or killed.

Each question by itself is in the other files of this folder.
"""

import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pam_rollback.plan.flags import Flag
from tests.gate.scene import (
    APPLIED,
    BACK,
    DATABASE,
    DRILLED,
    FILES,
    FLAGGED,
    GREEN,
    INCIDENT,
    NOBODY,
    OWN_TESTS,
    RED,
    UNKNOWN,
    changed,
    commit,
    features,
    first_ways,
    gate,
    leave_run,
    one_line,
    with_outcome,
)
from tests.gate.test_database import more, schema
from tests.sessions import FLAGS, ON, Project, RunningSandbox

OFF = Flag(enabled=False, rollout_pct=0)
EDITED = "backend/migrations/20261012090000_row_level_security.up.sql"
RUN = "20260101T000000Z-sandbox-aaaa"


@pytest.fixture
def flags_off(running_sandbox: RunningSandbox) -> None:
    """As a rollback by flags leaves them."""
    running_sandbox.remote.reset()
    running_sandbox.flags.set_flags(dict.fromkeys(FLAGS, OFF))


@pytest.mark.nightly  # on every commit stages and migrations are green beside another's damage: test_stages.py, test_database.py
def test_a_healthy_candidate_passes_and_leaves_its_evidence(
    flags_off: None, running_sandbox: RunningSandbox, project: Project
) -> None:
    """Without --to it is what both sites serve. All questions are asked; since files were named, it is not the gate."""
    leave_run(project.folder, RUN, red=["IR-5", "IR-2"], drilled=first_ways(), age=timedelta(days=1))
    leave_run(project.folder, "20260102T000000Z-sandbox-aaaa", drilled=first_ways(), verdict="GO")

    found = gate(project, running_sandbox, [OWN_TESTS, *DATABASE, FLAGGED, NOBODY, INCIDENT, DRILLED])

    outcomes = found.outcomes_by_case()
    assert outcomes.pop(INCIDENT) == UNKNOWN, found.out
    assert set(outcomes.values()) == {GREEN}, found.out
    assert found.rc == 11
    said = one_line(found)
    assert "files were named, and the gate is all of checks and load: name none" in said
    assert "candidate: release 1.42.0, commit" in said
    assert "1 migrations are applied to it" in said
    assert "the new features are off, so what they do was not tried" in said
    assert states(running_sandbox)() == {OFF}
    folder = found.folder / "gate"
    assert {
        "npm-ci.log",
        "GA-1.log",
        "GA-6.log",
        "GA-1/reports/unit.xml",
        "GA-6/reports/load.json",
    } <= {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_broken_candidate_is_a_no_go(running_sandbox: RunningSandbox, project: Project) -> None:
    """It is a commit that nobody serves: its own tests, migrations and features are judged, and nothing that users have.

    A word for the fix leaves out the test of the incident.
    """
    broken = {
        **changed("frontend/app/views/pages.js", "Number(amount).toFixed", "(Number(amount) + 1).toFixed"),
        **more("CREATE TABLE public.more ()", "SELECT 1"),
        **features(default=True),
    }
    own = [f"{OWN_TESTS}[as-is-unit]", f"{OWN_TESTS}[as-is-quality]"]
    asked = [*own, *DATABASE, FLAGGED, NOBODY, INCIDENT, DRILLED]
    vouched = ("--ack", "RP-2=Ada: the cause is in the tracker")

    found = gate(project, running_sandbox, asked, "--to", commit(running_sandbox, broken), *vouched)

    assert found.rc == 10, found.out
    assert with_outcome(found, RED) == {f"{OWN_TESTS}[unit]", BACK, FLAGGED, DRILLED}, found.out
    assert with_outcome(found, UNKNOWN) == {NOBODY}, found.out
    assert INCIDENT not in found.outcomes()
    said = one_line(found)
    assert "an amount is written with its cents" in said
    assert "PAM_ENHANCED_UI is on by default" in said
    assert "sandbox does not serve the candidate" in said
    assert "a person vouches for the fix (--ack)" in said


def test_a_migration_that_was_applied_and_then_edited_is_a_no_go(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """No deploy runs it again, so the copy would show nothing of it."""
    pushed = commit(running_sandbox, {EDITED: f"{FILES[EDITED]}TRUNCATE public.pam_messages;\n"})

    found = gate(project, running_sandbox, sorted(DATABASE), f"--to={pushed}")

    assert found.rc == 10, found.out
    assert with_outcome(found, RED) == {APPLIED}, found.out
    assert "20261012090000_row_level_security: the release before has it with another text" in one_line(found)


def test_an_incident_of_the_new_features_is_seen_where_they_are_on(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """The fault hits only users who have the feature: with the flags off it would hide, and nothing is known."""
    leave_run(project.folder, RUN, red=["IR-5", "RTO-1"])
    running_sandbox.remote.reset()
    running_sandbox.flags.set_flags(dict.fromkeys(FLAGS, ON))
    running_sandbox.remote.plant("errors")

    found = gate(project, running_sandbox, [INCIDENT])

    assert with_outcome(found, RED) == {INCIDENT}, found.out
    assert f"the incident of run {RUN} (IR-5) comes back on release 1.42.0" in one_line(found)


def test_the_environments_own_database_is_refused(
    running_sandbox: RunningSandbox, project: Project, tmp_path: Path
) -> None:
    """Whoever names it by mistake loses nothing."""
    text = running_sandbox.file.read_text(encoding="utf-8")
    variables = tomllib.loads(text)["sandbox"]["variables"]
    own = variables["PAM_STAGING_COPY_DSN"].replace("/pam_copy", "/pam")
    assert own != variables["PAM_STAGING_COPY_DSN"]
    file = tmp_path / "own.toml"
    file.touch(mode=0o600)
    file.write_text(text.replace(variables["PAM_STAGING_COPY_DSN"], own), encoding="utf-8")
    before = schema(running_sandbox)

    found = gate(project, running_sandbox, sorted(DATABASE), file=file)

    assert found.rc == 13, found.out
    assert "the environment's own database" in one_line(found)
    assert schema(running_sandbox) == before


def without(project: Project, running_sandbox: RunningSandbox, ability: str) -> Path:
    """The file of an environment that does not declare it."""
    sandbox = project.folder / "environments" / "sandbox.toml"
    text = sandbox.read_text(encoding="utf-8")
    assert f'    "{ability}",\n' in text
    sandbox.write_text(text.replace(f'    "{ability}",\n', ""), encoding="utf-8")
    file = project.folder / "without.toml"
    file.touch(mode=0o600)
    file.write_text(running_sandbox.file.read_text(encoding="utf-8"), encoding="utf-8")
    return file


def test_what_the_environment_cannot_tell_keeps_it_from_a_go(running_sandbox: RunningSandbox, project: Project) -> None:
    """An environment without a repository: the candidate's tests are left out, and that is no GO. What it was about is recorded."""
    leave_run(project.folder, RUN, drilled=first_ways(), verdict="GO")
    file = without(project, running_sandbox, "git")

    found = project.run("load/test_redeployment_gate.py", "-m", "redeploy_gate", f"--env={file}")

    assert found.rc == 11, found.out
    assert "sandbox declares no git, so nobody asked: " in one_line(found)
    assert "May it be deployed again?" in found.out
    assert "[x] a rollback is ready: 1 of 1" in found.out
    assert "[ ] 15 more questions: NOT ASKED: sandbox declares no git" in one_line(found)
    live = running_sandbox.remote.identity()["commit"]
    assert found.record["commits_seen"] == [
        {"part": part, "commit": live} for part in ("the front end", "the back end")
    ]


def test_a_gate_without_a_database_names_what_it_left_out_and_takes_a_word_for_it(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """The SQL checks are asked of nobody, although their variable is set; `--ack SC-4` answers for all of them, and for no other."""
    for file in (*(project.folder / "checks").glob("test_*.py"), *(project.folder / "load").glob("test_*.py")):
        file.unlink()
    project.write(
        "load/test_redeployment_gate.py",
        '"""Is it?"""\nimport pytest\n\n\n@pytest.mark.redeploy_gate\n@pytest.mark.load\ndef test_a():\n    assert True\n',
    )
    env = f"--env={without(project, running_sandbox, 'database')}"

    silent = project.run("-m", "redeploy_gate", env)
    answered = project.run("-m", "redeploy_gate", env, "--ack", "SC-4=kim: counted by hand")

    assert silent.rc == 11, silent.out
    assert "could not measure" not in silent.out
    assert "sandbox declares no database, so nobody asked: " in one_line(silent)
    assert 'a person may answer for it: --ack SC-4="who: evidence"' in one_line(silent)
    assert answered.rc == 0, answered.out


def states(running_sandbox: RunningSandbox) -> Callable[[], set[Flag]]:
    """The states of the plan's flags."""

    def look() -> set[Flag]:
        now = running_sandbox.flags.read_flags()
        return {now[name] for name in FLAGS}

    return look
