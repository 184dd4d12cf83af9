"""``python -m pam_rollback.ops.postmortem [RUN]``: the draft of a run's post-mortem, with the facts filled in and no secret in it."""

import argparse
import os
import sys
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.outside_text import for_terminal
from pam_rollback.core.run_files import JOURNAL
from pam_rollback.http import files
from pam_rollback.ops.postmortem.service import SLOW_MS, Incident, read_run
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.report.redaction import Redactor
from pam_rollback.target.environment_file import load_environment

FAILED = 1


@files.told
def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """Write the draft and say where it is; 1, with the reason, when there is no such run."""
    root = root or Path.cwd()
    options = _parser().parse_args(arguments)
    out = root / "reports" / "out"
    try:
        run = read_run(_folder(options.run, out))
        _ = run.situation
    except MeasurementFailed as problem:
        sys.stderr.write(f"no incident: {for_terminal(str(problem))}\n")
        return FAILED
    slow_ms, secrets = _known(options.env or run.environment, root)
    redactor = Redactor(secrets)
    target = options.out or out / f"incident-{run.id}"
    page = target / "post-mortem.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(redactor.text(Incident(run, _plan(root), slow_ms).draft()), encoding="utf-8")
    sys.stdout.write(for_terminal(f"incident    {page}\n"))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.ops.postmortem", description="Draft the post-mortem of a run's incident."
    )
    parser.add_argument(
        "run", nargs="?", default="", help="a run's id or folder; without it the newest below reports/out"
    )
    parser.add_argument("--env", default="", help="whose secrets are taken out: else the run's environment's")
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


def _known(name: str, root: Path) -> tuple[float, list[str]]:
    """The environment's figure of a slow answer, and its secrets; those also of a file that cannot be used as a whole."""
    if not name:
        return SLOW_MS, []
    try:
        environment = load_environment(name, root / "environments", os.environ)
    except ConfigurationError:
        path = Path(name) if name.endswith(".toml") else root / "environments" / f"{name}.toml"
        with suppress(OSError, ValueError):
            named = tomllib.loads(path.read_text(encoding="utf-8")).get("secrets", {}).values()
            return SLOW_MS, [os.environ[str(one)] for one in named if os.environ.get(str(one))]
        return SLOW_MS, []
    return environment.probing.slow_ms, [] if environment.is_template else [*environment.secrets()]


def _plan(root: Path) -> Plan | None:
    """The plan of this project, if it can be used."""
    with suppress(ConfigurationError):
        return load_plan(root / "plan.toml")
    return None


if __name__ == "__main__":
    sys.exit(main())
