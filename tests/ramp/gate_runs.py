"""A run of the re-deployment gate, as one leaves its record."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pam_rollback.report.redaction import Redactor
from pam_rollback.report.run_record import CommitSeen, EnvironmentFacts, Moment, Result, RunRecord, Verdict, write
from pam_rollback.report.verdict import Outcome
from pam_rollback.target.served_release import BACK_END, FRONT_END


def leave_gate_run(
    out: Path,
    *,
    verdict: Verdict = "GO",
    release: str = "1.42.0",
    environment: str = "sandbox",
    age_s: float = 60,
    phase: str = "redeploy_gate",
    scope: str = "redeploy_gate",
    host: str = "127.0.0.1:1",
    commits: Sequence[str] = (),
) -> Path:
    """Write it into a folder of its own in the folder of runs; gives that folder."""
    ended = datetime.now(UTC) - timedelta(seconds=age_s)
    folder = out / f"{ended:%Y%m%dT%H%M%S%f}-{environment}-gate"
    outcome = Outcome.PASSED if verdict == "GO" else Outcome.BROKEN_CRITERION
    record = RunRecord(
        run_id=folder.name,
        started=Moment(ended.isoformat(timespec="seconds"), 0),
        finished=Moment(ended.isoformat(timespec="seconds"), 1),
        environment=EnvironmentFacts(name=environment, host=host, kind="sandbox"),
        release=release,
        releases_seen=(release,),
        commits_seen=(CommitSeen(FRONT_END, "f" * 40), *(CommitSeen(BACK_END, one) for one in commits)),
        mode="drill",
        pace=60,
        situations=("as-is",),
        command_line=("pytest", "-m", phase),
        verdict=verdict,
        scope=scope,
        exit_code=0 if verdict == "GO" else 10,
        results=(Result("load/test_redeployment_gate.py::test_a", "It is so", outcome, phase=phase),),
    )
    write(record, folder / "run.json", Redactor([]))
    return folder
