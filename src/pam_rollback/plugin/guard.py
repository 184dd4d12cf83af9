"""Refuses sessions that could do harm, before the first request (exit code 13).

The rules are a pure function of the facts, so that each can be seen refusing in a test.

pytest reads options from ``PYTEST_ADDOPTS``, from ``addopts`` of a settings file and from files of arguments (``@FILE``) as if they were
typed. For consent to a change they do not count: a variable that is set in a shell consents to every session of that shell.
"""

import argparse
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import pytest

from pam_rollback.core.errors import MeasurementFailed, Refused
from pam_rollback.core.wait import Waiter
from pam_rollback.http import pace
from pam_rollback.http.pace import Pace
from pam_rollback.plan.stories import STORIES
from pam_rollback.plugin import markers, pytest_options
from pam_rollback.plugin import runbook as runbook_module
from pam_rollback.plugin.progress import progress_of
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import SITUATIONS_KEY, stories_of
from pam_rollback.report.verdict import ExitCode
from pam_rollback.target.environment import Environment
from pam_rollback.target.environment_file import production_shared
from pam_rollback.target.environment_tables import undeclared_load
from pam_rollback.target.named_addresses import all_addresses, strangers

REFUSED_KEY = pytest.StashKey[str]()
_INSTEAD = "drills/test_frontend_restore.py"
"""What is done where flags are constants of the site's bundle."""
RAMP_ABILITIES = ("flag_admin", "flag_evaluation")
"""What a ramp stands on: without an evaluation the share of users would be believed, not measured."""


SAYS_WHAT: Final[Mapping[str, str]] = {
    "--env": "pam_env",
    "--mode": "pam_mode",
    "--execute": "pam_execute",
    "--confirm": "pam_confirm",
    "--reason": "pam_reason",
    "--initiated-by": "pam_initiated_by",
    "--to": "pam_to",
    "--situation": "pam_situation",
    "--undo": "pam_undo",
    "--resume": "pam_resume",
    "--approve": "pam_approve",
    "--take-over": "pam_take_over",
}
"""The options that say yes, and those that say to what; where each is found in pytest's options."""
_LISTS: Final = frozenset({"--to", "--approve"})
_DEFAULTS: Final[Mapping[str, object]] = {"--mode": "drill"}


@dataclass(frozen=True)
class Facts:
    """What the rules look at."""

    mode: str
    kind: str
    name: str
    is_sandbox: bool
    execute: bool
    confirm: str
    reason: str
    initiated_by: str
    dry_run: bool
    pace: float
    stories: tuple[str, ...]
    distributed: bool
    setup_only: bool
    assertions_off: bool
    undeclared: tuple[str, ...] = ()
    """Abilities that the stories' actions stand on and that the environment does not declare."""
    constant_flags: str = ""
    """Why nobody can switch a flag there, when a selected action would; empty when one can, or when none would."""
    no_shares: str = ""
    undeclared_load: str = ""
    """Why nothing may be loaded there; empty when it may, or when no load test is selected."""
    untouched: tuple[str, ...] = ()
    """Sites that a target was named for, and that no selected action rolls back."""
    drills: bool = False
    """The environment says that rollbacks are practised there, without damage."""
    ramp: bool = False
    """The session raises the share of users who have the new features."""
    blank: tuple[str, ...] = ()
    """Options whose text shows nothing."""
    borrowed: tuple[str, ...] = ()
    """What says yes to a change, or to which, and was not typed on the command line."""
    watch: bool = False
    foreign_baseline: str = ""
    """Why the baseline that was given is none of this environment; empty when it is, or when none was given."""


def refusals(facts: Facts) -> list[str]:
    """Every reason why this session must not run; empty when it may."""
    found: list[str] = []
    if facts.assertions_off:
        found.append(
            "assertions are switched off (python -O, PYTHONOPTIMIZE or --assert=plain): every check would be green; leave that out"
        )
    found += blank_texts(facts.blank)
    if facts.kind == "production" and facts.pace > 1:
        found.append(f"--pace {facts.pace:g} on production: its windows are observed in full; leave --pace out")
    found += _impossible(facts)
    found += [
        f"--to {site}=…: {', '.join(facts.stories)} does not roll the {site} back; leave that out, or name another file of drills/"
        for site in facts.untouched
    ]
    found += filter(None, (facts.no_shares, facts.undeclared_load, facts.foreign_baseline))
    if facts.ramp and facts.stories:
        found.append("a ramp is an action of its own: name no file of drills/ beside -m ramp")
    if facts.ramp and facts.distributed:
        found.append("a ramp runs in one process: leave -n out")
    undamaged = bool(facts.stories) and facts.mode == "drill" and facts.kind == "staging" and facts.drills
    acts = facts.mode == "real" or facts.ramp or undamaged
    if facts.borrowed and not facts.is_sandbox and not facts.dry_run and acts:
        found.append(_not_typed(facts.borrowed, facts.name))
    if facts.mode == "real":
        found += _real(facts)
    elif facts.ramp and not facts.is_sandbox and not facts.dry_run:
        found.append(
            f"a ramp lets users of {facts.name} ({facts.kind}) have the new features; "
            "it needs --mode real --execute --confirm NAME --reason … --initiated-by …"
        )
    elif undamaged:
        found += _consented(facts, "a drill without damage")
    elif facts.stories and not facts.is_sandbox:
        found.append(
            f"a drill plants damage, and {facts.name} ({facts.kind}) is not the sandbox; "
            "a real rollback needs --mode real --execute --confirm NAME --reason … --initiated-by …"
            + ("; a drill without damage needs drills = true in its file" if facts.kind == "staging" else "")
        )
    return found


def _impossible(facts: Facts) -> list[str]:
    if facts.constant_flags:
        why = f"nobody can switch a flag of {facts.name} ({facts.constant_flags})"
        return [f"{', '.join(facts.stories)}: {why}, and features go back with the front end: pytest {_INSTEAD}"]
    if not facts.undeclared:
        return []
    missing = f"{facts.name} declares no {', '.join(facts.undeclared)}"
    return [
        f"{missing}: a ramp cannot be carried out there; declare the ability when the environment has it"
        if facts.ramp
        else f"{missing}: this strategy cannot be carried out there; choose another, "
        "or declare the ability when the environment has it"
    ]


def _not_typed(borrowed: tuple[str, ...], name: str) -> str:
    return (
        f"consent to change {name} is typed on the command line, each time: {', '.join(borrowed)} came from PYTEST_ADDOPTS, "
        "from addopts of a settings file or from a file of arguments; take it out there, and type it"
    )


def _real(facts: Facts) -> list[str]:
    if facts.watch:
        return ["a watch only tells: leave --mode real out; a person starts the rollback by the command that it tells"]
    on_sandbox = "--mode real on the sandbox: there is nothing real to act on; leave --mode out for a drill"
    return [*([on_sandbox] if facts.is_sandbox else []), *_consented(facts, "a real rollback")]


def _consented(facts: Facts, what: str) -> list[str]:
    """What is missing of the consent to act outside the sandbox. ``what`` is done."""
    found: list[str] = []
    if len(facts.stories) != 1 and not facts.ramp:
        selected = ", ".join(facts.stories) or "none"
        found.append(f"{what} is exactly one action, selected: {selected}; name one file of drills/")
    if facts.distributed:
        found.append(f"{what} runs in one process: leave -n out")
    if facts.setup_only:
        found.append("--setup-only would act and verify nothing; leave it out")
    if facts.dry_run:
        return found
    if not facts.execute:
        found.append(
            f"{what} needs --execute (read-only checks need no --mode real; --dry-run shows what would be done)"
        )
    if facts.confirm != facts.name:
        found.append(f"--confirm must repeat the environment's name: expected {facts.name!r}, found {facts.confirm!r}")
    if not facts.reason and "--reason" not in facts.blank:
        found.append(f"{what} needs --reason, for the journal and the team")
    if not facts.initiated_by and "--initiated-by" not in facts.blank:
        found.append(f"{what} needs --initiated-by: who decided?")
    return found


def blank_texts(options: Iterable[str]) -> list[str]:
    """One line for each option whose text shows nothing: everybody who reads it later would see a blank."""
    return [
        f"{option} shows nothing: it has only spaces, control or zero-width characters; type a text that people can read"
        for option in options
    ]


def check_undo(config: pytest.Config, runbook: Runbook) -> None:
    """An undo outside the sandbox changes as much as a rollback: what consents to it was typed. Raises Refused."""
    found = borrowed(config.option, config.invocation_params.args)
    if found and not runbook.on_sandbox and not runbook.options.dry_run:
        raise Refused(f"  - {_not_typed(found, runbook.environment.name)}")


def check(config: pytest.Config, runbook: Runbook) -> None:
    """Judge by the command line alone. Raises Refused with all reasons: nothing was collected, nothing was sent."""
    reasons = refusals(_facts(config, runbook, stories=config.stash[SITUATIONS_KEY].stories))
    if reasons:
        raise Refused("\n".join(f"  - {reason}" for reason in reasons))


def check_selected(config: pytest.Config, runbook: Runbook, items: list[pytest.Item]) -> None:
    """Refuse by what was really selected."""
    if items and not config.option.collectonly:
        refuse(config, refusals(_facts(config, runbook, stories=stories_of(items))))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Raise pytest.UsageError for more workers than the product bears."""
    runbook = runbook_module.of(config)
    workers = getattr(config.option, "numprocesses", None)
    if runbook is not None and workers:
        try:
            runbook.environment.contract.limits.ours(int(workers))
        except ValueError as error:
            raise pytest.UsageError(f"-n {workers}: {error}") from None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Hold this process to what the product bears, before anything is sent. Workers have a share each.

    A real rollback waits for nothing until its action is done.
    """
    config, runbook = session.config, runbook_module.of(session.config)
    if runbook is None or runbook.options.dry_run or config.option.collectonly or not session.items:
        return
    urls, limits = runbook.environment.urls, runbook.environment.contract.limits
    if not limits.known:
        return
    runbook.kept_to = Pace(
        {urlsplit(url).netloc for url in (urls.api, urls.backend) if url},
        **limits.ours(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))).model_dump(),
        patient=not runbook.options.real,
        told=progress_of(config, runbook).tell,
        sleep=Waiter(stop=runbook.stop).pause,
    )
    with ExitStack() as held:
        held.enter_context(pace.held_to(runbook.kept_to))
        config.add_cleanup(held.pop_all().close)


def refuse(config: pytest.Config, reasons: list[str]) -> None:
    """End the session with 13 and all reasons at once."""
    if not reasons:
        return
    message = "REFUSED by the guard, nothing was changed:\n" + "\n".join(f"  - {reason}" for reason in reasons)
    message += "\n  see docs/runbook.md#refused"
    config.stash[REFUSED_KEY] = message
    pytest.exit(message, returncode=ExitCode.REFUSED)


def _facts(config: pytest.Config, runbook: Runbook, *, stories: tuple[str, ...]) -> Facts:
    options, environment = runbook.options, runbook.environment
    wants_load = markers.asks_for(config.option.markexpr, "load") and "load" not in environment.abilities
    ramp, watch = (markers.asks_for(config.option.markexpr, phase) for phase in ("ramp", "watch"))
    return Facts(
        mode=options.mode,
        kind=environment.kind,
        name=environment.name,
        is_sandbox=runbook.on_sandbox,
        execute=options.execute,
        confirm=options.confirm,
        reason=options.reason,
        initiated_by=options.initiated_by,
        blank=options.blank,
        dry_run=options.dry_run,
        pace=runbook.pace,
        stories=stories,
        distributed=bool(getattr(config.option, "numprocesses", None))
        or bool(runbook.worker)
        or bool(getattr(config.option, "tx", None)),
        setup_only=bool(config.option.setuponly or config.option.setupplan),
        undeclared_load=undeclared_load(environment.name) if wants_load else "",
        untouched=_untouched(stories, options.to.apart),
        undeclared=_undeclared(stories, environment.abilities, ramp=ramp),
        constant_flags=_constant_flags(stories, runbook),
        no_shares=runbook.environment.no_shares if ramp or "gradual" in stories else "",
        drills=environment.drills,
        ramp=ramp,
        watch=watch,
        borrowed=borrowed(config.option, config.invocation_params.args, stories=stories, phase=ramp),
        foreign_baseline=_foreign_baseline(runbook),
        assertions_off=pytest_options.assertions_are_off() or config.option.assertmode == "plain",
    )


def _foreign_baseline(runbook: Runbook) -> str:
    if runbook.stored is None:
        return ""
    origin, name = runbook.stored.origin, runbook.environment.name
    given = f"--baseline {runbook.options.baseline}: recorded on {origin.environment} at {origin.host}"
    if runbook.own_sandbox:
        return f"{given}, and this session starts a sandbox of its own; attach to that one with --env FILE"
    if (origin.environment, origin.host) != (name, runbook.host):
        return f"{given}, and this session is about {name} at {runbook.host}; give a baseline of this environment, or leave it out"
    return ""


def _untouched(stories: tuple[str, ...], named: tuple[str, ...]) -> tuple[str, ...]:
    """Checks alone touch nothing: there a release is what must be running."""
    known = [STORIES[story] for story in stories if story in STORIES]
    return tuple(site for site in named if known and not any(site in story.sites for story in known))


def _constant_flags(stories: tuple[str, ...], runbook: Runbook) -> str:
    known = [STORIES[story] for story in stories if story in STORIES]
    return runbook.environment.constant_flags if any("flag_admin" in story.abilities for story in known) else ""


def _undeclared(stories: tuple[str, ...], abilities: Collection[str], *, ramp: bool) -> tuple[str, ...]:
    needed = [*RAMP_ABILITIES] if ramp else []
    needed += [ability for story in stories if story in STORIES for ability in STORIES[story].abilities]
    return tuple(dict.fromkeys(ability for ability in needed if ability not in abilities))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for option, name in SAYS_WHAT.items():
        if option == "--execute":
            parser.add_argument(option, dest=name, action="store_true")
        elif option in _LISTS:
            parser.add_argument(option, dest=name, action="append", default=[])
        else:
            parser.add_argument(option, dest=name, default=_DEFAULTS.get(option, ""))
    parser.add_argument("-m", dest="markexpr", default="")
    return parser


_PARSER: Final = _parser()


def typed(args: Sequence[str]) -> argparse.Namespace:
    """What these arguments themselves say, without what pytest adds to them. Raises ValueError for what pytest would refuse, too."""
    return _PARSER.parse_known_args(list(args))[0]


def borrowed(
    effective: Any, args: Sequence[str], *, stories: Sequence[str] = (), phase: bool = False
) -> tuple[str, ...]:
    """The options that take effect and were not typed like that, by name.

    ``args`` is the command line, ``effective`` what pytest made of it. A story counts as typed when its file, the folder of stories, or
    its situation stands on the command line. With ``phase`` what acts is one that -m names.
    """
    said = typed(args)
    found = [
        option
        for option, name in SAYS_WHAT.items()
        if getattr(effective, name) != _nothing(option) and getattr(effective, name) != getattr(said, name)
    ]
    if phase and effective.markexpr != said.markexpr:
        found.append("-m")
    places = [arg.partition("::")[0].rstrip("/") for arg in args if not arg.startswith("-")]
    if not said.pam_situation and not said.pam_resume:
        found += [story for story in stories if not any(_names(place, story) for place in places)]
    return tuple(found)


def _nothing(option: str) -> object:
    return [] if option in _LISTS else False if option == "--execute" else _DEFAULTS.get(option, "")


def _names(place: str, story: str) -> bool:
    last = place.rpartition("/")[2]
    return last in {"drills", f"test_{story.replace('-', '_')}.py"}


_DENIED = "HTTP 401"
_ANOTHER = "another seal"
_LIBPQ = ("PGHOSTADDR", "PGSERVICE")
"""Variables by which PostgreSQL's own client goes elsewhere than an address says."""


def refuse_production(environment: Environment, folder: Path) -> None:
    """Raise Refused for a file that calls production something else; ``folder`` holds the files of all environments."""
    found = production_shared(environment, folder)
    if found:
        raise Refused("\n".join(f"  - {environment.file}: {line}" for line in found))


def prove(environment: Environment) -> None:
    """Let a sandbox pass whose every address is its own; another kind of environment passes unasked.

    Raises Refused with every stranger, and MeasurementFailed when nobody answers at the control address.
    """
    controls = environment.sandbox
    if controls is None:
        return
    from pam_sandbox.problems import SandboxError  # noqa: PLC0415 - for sessions on a sandbox
    from pam_sandbox.remote import Remote  # noqa: PLC0415 - the same

    try:
        own = Remote(controls.control_url, controls.token).addresses()
    except SandboxError as error:
        who = f"  - {environment.file}: [sandbox] control_url: the sandbox at {controls.control_url}"
        if _DENIED in error.found:
            raise Refused(f"{who} does not know this token; it is another one") from None
        if _ANOTHER in error.found:
            raise Refused(f"{who} cannot prove that it knows this token; it is another one") from None
        raise MeasurementFailed(f"the sandbox of {environment.file} cannot be reached: {error}") from None
    found = strangers(all_addresses(environment), own)
    if any("postgresql://" in address for address in own.values()):
        found += [f"{name} is set and leads queries elsewhere: unset it" for name in _LIBPQ if os.environ.get(name)]
    if found:
        advice = "use the file that this sandbox wrote, or say what the environment really is (kind)"
        raise Refused("\n".join(f"  - {environment.file}: {line}" for line in (*found, advice)))
