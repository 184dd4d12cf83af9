"""``python -m pam_rollback.postmortem [RUN]``: one folder with all material of an incident, and the draft of its post-mortem.

What a real run found is asked of providers at its end, since logs and events do not stay; ``make incident`` asks for whatever is missing,
as far as the environment can still be reached.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.outside_text import for_terminal
from pam_rollback.base.run_files import JOURNAL
from pam_rollback.outside import plainly
from pam_rollback.postmortem.service.folder import known_environment, known_plan, write
from pam_rollback.postmortem.service.incident import Incident
from pam_rollback.postmortem.service.run import read_run

FAILED = 1


@plainly.told
def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """Write the folder and say where it is and what is missing; 1, with the reason, when there is no such run."""
    root = root or Path.cwd()
    options = _parser().parse_args(arguments)
    out = root / "reports" / "out"
    try:
        folder = _folder(options.run, out)
        run = read_run(folder)
    except MeasurementFailed as problem:
        sys.stderr.write(f"no incident: {for_terminal(str(problem))}\n")
        return FAILED
    known = replace(known_environment(options.env or run.environment, root), plan=known_plan(root))
    if known.environment is not None:
        run = read_run(folder, slow_ms=known.environment.probing.slow_ms)
    target = options.out or out / f"incident-{run.id}"
    for situation in run.situations:
        several = len(run.situations) > 1
        place = target / situation if several else target
        sys.stdout.write(for_terminal("\n".join(write(Incident(run, situation), known, place))) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.postmortem",
        description="Collect the material of a run's incident and draft its post-mortem.",
    )
    parser.add_argument(
        "run", nargs="?", default="", help="a run's id or folder; without it the newest below reports/out"
    )
    parser.add_argument("--env", default="", help="where to ask now: the run's environment, or the file of its sandbox")
    parser.add_argument("--out", type=Path, help="the folder; else reports/out/incident-RUN")
    return parser


def _folder(run: str, out: Path) -> Path:
    """Raises MeasurementFailed when there is no such folder."""
    if run:
        found = next((path for path in (Path(run), out / run) if path.is_dir()), None)
        if found is None:
            raise MeasurementFailed(f"{run}: expected a run's id or folder, found none there nor below {out}")
        return found.absolute()
    runs = [path.parent for path in out.glob(f"*/{JOURNAL}")]
    if not runs:
        raise MeasurementFailed(f"no run with a journal below {out}: name one with RUN=folder")
    return max(runs, key=lambda path: (path / JOURNAL).stat().st_mtime).absolute()


if __name__ == "__main__":
    sys.exit(main())
