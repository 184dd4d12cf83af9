"""The run that ``--undo RUN`` or ``--resume RUN`` names: where its journal is, and whether it was about this environment."""

from pathlib import Path

import pytest

from pam_rollback.actions.journal import ACTION, SWITCHED_ON, Journal
from pam_rollback.plugin import second_places
from pam_rollback.plugin.runbook import Runbook, shown

JOURNAL = "journal.jsonl"


def journal_of(config: pytest.Config, option: str, run: str) -> Path:
    """The journal of the run of that id or folder. Raises pytest.UsageError when there is none."""
    folders = [Path(run), config.rootpath / "reports" / "out" / run]
    # What a run's own folder did not take is in a second place; that may be all of it.
    own = [folder / JOURNAL for folder in folders]
    path = next((path for path in own if any(place.is_file() for place in (path, *second_places.files(path)))), None)
    if path is None:
        raise pytest.UsageError(
            f"{option} {run}: expected a run's id or folder with a {JOURNAL}, found none at {' or '.join(map(shown, folders))}"
        )
    return path.absolute()


def elsewhere(runbook: Runbook, journal: Journal) -> list[str]:
    """Why the run was not about the environment of this session; empty when it was."""
    environment = runbook.environment
    if problem := journal.too_new:
        return [f"{shown(journal.path)}: {problem}"]
    began = next((entry for entry in journal.entries() if entry["event"] in {ACTION, "planting", SWITCHED_ON}), None)
    if began is None:
        return [f"{shown(journal.path)} does not say which environment it changed"]
    if runbook.own_sandbox:
        where = f"{began['environment']} at {began['api']}"
        return [f"the run changed {where}: name the file of that sandbox with --env, if it still runs"]
    if began["environment"] != environment.name or began["api"] != environment.urls.api:
        here = f"--env is {environment.name} at {environment.urls.api}"
        return [f"the run changed {began['environment']} at {began['api']}, {here}; name the same one"]
    return []
