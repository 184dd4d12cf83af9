"""What the command line alone decides: the browser plugin, markers, options, and where the project is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pam_rollback.plugin.browser_gate import can_select_browser_test
from pam_rollback.plugin.markers import check_expression
from pam_rollback.plugin.project_root import joined
from tests.sessions import ONLY_HEALTH, ROOT, Project, Range


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories and answers, not about each check."""
    return ONLY_HEALTH


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("", True),
        ("health", False),
        ("journey", True),
        ("post_rollback", True),
        ("rollback or health", True),
        ("health and not journey", False),
        ("preflight", False),
        ("decision", True),
        ("baseline", True),
        ("not health", True),
        ("health and (", False),
    ],
)
def test_the_browser_is_loaded_only_where_it_can_be_needed(expression: str, wanted: bool) -> None:  # noqa: FBT001 - a table
    """It costs 0.4 s of every start; a session that cannot select a browser test does without."""
    assert can_select_browser_test(expression) is wanted


@pytest.mark.parametrize(("expression", "loaded"), [("health", False), ("post_rollback", True)])
def test_a_real_session_loads_it_or_not(expression: str, loaded: bool) -> None:  # noqa: FBT001 - a table
    """Seen in the header of the session itself."""
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", expression, "--collect-only"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("playwright" in listed.stdout) is loaded, listed.stdout + listed.stderr


def test_a_misspelt_marker_names_the_nearest() -> None:
    """Nothing would be selected, and nothing verified."""
    with pytest.raises(pytest.UsageError, match="no marker 'helth', did you mean 'health'"):
        check_expression("helth and not drill")
    check_expression("(health or journey) and not drill")


def test_options_with_paths_are_joined() -> None:
    """In the form in which pytest does not take the path for one to collect."""
    assert joined(["-m", "health", "--env", "/x/s.toml", "--run-dir", "/y", "-q"]) == [
        "-m",
        "health",
        "--env=/x/s.toml",
        "--run-dir=/y",
        "-q",
    ]
    assert joined(["--env=/x/s.toml", "--env"]) == ["--env=/x/s.toml", "--env"]


def test_a_file_outside_the_project_is_found_all_the_same(practice_range: Range) -> None:
    """``--env FILE`` as users write it, from the project's folder, with a file that lies elsewhere."""
    assert not practice_range.file.is_relative_to(ROOT)
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "health", "--env", str(practice_range.file), "--collect-only", "-q"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "checks/test_health.py::test_pam_is_healthy[as-is]" in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pace", "0.5"], "--pace 0.5: expected a number from 1 to 3600"),
        (["--pace", "fast"], "--pace fast: expected a number from 1 to 3600"),
        (["--ack", "SC-6"], '--ack SC-6: expected ITEM="who: evidence"'),
        (["--ack", "SC-66=kim: yes"], "no plan item 'SC-66', did you mean 'SC-6'?"),
        (
            ["--situation", "after-feature-flags"],
            "--situation after-feature-flags: expected one of as-is, baseline, after-backend-branch, after-backend-commit",
        ),
        (
            ["--undo", "no-such-run"],
            "--undo no-such-run: expected a run's id or folder with a journal.jsonl, found none at",
        ),
        (
            ["--resume", "no-such-run"],
            "--resume no-such-run: expected a run's id or folder with a journal.jsonl, found none at",
        ),
        (["--resume", "x", "--undo", "x"], "--resume finishes a run and --undo puts it back: give one of them"),
        (["--approve", "RA-1"], '--approve RA-1: expected STAGE="who: why"'),
        (["--approve", "RA-1=kim"], '--approve RA-1=kim: expected STAGE="who: why"'),
        (["--approve", "RA-1=kim: fine"], "--approve: there is no ramp in this session; expected -m ramp"),
        (
            ["-m", "ramp", "--gate-run", "nowhere"],
            "--gate-run nowhere: expected a run's id or folder with a run.json, found none",
        ),
        (["-m", "ramp", "--adopt", "kim"], '--adopt kim: expected "who: why"'),
        (["--take-over", "run-1"], '--take-over run-1: expected RUN="who: evidence"'),
        (
            ["--load-workers", "0"],
            "--load-workers 0: expected a number of processes on this machine (2), or of workers",
        ),
        (["--load-workers", "3@5557"], "--load-workers 3@5557: expected a number of processes"),
        (["--baseline", "nowhere.json"], "nowhere.json: there is no baseline"),
        (["--situation", "baseline"], "--situation baseline: a baseline is recorded whole, by `pytest -m baseline`"),
        (["-m", "baseline", "--situation", "as-is"], "-m baseline records how it is, not as-is"),
        (["-m", "not baseline", "--situation", "baseline"], "a baseline is recorded whole"),
        (["tests", "checks"], "name tests/, or checks/ and drills/, not both"),
    ],
)
def test_a_wrong_option_is_one_error(project: Project, arguments: list[str], words: str) -> None:
    """Exit code 4, the option, what was expected."""
    (project.folder / "tests").mkdir()

    ended = project.run(*arguments)

    assert ended.rc == 4, ended.out
    assert words in " ".join(ended.out.split()), ended.out


def test_the_listing_reads_as_the_runbook(project: Project) -> None:
    """Question, what is proven, and where to go on, without an option more."""
    listed = project.run("drills", "--collect-only").out

    assert "Does switching the PAM features off help every user within 30 seconds?" in listed
    assert (
        "From the decision, users are well again within the objective.  If red: docs/runbook.md#recovery-too-slow."
        in listed
    )
    assert not Path(project.run_folder).exists()


PHASES = '''"""What runs when?"""
import pytest

@pytest.mark.decision
@pytest.mark.health
def test_decision(affected_users):
    pass

@pytest.mark.baseline
def test_baseline():
    pass

@pytest.mark.baseline
@pytest.mark.post_rollback
def test_both():
    pass

@pytest.mark.post_rollback
@pytest.mark.journey
def test_after(traveller):
    pass
'''


@pytest.mark.parametrize(
    ("selection", "listed"),
    [
        ((), {"both", "after"}),
        (("-m", "health"), set()),
        (("-m", "journey"), {"after"}),
        (("-m", "decision"), {"decision"}),
        (("-m", "baseline"), {"baseline", "both"}),
        (("-m", "decision or journey"), {"decision", "after"}),
        (("-m", "not baseline"), {"after"}),
        (("-m", "post_rollback"), {"both", "after"}),
    ],
)
def test_what_is_not_about_a_rollback_runs_only_when_it_is_named(
    project: Project, selection: tuple[str, ...], listed: set[str]
) -> None:
    """A verification after a rollback decides nothing and records no baseline."""
    project.write("checks/test_phases.py", PHASES)
    found = project.run("checks/test_phases.py", *selection, "--collect-only", "-q")

    assert {name for name in ("decision", "baseline", "both", "after") if f"::test_{name}" in found.out} == listed, (
        found.out
    )


def test_what_nobody_asked_for_is_not_named_as_missing(project: Project, tmp_path: Path) -> None:
    """Left out and named is what was asked for and cannot be had here: nothing else keeps a verdict from being whole."""
    project.write("checks/test_phases.py", PHASES)
    file = tmp_path / "bare.toml"
    text = (ROOT / "environments" / "sandbox.toml").read_text(encoding="utf-8")
    file.write_text(re.sub(r"abilities = \[.*?\]", "abilities = []", text, flags=re.DOTALL), "utf-8")
    found = project.run("checks/test_phases.py", "--collect-only", "-m", "baseline", f"--env={file}")
    asked = project.run("checks/test_phases.py", "--collect-only", "-m", "decision", f"--env={file}")

    assert "declares no" not in found.out, found.out
    assert "declares no feature_check, test_account: test_decision" in asked.out, asked.out
