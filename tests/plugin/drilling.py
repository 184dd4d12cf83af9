"""What tests of whole drills share: a project of few checks whose figures a busy machine keeps, and what a journal says."""

import json
import shutil
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pam_rollback.core.wait import Waiter
from tests.sessions import FLAGS, ON, Project, RunningSandbox, runbook_in

CONSENT = ("--mode", "real", "--execute", "--confirm", "staging", "--initiated-by", "Łukasz", "--reason", "errors")
"""To roll back what calls itself staging."""
NO_WINDOW = "--pace=600"
"""A window of 1.5 s is told to be too short at once: for sessions that show something else, whatever becomes of it."""


def runbook_with(folder: Path, *checks: str) -> Project:
    """A copy of the runbook in that folder with these files of ``checks/`` only."""
    project = runbook_in(folder)
    for found in list((folder / "checks").iterdir()):
        if found.name not in {"conftest.py", *checks}:
            (shutil.rmtree if found.is_dir() else Path.unlink)(found)
    return project


def calm(project: Project) -> None:
    """Less to wait for, and wider limits of speed: these sessions are not about how fast the sandbox is beside other tests."""
    for file, old, new in (
        ("plan.toml", "answers_min = 600", "answers_min = 120"),
        ("plan.toml", "p95_ms_max = 500", "p95_ms_max = 3000"),
        ("plan.toml", "response_time_ms_max = 500", "response_time_ms_max = 3000"),
        ("environments/sandbox.toml", "response_time_unnoticed_ms = 400", "response_time_unnoticed_ms = 3000"),
    ):
        text = (project.folder / file).read_text(encoding="utf-8")
        assert old in text or new in text, file
        project.write(file, text.replace(old, new))


def journal(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's journal; none before there is one."""
    try:
        lines = (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]


def owed(folder: Path) -> set[str]:
    """The kinds of changes that were not put back."""
    entries = journal(folder)
    done = {entry["number"] for entry in entries if entry["event"] == "undo-done"}
    return {entry["kind"] for entry in entries if entry["event"] == "undo-owed" and entry["number"] not in done}


def as_staging(running_sandbox: RunningSandbox, project: Project, *, without: Collection[str] = ()) -> None:
    """Let the sandbox call itself staging in ``staging.toml``, so that a real rollback can be carried out on it.

    ``without``: abilities that it declares there no more.
    """
    text = running_sandbox.file.read_text("utf-8").partition("[sandbox]")[0]
    if without:
        sandbox = tomllib.loads((project.folder / "environments" / "sandbox.toml").read_text("utf-8"))
        text = f"abilities = {json.dumps([one for one in sandbox['abilities'] if one not in without])}\n{text}"
    text = text.replace('kind = "sandbox"', 'kind = "staging"\npace = 600')
    project.write("staging.toml", text.replace('name = "sandbox"', 'name = "staging"'))
    project.environment.update({**running_sandbox.variables, "XDG_STATE_HOME": str(project.folder / "state")})


def told(running_sandbox: RunningSandbox) -> str:
    """What the incident channel got, as one text."""
    return "\n".join(message["body"]["text"] for message in running_sandbox.remote.received("slack"))


def switched_off(running_sandbox: RunningSandbox) -> bool:
    """No user has a feature."""
    flags = running_sandbox.flags.read_flags()
    return {flags[name].enabled for name in FLAGS} == {False}


def switched_on(running_sandbox: RunningSandbox) -> bool:
    """All features are on for everybody, as before."""
    flags = running_sandbox.flags.read_flags()
    return {flags[name] for name in FLAGS} == {ON}


def wait_for(path: Path, text: str, *, within_s: float = 90) -> None:
    """Wait until a file holds the text."""

    def said() -> str:
        return path.read_text(encoding="utf-8") if path.exists() else ""

    Waiter().until(said, holds=lambda found: text in found, within_s=within_s, what=f"{path.name} says {text!r}")
