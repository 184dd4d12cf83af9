"""What the record of a run keeps of its users, and what is said of them while it goes on."""

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pam_rollback.plugin.baseline_files import BaselinePart
from pam_rollback.plugin.progress import progress_of
from pam_rollback.plugin.runbook import KEY as RUNBOOK
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import AS_IS

_WINDOW = "held_window"
"""The fixture that judges it."""

if TYPE_CHECKING:
    from pam_rollback.report.record_parts import Watched


def _runbook(request: pytest.FixtureRequest) -> Runbook:
    return request.config.stash[RUNBOOK]


def watched(runbook: Runbook) -> "list[Watched]":
    """From the prober's record, the journal and the moments of the incident."""
    if not runbook.journal.action_began:
        return []
    from pam_rollback.plugin import watched as seen  # noqa: PLC0415 - for sessions in which somebody acted

    return list(seen.watched(runbook.folder, runbook.journal.entries(), began_s=runbook.started_s, plan=runbook.plan))


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
