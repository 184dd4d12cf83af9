"""The newest run of the re-deployment gate that is known here, whatever its verdict."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from pam_rollback.product.served_release import BACK_END
from pam_rollback.ramp.state import GateRun
from pam_rollback.report.run_record import UnreadableRecord, read

PHASE = "redeploy_gate"
RECORD = "run.json"


def runs_known(root: Path, given: str = "") -> list[Path]:
    """The folders of the runs in ``reports/out``, and the one that ``--gate-run`` names. Raises FileNotFoundError when that is none."""
    out = root / "reports" / "out"
    here = sorted(out.iterdir()) if out.is_dir() else []
    if not given:
        return here
    named = next((folder for folder in (Path(given), out / given) if (folder / RECORD).is_file()), None)
    if named is None:
        raise FileNotFoundError(f"--gate-run {given}: expected a run's id or folder with a {RECORD}, found none")
    return [*here, named]


def newest_gate(folders: Iterable[Path], environment: str) -> GateRun | None:
    """Of the runs in these folders, the last one that was a gate of this environment; None when there is none.

    A record that cannot be read and may be one of a gate counts as not GO: it may say so.
    """
    return max(
        (run for folder in folders for run in _gate(folder, environment)), key=lambda run: run.ended_s, default=None
    )


def _gate(folder: Path, environment: str) -> Iterator[GateRun]:
    file = folder / RECORD
    if not file.is_file() or PHASE not in file.read_text(encoding="utf-8", errors="replace"):
        return
    try:
        record = read(file)
    except UnreadableRecord:
        yield GateRun(folder.name, "", "a record that cannot be read", file.stat().st_mtime)
        return
    # The load test alone is green or red, too. Red it counts; a GO of a part is none of the gate.
    is_gate = any(result.phase == PHASE for result in record.results) and (
        record.verdict != "GO" or record.scope == PHASE
    )
    if is_gate and record.environment.name == environment and record.verdict != "PLANNED":
        ended_s = datetime.fromisoformat(record.finished.iso).timestamp()
        commits = tuple(one.commit for one in record.commits_seen if one.part == BACK_END)
        yield GateRun(record.run_id, record.release or "", record.verdict, ended_s, record.environment.host, commits)
