"""``python -m pam_rollback.ops.alerts``: writes the alerting rules of an environment for its Prometheus (``make alerts``)."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.http import files
from pam_rollback.ops.alerts.rule_file import known_before, rule_file
from pam_rollback.plan.plan import load_plan
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import SANDBOX, load_environment, which

FAILED = 1


@files.told
def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """Write the file and say what it watches; 1, with the reason, when it cannot be written."""
    options = _parser().parse_args(arguments)
    root = root or files.project_folder()
    if options.pace is not None and not options.pace >= 1:
        return _failed(f"--pace {options.pace:g}: expected 1 or more")
    if not options.env and (question := which(root / "environments")):
        return _failed(question)
    options.env = options.env or SANDBOX
    try:
        environment = load_environment(options.env, root / "environments", os.environ)
        rules = _rules(options, environment, root)
    except (ConfigurationError, MeasurementFailed) as problem:
        return _failed(str(problem))
    file: Path = options.out or root / "reports" / "out" / "alerts" / f"{environment.name}.rules.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(rules, encoding="utf-8")
    pages, tickets = (rules.count(f'severity: "{how}"') for how in ("page", "ticket"))
    gaps = [f"  {line.removeprefix('#   ')}" for line in rules.splitlines() if line.startswith("#   ")]
    told = (
        f"alerts      {file}",
        f"            {pages + tickets} alerts for {environment.name}: {pages} page somebody, {tickets} open a ticket",
        "Not told by any alert",
    )
    sys.stdout.write("\n".join((*told, *gaps)) + "\n")
    return 0


def _failed(why: str) -> int:
    sys.stderr.write(f"no alerts: {why}\n")
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.ops.alerts",
        description="Write Prometheus alerting rules from plan.toml for the series that an environment names.",
    )
    parser.add_argument("--env", default=os.environ.get("PAM_ENV", ""), help="name or file of the environment")
    parser.add_argument("--baseline", type=Path, help="a recorded baseline: how fast answers were when all was well")
    parser.add_argument(
        "--pace", type=float, help="divides the plan's times, for a rehearsal (default: the environment's)"
    )
    parser.add_argument("--runbook", default="docs/runbook.md", help="address of the runbook that alerts link to")
    parser.add_argument("--out", type=Path, help="the file; else reports/out/alerts/ENV.rules.yml")
    return parser


def _command(options: argparse.Namespace) -> str:
    """The same command again: paths of this machine are left out."""
    name, baseline = Path(options.env).stem, bool(options.baseline)
    return f"make alerts ENV={name}{' BASELINE=FILE' if baseline else ''}"


def _rules(options: argparse.Namespace, environment: Environment, root: Path) -> str:
    """Raises what says why there can be none."""
    plan = load_plan(root / "plan.toml")
    plan = plan.with_overrides(environment.thresholds, source=f"environment {environment.name}")
    before = known_before(options.baseline, environment, plan) if options.baseline else None
    pace = environment.pace if options.pace is None else options.pace
    return rule_file(plan, environment, made_by=_command(options), before=before, pace=pace, runbook=options.runbook)


if __name__ == "__main__":
    sys.exit(main())
