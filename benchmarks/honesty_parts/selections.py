"""Sessions that run less than was asked for, or judge less than they run."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from honesty_parts.lane import ROOT, Lane, clean_environment
from honesty_parts.sabotage import Sabotage

_GROUP = "selections"
_PLUGINS = Path(__file__).resolve().parent / "plugins"
_BEFORE_ITS_END_S = 8
_WITHIN_S = 60


def _with_plugin(name: str) -> dict[str, str]:
    return {"PYTHONPATH": str(_PLUGINS), "PYTEST_ADDOPTS": f"-p {name}"}


def _row(name: str, truth: str, *ask: str, **variables: str) -> Sabotage:
    return Sabotage(name, _GROUP, truth, ask, environment="hostile", variables=variables)


def _interrupted(sabotage: Sabotage, lane: Lane) -> int:
    """In the middle of a window: the exit code of a session that could not end."""
    command, _ = lane.pytest_command(sabotage.ask)
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as session:
        time.sleep(_BEFORE_ITS_END_S)
        os.kill(session.pid, signal.SIGINT)
        session.communicate(timeout=_WITHIN_S)
        return session.returncode


def rows() -> Iterator[Sabotage]:
    """On a product that is well: what was not run is not known."""
    yield Sabotage(
        "nothing is selected",
        _GROUP,
        "nothing ran",
        ("-m", "health", "-k", "no_such_test"),
        environment="hostile",
        chaos=lambda _: {"title": "nothing", "description": "nothing", "method": [], "rollbacks": []},
    )
    yield _row("a misspelt phase", "nothing ran", "-m", "helth")
    yield _row("one test by its name", "unknown", "-m", "health", "-k", "front_end")
    yield _row(
        "one test left out", "unknown", "-m", "health", "--deselect", "checks/test_health.py::test_pam_is_healthy"
    )
    yield _row("left out by a variable", "unknown", "-m", "health", PYTEST_ADDOPTS="-k front_end")
    yield _row("only some functions are tests", "unknown", "-m", "health", "-o", "python_functions=test_front*")
    yield _row("no file is a test file", "nothing ran", "-m", "health", "-o", "python_files=none_*.py")
    yield _row("a plug-in drops tests", "unknown", "-m", "health", **_with_plugin("dropping"))
    yield _row("a plug-in replaces tests", "unknown", "-m", "health", **_with_plugin("replacing"))
    yield _row("only collected", "unknown", "-m", "health", PYTEST_ADDOPTS="--co")
    yield _row("only shown", "unknown", "-m", "health", PYTEST_ADDOPTS="--fixtures")
    yield _row("only planned", "unknown", "-m", "health", PYTEST_ADDOPTS="--setup-plan")
    yield _row("assertions are switched off", "refused", "-m", "health", PYTHONOPTIMIZE="1")
    yield _row("assertions are not rewritten", "refused", "-m", "health", "--assert=plain")
    yield _row("without the options of the project", "not green", "-m", "health", "-o", "addopts=")
    yield _row("without the plug-in", "not green", "-m", "health", "-p", "no:pam_rollback.plugin.start_up")
    yield Sabotage("interrupted in a window", _GROUP, "not green", ("-m", "window"), drive=_interrupted)


def load_rows() -> Iterator[Sabotage]:
    """Tests under load, by far the slowest."""
    for name, truth, fault, parameters in (
        ("nothing is wrong", "well", "", {}),
        ("12 % fail", "broken", "code-errors", {"share": 0.12}),
        (
            "answered by somebody else",
            "broken",
            "answers-garbage",
            {"path": "/api/v1/pam/history", "server": "api"},
        ),
    ):
        yield Sabotage(f"load: {name}", "load", truth, ("-m", "load"), fault, parameters)
