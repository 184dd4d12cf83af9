"""What a baseline has of users' answers, and when they are watched."""

from contextlib import suppress

import pytest

from pam_rollback.plugin.baseline_files import BaselinePart
from pam_rollback.plugin.progress import progress_of
from pam_rollback.plugin.runbook import KEY as RUNBOOK
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import AS_IS

_WINDOW = "held_window"
"""The fixture that judges it."""


def _runbook(request: pytest.FixtureRequest) -> Runbook:
    return request.config.stash[RUNBOOK]


@pytest.hookimpl(tryfirst=True)
def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """The users' answers, before whatever else is recorded."""
    what, begins = "a service that answers, long enough", ("answers_from_s",)
    return [BaselinePart("answers", "baseline_answers", what, quick=True, begins=begins)]


def pytest_pam_situation_begins(situation: str, request: pytest.FixtureRequest) -> None:
    """Where a window is judged and nobody acts, it is open from now on: the checks before it run inside its time.

    With pytest-xdist each worker knows all tests and runs some of them: the window is opened by the one that judges it.
    """
    if situation != AS_IS or hasattr(request.config, "workerinput"):
        return
    if not any(_WINDOW in getattr(item, "fixturenames", ()) for item in request.session.items):
        return
    with suppress(Exception):  # whoever asks for the prober gets it again: no other check has to fail for it
        request.getfixturevalue("prober")  # it starts a process, for the window alone
        progress_of(request.config, _runbook(request)).phase("window", "open: users are watched while the checks run")
