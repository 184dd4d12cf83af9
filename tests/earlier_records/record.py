"""Record samples of this version's records: ``python -m tests.earlier_records.record``, before a release, on a machine at rest.

Each is what a real session left: a drill of each story that was killed when its action was done, so that everything is still owed; a
complete one; a baseline; a ramp. What belongs to this machine (folders, ports) is replaced.
"""

import re
import sys
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path

from pam_rollback.plan.flags import Flag
from pam_rollback.sandbox.launch import launch
from pam_rollback.sandbox.remote import Remote
from tests.ramp.gate_runs import leave_gate_run
from tests.sessions import FLAGS, ROOT, Project, RunningSandbox, runbook_in

STORIES = tuple(sorted(path.stem.removeprefix("test_") for path in (ROOT / "drills").glob("test_*.py")))
KILLER = '''
"""Kills this process when the action is done: everything is owed then."""

import os
import signal

from pam_rollback.journal.journal import Journal

written = Journal.append


def append(self, event, **facts):
    written(self, event, **facts)
    if event == "action-finished":
        os.kill(os.getpid(), signal.SIGKILL)


Journal.append = append
'''
PORT = re.compile(r"127\.0\.0\.1:\d+")
API = "127.0.0.1:1"
"""Where nothing ever listens."""


def _plain(text: str, project: Project, running_sandbox: RunningSandbox) -> str:
    """Without folders and ports of this machine, and without the sandbox's invented secrets."""
    for folder in (project.folder, project.folder.resolve(), ROOT, running_sandbox.file.parent):
        text = text.replace(str(folder), "/project")
    for name, value in running_sandbox.variables.items():
        if len(value) > 7:
            text = text.replace(value, f"<{name}>")
    return PORT.sub(API, text)


def main() -> int:
    """Record all of them; gives 1 when a session did not do what its record is to tell of."""
    kept = Path(__file__).parent / version("pam-rollback")
    kept.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, launch(Path(folder) / "sandbox.toml") as file:
        state = tomllib.loads(file.read_text(encoding="utf-8"))
        running_sandbox = RunningSandbox(
            file, state, Remote(state["sandbox"]["control_url"], state["sandbox"]["token"])
        )
        project = runbook_in(_made(Path(folder) / "project"))
        project.write("killer.py", KILLER)

        def keep(source: Path, name: str) -> None:
            text = _plain(source.read_text(encoding="utf-8"), project, running_sandbox)
            (kept / name).write_text(text, encoding="utf-8")

        for story in STORIES:
            running_sandbox.as_it_was()
            _session(project, "-p", "killer", f"drills/test_{story}.py", "-m", "rollback", "--env", str(file))
            keep(project.run_folder / "journal.jsonl", f"journal-{story.replace('_', '-')}.jsonl")
            running_sandbox.remote.reset()
        running_sandbox.as_it_was()
        _session(project, "drills/test_feature_flag.py", "-m", "rollback", "--env", str(file), "--pace=600")
        keep(project.run_folder / "run.json", "run.json")
        running_sandbox.as_it_was()
        _session(project, "-m", "baseline", "--env", str(file))
        keep(next(project.run_folder.rglob("baseline.json")), "baseline.json")
        _ramp(project, running_sandbox)
        keep(next(project.folder.rglob("ramp.jsonl")), "ramp.jsonl")
    sys.stdout.write(f"recorded into {kept}\n")
    return 0


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _session(project: Project, *args: str) -> None:
    ended = project.run(*args)
    sys.stdout.write(f"{' '.join(args)}: {ended.rc}\n")


def _ramp(project: Project, running_sandbox: RunningSandbox) -> None:
    plan = (project.folder / "plan.toml").read_text(encoding="utf-8")
    project.write(
        "plan.toml",
        plan.replace("p95_ms_max = 500", "p95_ms_max = 4000").replace("hold_s_min = 7200", "hold_s_min = 900"),
    )
    leave_gate_run(project.folder / "reports" / "out", commits=[running_sandbox.remote.identity()["commit"]])
    running_sandbox.flags.set_flags(dict.fromkeys(FLAGS, Flag(enabled=False, rollout_pct=0)))
    _session(project, "-m", "ramp", "--env", str(running_sandbox.file), "--pace=180")


if __name__ == "__main__":
    sys.exit(main())
