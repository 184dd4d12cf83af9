"""The options of the suite, in one group of ``--help``.

In one module: each option as it is declared and as it is read, with what is refused of it.
"""

import argparse
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import pytest

from pam_rollback.core.outside_text import cleaned, shows_something
from pam_rollback.plugin import markers
from pam_rollback.target.served_release import ExpectedReleases

_BY_A_PERSON: Final = "a watch only tells; a person starts the rollback by the command that it tells"
GONE: Final[Mapping[str, str]] = {
    "--state-keep": "make forget AGE=90d removes what is old, from the state, too",
    "--signers": _BY_A_PERSON,
    "--consent-again": _BY_A_PERSON,
    "--decide-every": "start pytest -m decision when you want it judged; docs/how-to/run-in-ci.md#watch has it on a schedule",
    "--adopt": 'switch the features off (drills/test_feature_flag.py), and begin anew with -m ramp --approve RA-1="who: why"',
    "--gate-run": "put the folder of the gate's run below reports/out, or let --state bring it; -m ramp goes by the newest",
    "--load-workers": "load from many machines is Locust's own: docs/how-to/redeploy.md#from-many-machines",
}


class _Gone(argparse.Action):
    def __call__(self, _parser: object, _namespace: object, _values: Any, option_string: str | None = None) -> None:
        """By its name."""
        name = option_string or ""
        raise pytest.UsageError(f"{name} is gone: {GONE[name]}")


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
    item: tuple[str, ...]
    """Plan items: only what judges one of them is selected."""
    to: ExpectedReleases
    run_dir: Path | None
    baseline: Path | None
    undo: str
    resume: str
    take_over: str
    ack: tuple[str, ...]
    observed: tuple[str, ...]
    load_run: Path | None
    """Where Locust's master wrote a load that was put from many machines."""
    incident: str
    approve: tuple[str, ...]
    state_dir: Path | None
    blank: tuple[str, ...] = ()
    """Options whose text shows nothing, such as a lone zero-width space: neither a reason nor a name."""

    @property
    def acked(self) -> frozenset[str]:
        """The plan items that a person vouches for."""
        return frozenset(text.partition("=")[0] for text in self.ack)

    @property
    def real(self) -> bool:
        """This session is to change the environment for good."""
        return self.mode == "real"


def read(config: pytest.Config) -> Options:
    """The options of this session. Raises pytest.UsageError for values that make no sense."""
    option = config.option
    _refuse_empty(config.invocation_params.args)
    if option.pam_resume and option.pam_undo:
        raise pytest.UsageError("--resume finishes a run and --undo puts it back: give one of them")
    said = {"--reason": option.pam_reason, "--initiated-by": option.pam_initiated_by}
    shown = {name: text if shows_something(text) else "" for name, raw in said.items() for text in [cleaned(raw)]}
    return Options(
        env=option.pam_env or os.environ.get("PAM_ENV", ""),
        mode=option.pam_mode,
        execute=option.pam_execute,
        confirm=option.pam_confirm,
        reason=shown["--reason"],
        initiated_by=shown["--initiated-by"],
        dry_run=option.pam_dry_run,
        pace=_pace(option.pam_pace),
        situation=tuple(part.strip() for part in option.pam_situation.split(",") if part.strip()),
        item=tuple(dict.fromkeys(part.strip() for text in option.pam_item for part in text.split(",") if part.strip())),
        to=_releases(option.pam_to),
        run_dir=Path(option.pam_run_dir) if option.pam_run_dir else None,
        baseline=Path(option.pam_baseline) if option.pam_baseline else None,
        undo=option.pam_undo,
        resume=option.pam_resume,
        take_over=_signed("--take-over", 'RUN="who: evidence"', option.pam_take_over, after="=")
        if option.pam_take_over
        else "",
        ack=tuple(_signed("--ack", 'ITEM="who: evidence"', text, after="=") for text in option.pam_ack),
        observed=tuple(_assignment("--observed", "CRITERION=WHAT", text) for text in option.pam_observed),
        load_run=_folder(option.pam_load_run),
        incident=option.pam_incident,
        approve=tuple(_signed("--approve", 'STAGE="who: why"', text, after="=") for text in option.pam_approve),
        state_dir=_folder(option.pam_state_dir or os.environ.get("PAM_STATE_DIR", "")),
        blank=tuple(name for name, raw in said.items() if raw and not shown[name]),
    )


class Detail(Enum):
    """How much is shown while a session runs, and in the end."""

    ALL = "all"
    SCREEN = "screen"
    ONLY_BAD = "only what is not good"


_DETAIL = pytest.StashKey[Detail]()


def detail(config: pytest.Config) -> Detail:
    """What the command line asks for, before anybody keeps pytest quiet."""
    verbose = config.option.verbose
    asked = Detail.ALL if verbose > 0 else Detail.SCREEN if verbose == 0 else Detail.ONLY_BAD
    return config.stash.setdefault(_DETAIL, asked)


@dataclass(frozen=True)
class _Option:
    """One option. Without a ``metavar`` it takes no value."""

    name: str
    metavar: str
    help: str
    many: bool = False
    """It may be given more than once."""
    choices: tuple[str, ...] = ()
    default: str = ""

    def add(self, group: pytest.OptionGroup) -> None:
        """Declare it."""
        how: dict[str, Any] = {"dest": f"pam_{self.name.removeprefix('--').replace('-', '_')}", "help": self.help}
        if not self.metavar and not self.choices:
            how |= {"action": "store_true"}
        elif self.choices:
            how |= {"choices": self.choices, "default": self.default}
        else:
            how |= {
                "metavar": self.metavar,
                "default": [] if self.many else "",
                "action": "append" if self.many else "store",
            }
        group.addoption(self.name, **how)


_OPTIONS: Final = (
    _Option(
        "--env",
        "NAME-or-FILE",
        "the environment: a name in environments/ or the file of a running sandbox (default: $PAM_ENV; the sandbox where there "
        "is no other, and for drills; else it is asked for)",
    ),
    _Option(
        "--mode",
        "",
        "drill plants an incident, on the sandbox only, and undoes everything; real acts on the one that is there (default: "
        "drill)",
        choices=("drill", "real"),
        default="drill",
    ),
    _Option("--execute", "", "needed for a change outside the sandbox: yes, do it"),
    _Option("--confirm", "NAME", "needed for a change outside the sandbox: the environment's name, typed again"),
    _Option("--reason", "TEXT", "needed for a change outside the sandbox: why, for the journal and the team"),
    _Option("--initiated-by", "WHO", "needed for a change outside the sandbox: who decided"),
    _Option("--dry-run", "", "print what would be done and checked, send nothing; ends with 11, never GO"),
    _Option(
        "--pace",
        "N",
        "divide the plan's observation windows by N (default: 60 on the sandbox, 1 elsewhere; more than 1 is refused on "
        "production); response and recovery times are never scaled",
    ),
    _Option(
        "--situation",
        "NAMES",
        "the state in which checks run: as-is, after-each, or names such as after-feature-flag, separated by commas (default: "
        "after-STORY for each story that is named, baseline with -m baseline, else as-is)",
    ),
    _Option(
        "--item",
        "ID",
        "only what judges this plan item, such as SC-1; once for each, or separated by commas. The verdict is complete for it",
        many=True,
    ),
    _Option(
        "--to",
        "[SITE=]RELEASE",
        "what a rollback of code goes back to: a deploy's id, a commit or its beginning, or a version (default: found by rule, "
        "and shown first); with checks alone: the release that must be running, with -m redeploy_gate: the candidate; where the "
        "sites differ, once for each: --to frontend=1.41.3 --to backend=1.42.0",
        many=True,
    ),
    _Option("--run-dir", "DIR", "the run's folder (default: reports/out/<run id>)"),
    _Option(
        "--baseline",
        "FILE",
        "compare with this baseline.json, which -m baseline or a drill recorded here; or the run that has it, or `newest`",
    ),
    _Option("--undo", "RUN", "put back what that run (id or folder) left changed, then end"),
    _Option(
        "--resume",
        "RUN",
        "finish what that run (id or folder) left half done: name the same file of drills/; its target, decision and folder are "
        "kept",
    ),
    _Option(
        "--take-over",
        'RUN="who: evidence"',
        "a person vouches that the session of that run, which holds the lock, is dead or hung: take the lock over",
    ),
    _Option(
        "--incident",
        "RUN",
        "with -m redeploy_gate: the run (id or folder) that recorded the incident that must not come back (default: the "
        "environment's newest with a red criterion)",
    ),
    _Option(
        "--approve",
        'STAGE="who: why"',
        "with -m ramp: let the next stage in, where a person's yes is asked for, or begin anew; it holds for this session",
        many=True,
    ),
    _Option(
        "--state-dir",
        "DIR",
        "where the journals of ramp and watch of each environment outlive sessions (default: $PAM_STATE_DIR, else "
        "reports/state)",
    ),
    _Option(
        "--turn",
        "TIME",
        "with -m watch: end after so long, such as 5h30m, and hand over to the next turn (default: 2m on a sandbox of its own, "
        "else until it is stopped)",
    ),
    _Option(
        "--look-every", "TIME", "with -m watch: the time between two looks (default: 15s on the sandbox, 1m elsewhere)"
    ),
    _Option(
        "--state",
        "PLACE",
        "where runs, journals, baselines and ramps of all machines are kept: git:origin, git:ADDRESS (refs outside of branches, "
        "with the token of $PAM_STATE_TOKEN) or a folder (default: $PAM_STATE, else this machine only)",
    ),
    _Option("--ack", 'ITEM="who: evidence"', "a person vouches for a manual criterion", many=True),
    _Option(
        "--observed",
        "CRITERION=WHAT",
        "a person saw this decision criterion broken; recorded with the incident",
        many=True,
    ),
    _Option(
        "--load-run",
        "DIR",
        "with -m load: judge the load that Locust put from many machines and recorded there (its --result)",
    ),
)
_VALUED: Final = frozenset(one.name for one in _OPTIONS if one.metavar or one.choices)
"""The options of the suite that take a value."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the group."""
    group = parser.getgroup("pam-rollback", f"{GROUP} ({EPILOGUE})")
    for name in GONE:
        group.addoption(name, dest="pam_gone", nargs="?", action=_Gone, help=argparse.SUPPRESS)
    for option in _OPTIONS:
        option.add(group)


def _refuse_empty(arguments: Iterable[str | os.PathLike[str]]) -> None:
    """Raise pytest.UsageError for an option without a value: a variable of the shell that is not set asks for something else than meant.

    ``--undo "$RUN"`` with an empty variable would be no undo, and GO.
    """
    given = [str(one) for one in arguments]
    for place, argument in enumerate(given):
        name, equals, value = argument.partition("=")
        if name not in _VALUED or (not equals and place + 1 == len(given)):
            continue
        if not (value if equals else given[place + 1]).strip():
            raise pytest.UsageError(f"{name}: expected a value, found none; is the variable of your shell set?")


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


def _releases(texts: list[str]) -> ExpectedReleases:
    try:
        return ExpectedReleases.named(texts)
    except ValueError as error:
        raise pytest.UsageError(f"--to {error}") from None


def _assignment(option: str, form: str, raw: str) -> str:
    text = cleaned(raw)
    item, equals, value = text.partition("=")
    if not (item and equals and shows_something(value)):
        raise pytest.UsageError(f"{option} {text}: expected {form}")
    return text


def _signed(option: str, form: str, raw: str, *, after: str = "") -> str:
    """Who says so and why is part of it: it is written down."""
    text = cleaned(raw)
    statement = text.partition(after)[2] if after else text
    who, colon, why = statement.partition(":")
    if (after and not text.partition(after)[0]) or not (shows_something(who) and colon and shows_something(why)):
        raise pytest.UsageError(f"{option} {text}: expected {form}")
    return text


def _folder(text: str) -> Path | None:
    return Path(text).absolute() if text else None


def pytest_configure(config: pytest.Config) -> None:
    """Register all markers, so that ``--markers`` explains them and a misspelt one fails."""
    for name, meaning in markers.ALL.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.addinivalue_line("markers", markers.CRITERION)
    config.addinivalue_line("markers", markers.ELEMENTS)
