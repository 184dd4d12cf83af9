"""What the command line alone decides: the browser plugin, markers, options, and where the project is."""

from pathlib import Path

import pytest

from tests.plugin.beginning import Begin, begin
from tests.sessions import ONLY_HEALTH, ROOT, Project, RunningSandbox

__all__ = ["begin"]


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """These sessions are about stories and answers, not about each check."""
    return ONLY_HEALTH


def test_a_file_outside_the_project_is_found_all_the_same(running_sandbox: RunningSandbox, project: Project) -> None:
    """``--env FILE`` as users write it, from the project's folder, with a file that lies elsewhere; no browser is loaded for it.

    The options are written anew and the session begins again, as another process.
    """
    assert not running_sandbox.file.is_relative_to(project.folder)
    listed = project.run_apart("-m", "health", "--env", str(running_sandbox.file), "--collect-only")

    assert listed.rc == 0, listed.out
    assert "test_pam_is_healthy[as-is]" in listed.out
    assert "playwright" not in listed.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pace", "0.5"], "--pace 0.5: expected a number from 1 to 3600"),
        (["--pace", "fast"], "--pace fast: expected a number from 1 to 3600"),
        (["--ack", "SC-6"], '--ack SC-6: expected ITEM="who: evidence"'),
        (["--ack", "SC-6=fine"], '--ack SC-6=fine: expected ITEM="who: evidence"'),
        (["--undo", ""], "--undo: expected a value, found none; is the variable of your shell set?"),
        (["--resume="], "--resume: expected a value, found none"),
        (["--env", " "], "--env: expected a value, found none"),
        (["--run-dir", "y" * 300], "file name too long; nothing was changed"),
        (["--undo", "y" * 300], "expected a run's id or folder with a journal.jsonl, found none at"),
        (["--env", "y" * 300], "file name too long; nothing was changed"),
        (["--baseline", "y" * 300], "file name too long; nothing was changed"),
        (["--ack", "SC-66=kim: yes"], "no plan item 'SC-66', did you mean 'SC-6'?"),
        (
            ["--situation", "after-feature-flags"],
            "--situation after-feature-flags: no situation 'after-feature-flags', did you mean 'after-feature-flag'?",
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
        (["--take-over", "run-1"], '--take-over run-1: expected RUN="who: evidence"'),
        (["--baseline", "nowhere.json"], "nowhere.json: there is no baseline"),
        (["--situation", "baseline"], "--situation baseline: a baseline is recorded whole, by `pytest -m baseline`"),
        (["-m", "baseline", "--situation", "as-is"], "-m baseline records how it is, not as-is"),
        (["-m", "not baseline", "--situation", "baseline"], "a baseline is recorded whole"),
        (["tests", "checks"], "name tests/, or checks/ and drills/, not both"),
    ],
)
def test_a_wrong_option_is_one_error(begin: Begin, arguments: list[str], words: str) -> None:
    """Exit code 4, the option, what was expected."""
    begun = begin(ROOT, "-m", "health", "--env=sandbox", *arguments)

    assert begun.rc == 4, begun.said
    assert words in begun.said


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
        (("-m", "decision or journey"), {"decision", "after"}),
        (("-m", "baseline"), {"baseline", "both"}),
        (("-m", "not baseline"), {"after"}),
    ],
)
def test_what_is_not_about_a_rollback_runs_only_when_it_is_named(
    project: Project, selection: tuple[str, ...], listed: set[str], tmp_path: Path
) -> None:
    """A verification after a rollback decides nothing and records no baseline. What nobody asked for is not named as missing."""
    project.write("checks/test_phases.py", PHASES)
    file = tmp_path / "bare.toml"
    text = (ROOT / "environments" / "sandbox.toml").read_text(encoding="utf-8")
    file.write_text(text.replace('    "feature_check",\n', ""), "utf-8")
    found = project.run("checks/test_phases.py", *selection, "--collect-only", "-q", f"--env={file}")
    missing = "declares no feature_check: test_decision"

    known = listed - {"decision"}
    assert {name for name in ("baseline", "both", "after") if f"::test_{name}" in found.out} == known, found.out
    assert (missing in found.out) is ("decision" in listed), found.out
    assert "::test_decision" not in found.out
