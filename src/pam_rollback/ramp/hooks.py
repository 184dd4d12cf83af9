"""What a session has of the ramp beside its tests: what it did and when to come back, and what it would do."""

from collections.abc import Collection
from pathlib import Path

import pytest

from pam_rollback.environment.environment import Environment
from pam_rollback.plan.plan import Plan
from pam_rollback.ramp.gate_runs import runs_known
from pam_rollback.ramp.notes import noted
from pam_rollback.ramp.planned import planned_ramp
from pam_rollback.report.run_record import ActionStep

PHASE = "ramp"


def pytest_pam_command_line(config: pytest.Config) -> None:
    """Refuse a run of the gate that there is not."""
    try:
        runs_known(config.rootpath, config.option.pam_gate_run)
    except FileNotFoundError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_pam_notes(run_folder: Path) -> list[str]:
    """What it did, and what comes next."""
    return [*noted(run_folder)]


def pytest_pam_planned(plan: Plan, environment: Environment, phases: Collection[str]) -> list[ActionStep]:
    """Every stage."""
    return [*planned_ramp(plan, environment.ramp.approvals)] if PHASE in phases else []
