"""``python -m pam_rollback.report [RUN_FOLDER]``: builds the HTML report of a run that is over.

``--packages`` installs what npm brings, before a run needs it: the rules of accessibility and the generator of the report. Without them a
run is none the worse: older rules are bundled, and the report can be built later. So this never fails; it says in one line what is missing.
"""

import argparse
import json
import sys
from pathlib import Path

from pam_rollback.core.figures import duration
from pam_rollback.http import files
from pam_rollback.http.files import REPORTS
from pam_rollback.report import wording
from pam_rollback.report.redaction import shown
from pam_rollback.report.run_folder import OUT, RunFolder, from_here, newest_run
from pam_rollback.report.run_record import UnreadableRecord, read, schema
from pam_rollback.report.run_report import Unavailable, are_installed, build_run, install_packages

FAILED = 1


@files.told
def main(arguments: list[str] | None = None, *, out: Path = OUT) -> int:
    """Builds the report and says where it is; 1, with the reason, when it cannot be built."""
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.report", description="Build the HTML report of a run."
    )
    parser.add_argument(
        "run_folder", nargs="?", type=Path, help="folder of the run; without it the newest one below reports/out"
    )
    parser.add_argument("--single", help=argparse.SUPPRESS)
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of run.json, and build nothing")
    parser.add_argument("--packages", action="store_true", help="install what npm brings (once), and build nothing")
    options = parser.parse_args(arguments)
    if options.packages:
        install()
        return 0
    if options.schema:
        sys.stdout.write(f"{json.dumps(schema(), indent=1, sort_keys=True)}\n")
        return 0
    if options.single:
        sys.stderr.write(
            "SINGLE is gone: send report/allure/index.html of the run, one file, or a zip of the run's folder\n"
        )
        return FAILED
    return _build(options, out)


def install(reports: Path = REPORTS) -> None:
    """Installs the packages of the lock file; quiet when they are there."""
    if are_installed(reports):
        return
    sys.stdout.write("installing the packages of reports/package-lock.json (once)…\n")
    sys.stdout.flush()
    try:
        install_packages(reports)
    except (Unavailable, OSError) as error:
        missing = error if isinstance(error, Unavailable) else Unavailable(str(error), f"make {reports} writable")
        told = f"not installed, so older rules of accessibility serve: {missing.reason}\n  {missing.how_to}\n"
        sys.stdout.write(told)


def _build(options: argparse.Namespace, out: Path) -> int:
    run = RunFolder(options.run_folder) if options.run_folder else newest_run(out)
    if run is None:
        return _failed(f"no run in {out}", "run a session first, for example: make drill")
    if not run.results.is_dir():
        return _failed(
            f"{run.path}: expected the folder of a run with allure-results in it, found none", "give another RUN_FOLDER"
        )
    try:
        record = read(run.record) if run.record.exists() else None
        answer = build_run(run, record)
    except UnreadableRecord as error:
        return _failed(str(error), "it was written by another version of the suite: build its report with that one")
    except Unavailable as problem:
        return _failed(problem.reason, problem.how_to)
    built = f"built in {duration(answer.seconds)}, {answer.size_bytes / 1e6:.1f} MB"
    sys.stdout.write(f"report      {from_here(answer.index)} ({built})\n")
    if answer.without is not None:
        sys.stderr.write(f"no evidence beside it: {answer.without.reason}\n  {answer.without.how_to}\n")
    sys.stdout.write(f"{wording.verdict_line(shown(record)) if record else wording.NO_RECORD}\n")
    return 0


def _failed(reason: str, how_to: str) -> int:
    sys.stderr.write(f"no report: {reason}\n  {how_to}\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
