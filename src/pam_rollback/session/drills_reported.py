"""The page of all drills: what each found, and how soon users were well again in all drills of its strategy so far."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.report import drills_page
from pam_rollback.report.drills_page import DrillDone, StrategyPast
from pam_rollback.report.past_drills import past_recoveries, sought
from pam_rollback.report.run_folder import RunFolder
from pam_rollback.report.run_record import RunRecord
from pam_rollback.session.side_by_side import Drilled


def page_of(
    drills: Sequence[tuple[Drilled, RunRecord | None, Sequence[str]]], root: Path, verdict: str, summary: str
) -> Path:
    """Writes it below ``reports/out`` and gives where. Each drill comes with its record and why it is not GO. Raises OSError."""
    out = root / "reports" / "out"
    return drills_page.write(
        out,
        [_done(drill, record, reasons, out) for drill, record, reasons in drills],
        _past(load_plan(root / "plan.toml"), out),
        verdict=verdict,
        summary=summary,
        day=f"{datetime.now(UTC):%Y-%m-%d}",
    )


def _done(drill: Drilled, record: RunRecord | None, reasons: Sequence[str], out: Path) -> DrillDone:
    page = RunFolder(Path(drill.folder)).html / "index.html" if drill.folder else None
    beside = os.path.relpath(page, out) if page is not None and page.is_file() else ""
    return DrillDone(drill.story, drill.word, drill.took_s, record, beside, reasons)


def _past(plan: Plan, out: Path) -> list[StrategyPast]:
    wanted = sought(plan)
    found = past_recoveries(out, wanted)
    return [
        StrategyPast(
            name,
            found[name],
            plan.recovery_times[own.criterion].max_s if own.criterion in plan.recovery_times else None,
        )
        for name, own in wanted.items()
    ]
