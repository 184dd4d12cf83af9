"""What a real run has of the post-mortem: how to begin it, and its material that would not be there tomorrow."""

from pathlib import Path

import pytest

from pam_rollback.environment.environment import Environment
from pam_rollback.session.runbook import shown


def pytest_pam_run_notes(run_folder: Path) -> str:
    """How to begin."""
    return f"for the post-mortem: make incident RUN={shown(run_folder)}"


@pytest.hookimpl(tryfirst=True)
def pytest_pam_run_ended(run_folder: Path, environment: Environment) -> None:
    """Ask for what providers keep for a while only. Before other listeners: one that fails keeps those after it from their turn."""
    # Loaded here: a rollback has to reach its provider soon, and the clients of all of them are not needed for that.
    from pam_rollback.postmortem.service.folder import collect_at_the_end  # noqa: PLC0415

    collect_at_the_end(run_folder, environment)
