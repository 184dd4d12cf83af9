"""The options of the suite, in one group of ``--help``."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

GROUP = "Rollback verification and drills"

EPILOGUE = (
    "exit codes of checks, drills and gates: 0 GO, 10 NO-GO, 11 INCONCLUSIVE, 12 an action failed, 13 refused by a guard, "
    "14 an undo failed and a person is needed; 2 to 5 are pytest's own"
)


@dataclass(frozen=True)
class Options:
    """The suite's options as given. Empty means: not given."""

    env: str
    mode: str
    execute: bool
    confirm: str
    reason: str
    initiated_by: str
    dry_run: bool
    pace: float | None
    situation: tuple[str, ...]
    to: str
    run_dir: Path | None
    baseline: Path | None
    undo: str
    resume: str
    ack: tuple[str, ...]
    observed: tuple[str, ...]
    incident: str = ""

    @property
    def real(self) -> bool:
        """This session is to change the environment for good."""
        return self.mode == "real"


def read(config: pytest.Config) -> Options:
    """The options of this session. Raises pytest.UsageError for values that make no sense."""
    option = config.option
    if option.pam_resume and option.pam_undo:
        raise pytest.UsageError("--resume finishes a run and --undo puts it back: give one of them")
    if option.pam_approve:
        raise pytest.UsageError(
            f"--approve {option.pam_approve}: there is no staged re-deployment yet, so no stage to approve"
        )
    return Options(
        env=option.pam_env or os.environ.get("PAM_ENV") or "sandbox",
        mode=option.pam_mode,
        execute=option.pam_execute,
        confirm=option.pam_confirm,
        reason=option.pam_reason.strip(),
        initiated_by=option.pam_initiated_by.strip(),
        dry_run=option.pam_dry_run,
        pace=_pace(option.pam_pace),
        situation=tuple(part.strip() for part in option.pam_situation.split(",") if part.strip()),
        to=option.pam_to,
        run_dir=Path(option.pam_run_dir) if option.pam_run_dir else None,
        baseline=Path(option.pam_baseline) if option.pam_baseline else None,
        undo=option.pam_undo,
        resume=option.pam_resume,
        ack=tuple(_assignment("--ack", 'ITEM="who: evidence"', text) for text in option.pam_ack),
        observed=tuple(_assignment("--observed", "CRITERION=WHAT", text) for text in option.pam_observed),
        incident=option.pam_incident,
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the group."""
    group = parser.getgroup("pam-rollback", f"{GROUP} ({EPILOGUE})")
    add = group.addoption
    add(
        "--env",
        dest="pam_env",
        default="",
        metavar="NAME-or-FILE",
        help="the environment: a name in environments/ or a file such as `make sandbox` writes (default: $PAM_ENV, else sandbox)",
    )
    add(
        "--mode",
        dest="pam_mode",
        default="drill",
        choices=("drill", "real"),
        help="drill plants an incident and undoes everything; real acts on the one that is there (default: drill)",
    )
    add(
        "--execute",
        dest="pam_execute",
        action="store_true",
        help="needed with --mode real: yes, change the environment",
    )
    add(
        "--confirm",
        dest="pam_confirm",
        default="",
        metavar="NAME",
        help="needed with --mode real: the environment's name, typed again",
    )
    add(
        "--reason",
        dest="pam_reason",
        default="",
        metavar="TEXT",
        help="needed with --mode real: why, for the journal and the team",
    )
    add(
        "--initiated-by",
        dest="pam_initiated_by",
        default="",
        metavar="WHO",
        help="needed with --mode real: who decided",
    )
    add(
        "--dry-run",
        dest="pam_dry_run",
        action="store_true",
        help="print what would be done and checked, send nothing; ends with 11, never GO",
    )
    add(
        "--pace",
        dest="pam_pace",
        default="",
        metavar="N",
        help="divide the plan's observation windows by N (default: 60 on the sandbox, 1 elsewhere; more than 1 is refused on production); "
        "response and recovery times are never scaled",
    )
    add(
        "--situation",
        dest="pam_situation",
        default="",
        metavar="NAMES",
        help="the state in which checks run: as-is, after-each, or names such as after-feature-flag, separated by commas "
        "(default: after-STORY for each story that is named, baseline with -m baseline, else as-is)",
    )
    add(
        "--to",
        dest="pam_to",
        default="",
        metavar="RELEASE",
        help="what a rollback of code goes back to: a deploy's id, or a commit or its beginning (default: found by rule, and shown first); "
        "with checks alone: the release that must be running; with -m redeploy_gate: the candidate",
    )
    add(
        "--run-dir",
        dest="pam_run_dir",
        default="",
        metavar="DIR",
        help="the run's folder (default: reports/out/<run id>)",
    )
    add(
        "--baseline",
        dest="pam_baseline",
        default="",
        metavar="FILE",
        help="compare with this baseline.json, which -m baseline or a drill recorded here",
    )
    add(
        "--undo",
        dest="pam_undo",
        default="",
        metavar="RUN",
        help="put back what that run (id or folder) left changed, then end",
    )
    add(
        "--resume",
        dest="pam_resume",
        default="",
        metavar="RUN",
        help="finish what that run (id or folder) left half done: name the same file of drills/; its target, decision and folder are kept",
    )
    add(
        "--incident",
        dest="pam_incident",
        default="",
        metavar="RUN",
        help="with -m redeploy_gate: the run (id or folder) that recorded the incident that must not come back "
        "(default: the environment's newest with a red criterion)",
    )
    add(
        "--approve",
        dest="pam_approve",
        default="",
        metavar="STAGE",
        help="approve a stage of the ramp (not yet: refused)",
    )
    add(
        "--ack",
        dest="pam_ack",
        action="append",
        default=[],
        metavar='ITEM="who: evidence"',
        help="a person vouches for a manual criterion",
    )
    add(
        "--observed",
        dest="pam_observed",
        action="append",
        default=[],
        metavar="CRITERION=WHAT",
        help="a person saw this decision criterion broken; recorded with the incident",
    )


def _pace(text: str) -> float | None:
    if not text:
        return None
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not 1 <= pace <= 3600:  # noqa: PLR2004 - an hour in a second is the most that still measures anything
        raise pytest.UsageError(
            f"--pace {text}: expected a number from 1 to 3600 (60 makes a minute of a window a second)"
        )
    return pace


def _assignment(option: str, form: str, text: str) -> str:
    item, equals, value = text.partition("=")
    if not (item and equals and value.strip()):
        raise pytest.UsageError(f"{option} {text}: expected {form}")
    return text
