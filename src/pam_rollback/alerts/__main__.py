"""``python -m pam_rollback.alerts``: writes the alerting rules of an environment for its Prometheus (``make alerts``)."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pam_rollback.alerts.rules.alerting import Alerting, KnownBefore, alerting_for
from pam_rollback.alerts.rules.rule_file import rule_file
from pam_rollback.core.configuration import ConfigurationError
from pam_rollback.core.environment import Environment
from pam_rollback.core.environment_file import load_environment
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.plan import Plan, load_plan
from pam_rollback.observation.baseline import load_baseline

FAILED = 1
_MS = 1000


def main(arguments: Sequence[str] | None = None, *, root: Path | None = None) -> int:
    """Write the file and say what it watches; 1, with the reason, when it cannot be written."""
    root = root or Path.cwd()
    options = _parser().parse_args(arguments)
    try:
        alerting = _alerting(options, root)
    except (ConfigurationError, MeasurementFailed, _NotPossible) as problem:
        sys.stderr.write(f"no alerts: {problem}\n")
        return FAILED
    file: Path = options.out or root / "reports" / "out" / "alerts" / f"{alerting.environment}.rules.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(rule_file(alerting, made_by=_command(options)), encoding="utf-8")
    sys.stdout.write("\n".join(_told(alerting, file)) + "\n")
    return 0


class _NotPossible(Exception):  # noqa: N818 - named by what happened
    """There is nothing to make rules of."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pam_rollback.alerts",
        description="Write Prometheus alerting rules from plan.toml for the series that an environment names.",
    )
    parser.add_argument("--env", default=os.environ.get("PAM_ENV", "sandbox"), help="name or file of the environment")
    parser.add_argument("--baseline", type=Path, help="a recorded baseline: how fast answers were when all was well")
    parser.add_argument(
        "--pace", type=float, help="divides the plan's times, for a rehearsal (default: the environment's)"
    )
    parser.add_argument("--runbook", default="docs/runbook.md", help="address of the runbook that alerts link to")
    parser.add_argument("--out", type=Path, help="the file; else reports/out/alerts/ENV.rules.yml")
    return parser


def _command(options: argparse.Namespace) -> str:
    """The same command again: paths of this machine are left out."""
    words = ["make alerts", f"ENV={Path(options.env).stem}"]
    return " ".join([*words, *(["BASELINE=FILE"] if options.baseline else [])])


def _alerting(options: argparse.Namespace, root: Path) -> Alerting:
    """Raises what says why there can be none."""
    if options.pace is not None and not options.pace >= 1:
        raise _NotPossible(f"--pace {options.pace:g}: expected 1 or more")
    plan = load_plan(root / "plan.toml")
    environment = load_environment(options.env, root / "environments", os.environ)
    plan = plan.with_overrides(environment.thresholds, source=f"environment {environment.name}")
    if environment.prometheus is None:
        raise _NotPossible(
            f"{environment.name} names no series: expected a table [prometheus] in its file, found none; write one, see "
            "docs/how-to/attach-to-an-environment.md#prometheus"
        )
    before = _before(options.baseline, environment, plan) if options.baseline else None
    return alerting_for(
        plan,
        environment.prometheus,
        environment=environment.name,
        before=before,
        pace=options.pace or environment.pace,
        runbook=options.runbook,
    )


def _before(file: Path, environment: Environment, plan: Plan) -> KnownBefore:
    stored = load_baseline(file)
    stored.refuse_too_few(plan.baseline.answers_min)
    stored.refuse_stale(plan.baseline.age_max_d, datetime.now(UTC))
    if stored.origin.environment != environment.name:
        raise _NotPossible(
            f"{file}: expected a baseline of {environment.name}, found the {stored.origin}; take one there"
        )
    if stored.overall.p95_ms is None:
        raise _NotPossible(f"{stored.origin}: it holds no good answer, so no response time; take a new one")
    return KnownBefore(stored.overall.p95_ms / _MS, stored.origin.taken_at.date())


def _told(alerting: Alerting, file: Path) -> list[str]:
    n, pages = len(alerting.alerting), sum(rule.labels["severity"] == "page" for rule in alerting.alerting)
    return [
        f"alerts      {file}",
        f"            {n} alerts for {alerting.environment}: {pages} page somebody, {n - pages} open a ticket",
        *(f"  {rule.labels['plan_item']:<5} {rule.alert} ({rule.labels['severity']})" for rule in alerting.alerting),
        "Not told by any alert",
        *(f"  {gap.item:<5} {gap.reason}" for gap in alerting.not_watched),
    ]


if __name__ == "__main__":
    sys.exit(main())
