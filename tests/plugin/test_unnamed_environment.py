"""Which environment a session is about that names none: the sandbox where nothing else is there, else the one that it asks for."""

import shutil
from pathlib import Path

import pytest

from pam_rollback.plugin.markers import PHASES
from tests.plugin.beginning import Begin, begin
from tests.sessions import ONLY_HEALTH, SCREEN, Project

__all__ = ["begin"]

STORY = "drills/test_feature_flag.py"
QUESTION = "which environment? --env production, or --env sandbox to practise"


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Enough to be asked for."""
    return ONLY_HEALTH


@pytest.fixture
def connected(project: Project) -> Project:
    """Bring production in, as a copy does."""
    shutil.copy(project.folder / "environments" / "examples" / "production.toml", project.folder / "environments")
    return project


def everything_in(folder: Path) -> set[Path]:
    """List every file and folder but compiled modules."""
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def test_a_fresh_clone_rehearses(project: Project) -> None:
    """As the README types it: the sandbox is all there is, and the first line and the last say that it is no more than that."""
    ended = project.run_apart("-m", "health", SCREEN)

    assert ended.rc == 0, ended.out
    assert ended.out.splitlines()[0].startswith("sandbox        rehearsal, pace 60, run "), ended.out
    assert ended.last_line.startswith("REHEARSAL GO for health"), ended.last_line


def test_where_another_is_there_nothing_is_started(connected: Project) -> None:
    """As people and a CI job run it: 4, one line that names what there is, and not a file more than before."""
    files = everything_in(connected.folder)
    ended = connected.run_apart("-m", "post_rollback")

    assert ended.rc == 4, ended.out
    assert ended.out.strip() == f"ERROR: {QUESTION}"
    assert everything_in(connected.folder) == files


@pytest.mark.parametrize(
    "asked",
    [*(("-m", phase) for phase in PHASES), ("-m", "health"), ("-k", "database"), ("checks/test_health.py",)],
    ids=" ".join,
)
def test_every_session_is_asked(connected: Project, begin: Begin, asked: tuple[str, ...]) -> None:
    """Each phase, a kind, a name and a file; with an answer by the variable it goes on."""
    begun = begin(connected.folder, *asked)

    assert (begun.rc, begun.said) == (4, QUESTION)


@pytest.mark.parametrize("drill", [(STORY,), ("drills",), ("-m", "health", "--situation=after-gradual")], ids=" ".join)
def test_a_drill_is_on_the_sandbox(connected: Project, begin: Begin, drill: tuple[str, ...]) -> None:
    """Whatever else is there: a drill plants damage, and does so nowhere else unless that is typed."""
    begun = begin(connected.folder, *drill, "--run-dir=run")

    assert begun.rc is None, begun.said
    assert begun.runbook is not None
    assert begun.runbook.own_sandbox


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("sandbox.env.tml", "did you mean 'sandbox.env.toml'?"),
        ("sandbox.env.tolm", "did you mean 'sandbox.env.toml'?"),
        ("environments/prodction.toml", "did you mean 'environments/production.toml'?"),
        ("prodution", "did you mean 'production'?"),
        ("staging", "there are: production, sandbox; to copy: environments/examples/staging.toml"),
    ],
)
def test_a_typo_is_answered_with_what_is_near(connected: Project, begin: Begin, typed: str, words: str) -> None:
    """A file's name with a file, and nothing is run."""
    connected.write("sandbox.env.toml", 'extends = "sandbox"\n')
    begun = begin(connected.folder, "-m", "health", f"--env={typed}")

    assert begun.rc == 4
    assert words in begun.said
    assert "did you mean 'sandbox'" not in begun.said


def test_bare_pytest_says_what_there_is(project: Project, begin: Begin) -> None:
    """Every phase with what it is for, in a fresh clone, too; with 4, since nothing was judged."""
    ended = project.run_apart(SCREEN)

    assert ended.rc == 4, ended.out
    assert ended.out.startswith("ERROR: nothing was asked for, and nothing was run; there is:"), ended.out
    assert [phase for phase in PHASES if phase != "rollback" and f"pytest -m {phase} " not in ended.out] == []
    assert "pytest drills/test_STORY.py" in ended.out
    assert not ended.folder.exists()
    assert begin(project.folder, "-q", "--pace=60").rc == 4
