"""What a session has of the ramp beside its tests: the gate that it goes by, what it would do, what it did and when to come back."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from pam_rollback.plan.plan import Plan
from pam_rollback.redeploy.ramp.state import GateRun
from pam_rollback.report.run_record import ActionStep, UnreadableRecord, read
from pam_rollback.target.environment import Environment
from pam_rollback.target.served_release import BACK_END

_FILE = "ramp.txt"


def note(folder: Path, lines: Iterable[str]) -> None:
    """Keep the lines."""
    (folder / _FILE).write_text("".join(f"ramp: {line}\n" for line in lines), encoding="utf-8")


GATE = "redeploy_gate"
RECORD = "run.json"


def newest_gate(out: Path, environment: str) -> GateRun | None:
    """Of the runs in this folder, the last one that was a gate of this environment; None when there is none.

    A record that cannot be read and may be one of a gate counts as not GO: it may say so.
    """
    files = sorted(out.glob(f"*/{RECORD}"))
    return max((run for file in files for run in _gate(file, environment)), key=lambda run: run.ended_s, default=None)


def _gate(file: Path, environment: str) -> Iterator[GateRun]:
    if GATE not in file.read_text(encoding="utf-8", errors="replace"):
        return
    try:
        record = read(file)
    except UnreadableRecord:
        yield GateRun(file.parent.name, "", "a record that cannot be read", file.stat().st_mtime)
        return
    # The load test alone is green or red, too. Red it counts; a GO of a part is none of the gate.
    is_gate = any(result.phase == GATE for result in record.results) and (
        record.verdict != "GO" or record.scope == GATE
    )
    if is_gate and record.environment.name == environment and record.verdict != "PLANNED":
        ended_s = datetime.fromisoformat(record.finished.iso).timestamp()
        commits = tuple(one.commit for one in record.commits_seen if one.part == BACK_END)
        yield GateRun(record.run_id, record.release or "", record.verdict, ended_s, record.environment.host, commits)


PHASE = "ramp"


def pytest_pam_notes(run_folder: Path) -> list[str]:
    """Return what it did, and what comes next; nothing in a session without a ramp."""
    file = run_folder / _FILE
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []


def pytest_pam_planned(plan: Plan, environment: Environment, phases: Collection[str]) -> list[ActionStep]:
    """Name every stage of a ramp; one invocation enters one of them at most."""
    if PHASE not in phases:
        return []
    answer = plan.strategies[plan.ramp_terms.rollback].name
    return [
        ActionStep(
            action="ramp",
            step=f"{stage.id}: raise to {stage.rollout_pct:g} %",
            outcome="planned",
            started_s=0.0,
            duration_s=0.0,
            detail=("after a person's yes (--approve), " if stage.id in environment.ramp.approvals else "")
            + f"watched for {stage.hold_s_min or plan.ramp_terms.watch_last_s:g} s; a breach is answered by {answer}",
        )
        for stage in plan.ramp.values()
    ]
