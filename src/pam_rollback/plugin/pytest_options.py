"""What pytest's own options may do to a session of the runbook, wherever they come from: command line, PYTEST_ADDOPTS or ``-o addopts``.

Every option of pytest and of its plug-ins belongs to one kind; a test goes through all of them, so that a new one is classified before it
can make less run. Decided in docs/decisions/verdicts.md.
"""

import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence

import pytest

from pam_rollback.http.files import PLAN, project_of

LISTING: Mapping[str, tuple[str, ...]] = {
    "collectonly": ("--collect-only", "--collectonly", "--co"),
    "showfixtures": ("--fixtures", "--funcargs"),
    "show_fixtures_per_test": ("--fixtures-per-test",),
    "cacheshow": ("--cache-show",),
    "markers": ("--markers",),
    "help": ("--help", "-h"),
    "version": ("--version", "-V"),
}
"""Options that print something and run no test, with their spellings."""


_EXPLAINS = frozenset({"markers", "help", "version"})
"""Of those, the ones that say nothing of this project."""


NARROWING: Mapping[str, str] = {
    "keyword": "-k",
    "lf": "--last-failed",
    "deselect": "--deselect",
    "ignore": "--ignore",
    "ignore_glob": "--ignore-glob",
    "stepwise": "--stepwise",
    "stepwise_skip": "--stepwise-skip",
    "allure_epics": "--allure-epics",
    "allure_features": "--allure-features",
    "allure_stories": "--allure-stories",
    "allure_ids": "--allure-ids",
    "allure_severities": "--allure-severities",
    "allure_labels": "--allure-label",
    "inversion": "--inversion",
}
"""Options that choose among tests by no rule of the suite."""


WEAKENING: Mapping[str, str] = {
    "setuponly": "--setup-only",
    "setupplan": "--setup-plan",
    "browser_channel": "--browser-channel",
    "device": "--device",
}
"""Options after which the same tests say less than the suite's own: no body runs, or it runs in a browser that nobody declared."""


REFUSED: Mapping[str, str] = {
    "pastebin": "--pastebin sends what a session printed to a public service; leave it out",
    "noconftest": "--noconftest leaves out the fixtures that every check stands on; leave it out",
    # A situation would be left and entered twice: its rollback done twice.
    "failedfirst": "--failed-first tears a situation's tests apart; leave it out, or choose with --last-failed",
    "newfirst": "--new-first tears a situation's tests apart; leave it out",
}
"""Options that no session of the runbook may have, and why."""


NEEDED_PLUGINS = frozenset(
    {
        *("python", "terminal", "capture", "skipping", "tmpdir", "assertion", "junitxml", "warnings", "reports"),
        *("setuponly", "setupplan", "xdist", "xdist.plugin", "xdist.looponfail", "allure_pytest", "playwright"),
    }
)
"""Plug-ins without which a session breaks, or judges less. Ours are needed one and all."""


_OURS = "pam_rollback"


_OUR_PARTS = "pam-"
"""How the names begin of what is registered once the options are known: the verdict is one of those."""


PLUGIN = "pam_rollback.plugin.start_up"


FIXTURES = "pam_rollback.plugin.fixtures"
"""conftest.py names them."""


HARMLESS_SETTINGS = (
    *("log_", "junit_", "tmp_path_retention", "verbosity_", "faulthandler_"),
    *("console_output_style", "cache_dir", "truncation_limit", "required_plugins", "minversion"),
)
"""Beginnings of the names of settings that ``-o`` may change: they say how a session is shown and kept, not what it looks at."""


def is_given_by(args: Iterable[str], spellings: Collection[str]) -> str:
    """The spelling with which the arguments have the option; empty when they do not have it."""
    return next((str(arg).partition("=")[0] for arg in args if str(arg).partition("=")[0] in spellings), "")


def explains(option: object) -> bool:
    """Whether the session explains something, and is about no run: everything that lists, but for the tests themselves."""
    return any(getattr(option, dest, None) for dest in LISTING if dest != "collectonly")


def only_lists(config: pytest.Config, *, consented: bool) -> str:
    """Why this session would do nothing although it was asked to act or to judge; empty when a list is what was asked for.

    ``consented``: the command line has a consent to change something, or asks for an undo.
    """
    for dest, spellings in LISTING.items():
        if not getattr(config.option, dest, None):
            continue
        on_the_command_line = is_given_by(config.invocation_params.args, spellings)
        if not on_the_command_line:
            return f"{spellings[0]} only lists, and it comes from {_source(spellings)}: take it out there"
        if consented and dest not in _EXPLAINS:
            return f"{on_the_command_line} only lists; leave it out"
    return ""


def _source(spellings: Collection[str]) -> str:
    in_variable = any(part.partition("=")[0] in spellings for part in os.environ.get("PYTEST_ADDOPTS", "").split())
    return "PYTEST_ADDOPTS" if in_variable else "addopts"


def partial_reasons(option: object, args: Iterable[str]) -> list[str]:
    """Each option that makes fewer or weaker tests run than the suite's own rules."""
    found = [
        f"{words} {option_value}" if (option_value := _shown(getattr(option, dest))) else words
        for dest, words in {**NARROWING, **WEAKENING}.items()
        if getattr(option, dest, None)
    ]
    found += [f"-o {text}" for text in changed_settings(getattr(option, "override_ini", None) or ())]
    if any("::" in arg for arg in args):
        found.append("single tests by node id")
    return found


def _shown(value: object) -> str:
    return value if isinstance(value, str) else ""


def changed_settings(overrides: Iterable[str]) -> list[str]:
    """Of the settings that ``-o`` changes, those that can change what runs or what it says."""
    return [text for text in overrides if not text.strip().startswith(HARMLESS_SETTINGS)]


def refuse(early_config: pytest.Config) -> None:
    """Raise pytest.UsageError, one line, for whatever takes away what the suite stands on. Nothing of it has been used by then."""
    known = early_config.known_args_namespace
    if only_own_tests(known.file_or_dir):
        return
    problems = [
        f"-p {name}: {name.removeprefix('no:')} is needed by every session of the runbook; leave that out"
        for name in map(str.strip, known.plugins)
        if name.startswith("no:") and _is_needed(name.removeprefix("no:"))
    ]
    problems += [words for dest, words in REFUSED.items() if getattr(known, dest, None)]
    if any(text.strip().startswith("addopts") for text in known.override_ini or ()):
        problems.append("-o addopts: the options in pyproject.toml are part of the suite; leave it out")
    root = project_of(early_config.invocation_params.dir)
    if root is not None:
        if known.inifilename and early_config.inipath != root / "pyproject.toml":
            problems.append(f"-c {known.inifilename}: the settings of the suite stand in pyproject.toml; leave it out")
        if known.rootdir and early_config.rootpath != root:
            problems.append(f"--rootdir {known.rootdir}: the project is {root}; leave it out")
    if problems:
        raise pytest.UsageError("; ".join(problems))


def refuse_missing_parts(config: pytest.Config) -> None:
    """Raise pytest.UsageError when a part of the plug-in was blocked, or when the project's conftest.py was not read."""
    manager = config.pluginmanager
    ours = sys.modules.get(PLUGIN)
    parts = [part.__name__ for part in getattr(ours, "PARTS", ())]
    lost = [name for name in (PLUGIN, *parts) if not manager.hasplugin(name)]
    if lost:
        raise pytest.UsageError(
            f"{lost[0]} is not loaded, and without it pytest's own verdict would stand for the suite's: run pytest in the project's folder "
            "without -p no:…, -c and -o addopts"
        )
    if not manager.hasplugin(FIXTURES):
        raise pytest.UsageError(
            "the conftest.py of this project was not read, so the checks have no fixtures: leave out --confcutdir"
        )


def _is_needed(name: str) -> bool:
    return name in NEEDED_PLUGINS or name.partition(".")[0] == _OURS or name.startswith(_OUR_PARTS)


def assertions_are_off() -> bool:
    """Python was started so that ``assert`` does nothing."""
    return bool(sys.flags.optimize)


_WITH_PATHS = ("--env", "--run-dir", "--baseline", "--undo", "--state", "--state-dir")


_RESTARTED = "PAM_ROLLBACK_RESTARTED"


def is_found(config: pytest.Config) -> bool:
    """Pytest found this project's settings."""
    return (config.rootpath / PLAN).is_file()


def restart_if_missed(config: pytest.Config) -> None:
    """Start the same session again with the options written so that pytest finds the project; returns when it was found.

    Raises pytest.UsageError when that cannot help.
    """
    invocation = config.invocation_params
    args = joined(invocation.args)
    # The workers of pytest-xdist read the same arguments later, when the run's folder is there and would be taken for the project.
    is_read_again = bool(getattr(config.option, "numprocesses", None)) and args != list(invocation.args)
    if (is_found(config) and not is_read_again) or not (invocation.dir / PLAN).is_file():
        return
    ours = tuple(sys.argv[1:]) == tuple(invocation.args)
    if not ours or args == list(invocation.args) or os.environ.get(_RESTARTED):
        raise pytest.UsageError(
            f"pytest took {config.rootpath} for the project; write --env=FILE and --run-dir=DIR, with an equals sign"
        )
    os.execve(sys.executable, [sys.executable, "-m", "pytest", *args], {**os.environ, _RESTARTED: "1"})  # noqa: S606 - the same program


def only_own_tests(paths: Sequence[str]) -> bool:
    """Whether the command line names the suite's own tests and nothing else."""
    return bool(paths) and all(path.lstrip("./").startswith("tests") for path in paths)


def joined(args: Sequence[str]) -> list[str]:
    """``--env FILE`` as ``--env=FILE``, and likewise for the other options that take a path."""
    found: list[str] = []
    rest = iter(args)
    for arg in rest:
        value = next(rest, None) if arg in _WITH_PATHS else None
        found.append(arg if value is None else f"{arg}={value}")
    return found
