"""What a real run has of the post-mortem: how to begin it, and the hosts' deploys, which would not be there tomorrow."""

from contextlib import suppress
from pathlib import Path

import pytest

from pam_rollback.plugin.runbook import Runbook, shown
from pam_rollback.target.environment import Environment


def pytest_pam_notes(run_folder: Path, runbook: Runbook) -> list[str]:
    """How to begin, of a real run that acted."""
    acted = runbook.options.real and runbook.journal.action_began
    return [f"for the post-mortem: make incident RUN={shown(run_folder)}"] if acted else []


@pytest.hookimpl(tryfirst=True)
def pytest_pam_run_ended(run_folder: Path, environment: Environment, undone: str) -> None:
    """Keep them, when the rollback is over. Before other listeners: one that fails keeps those after it from their turn."""
    if undone:
        return
    # Loaded here: a rollback has to reach its provider soon, and the clients of all of them are not needed for that.
    from pam_rollback.ops.postmortem.service import DEPLOYS_FILE, keep_deploys  # noqa: PLC0415

    with suppress(OSError):  # the run's verdict does not depend on it
        keep_deploys(environment, run_folder / DEPLOYS_FILE)
