"""A session in a fork says and does what a session of its own process does."""

import json
import os

import pytest

from tests.forked import can_be_forked
from tests.sessions import ONLY_HEALTH, Finished, Project, RunningSandbox


@pytest.fixture
def checks_copied() -> tuple[str, ...]:
    """Enough to compare two sessions."""
    return ONLY_HEALTH


def test_a_fork_is_a_session_like_any_other(running_sandbox: RunningSandbox, project: Project) -> None:
    """The same code, tests and verdict, red too; only run folder and times differ."""
    running_sandbox.remote.plant("release-down")
    forked = project.run("-m", "health", f"--env={running_sandbox.file}")
    apart = project.run_apart("-m", "health", f"--env={running_sandbox.file}")

    assert (forked.rc, forked.outcomes()) == (apart.rc, apart.outcomes())
    assert forked.rc == 10, forked.out
    told = [
        [" ".join(line.split()) for line in ended.out.splitlines() if line.startswith(("FAILED", "REHEARSAL", "E  "))]
        for ended in (forked, apart)
    ]
    assert told[0][:-1] == told[1][:-1]
    assert _titles(forked) == _titles(apart) != set()


def _titles(ended: Finished) -> set[str]:
    """What Allure has of the fixtures."""
    containers = (ended.folder / "allure-results").glob("*-container.json")
    return {entry["name"] for path in containers for entry in json.loads(path.read_text()).get("befores", [])}


def test_a_collected_session_runs_again_and_again_on_fresh_facts(
    running_sandbox: RunningSandbox, project: Project
) -> None:
    """Green, red while a fault is there, green again; each time with a record of its own."""
    session = project.collected("-m", "health", f"--env={running_sandbox.file}")
    found = [session.run().rc]
    running_sandbox.remote.plant("release-down")
    found.append(session.run().rc)
    red = Finished(found[-1], "", session.folder).record["verdict"]
    running_sandbox.remote.clear_all()
    running_sandbox.as_it_was()
    found.append(session.run().rc)
    session.close()

    assert found == [0, 10, 0]
    assert red == "NO-GO"


@pytest.mark.parametrize(
    ("args", "more", "possible"),
    [
        ((), {}, True),
        ((), {"PAM_ENV": "x"}, True),
        (("-n", "2"), {}, False),
        (("-n2",), {}, False),
        ((), {"PYTHONOPTIMIZE": "1"}, False),
        ((), {"LC_ALL": "C"}, False),
    ],
)
def test_what_the_start_of_an_interpreter_decides_is_not_forked(
    args: tuple[str, ...], more: dict[str, str], *, possible: bool
) -> None:
    """Workers of pytest-xdist, and variables that are read once."""
    assert can_be_forked(args, {**os.environ, **more}) is possible
