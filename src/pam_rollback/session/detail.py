"""How much of a session its terminal shows: ``-v`` all of it, ``-q`` what is not good and the verdict, neither of them one screen."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any

import pytest

_QUIET = -2
"""The verbosity with which pytest's own lines stay away: header, files, percentages, summary."""
_USUAL_LIST = "fE"
"""What pytest lists in the end unless ``-r`` says otherwise: failures and errors, which the screen has."""


class Detail(Enum):
    """How much is shown."""

    ALL = "all"
    SCREEN = "screen"
    ONLY_BAD = "only what is not good"


_KEY = pytest.StashKey[Detail]()


def of(config: pytest.Config) -> Detail:
    """What the command line asks for."""
    verbose = config.option.verbose
    return config.stash.setdefault(
        _KEY, Detail.ALL if verbose > 0 else Detail.SCREEN if verbose == 0 else Detail.ONLY_BAD
    )


def view(config: pytest.Config) -> Callable[..., list[str]]:
    """What renders the record of a session for its terminal."""
    wanted = of(config)
    if wanted is Detail.ALL:
        from pam_rollback.report import scorecard  # noqa: PLC0415 - one of the two is shown

        return scorecard.render
    from pam_rollback.report import screen  # noqa: PLC0415 - the same

    zone = datetime.now().astimezone().tzinfo
    return partial(screen.render, zone=zone, only_bad=wanted is Detail.ONLY_BAD)


def keep_workers_quiet(config: pytest.Config) -> None:
    """How many workers of pytest-xdist there are is nobody's question, unless all of it is wanted."""
    reporter: Any = config.pluginmanager.get_plugin("terminaldistreporter")
    if reporter is not None and of(config) is not Detail.ALL:
        reporter._isatty = False  # noqa: SLF001 - else it renews a line, amid the session's own picture
        reporter.ensure_show_status = lambda: None


def keep_pytest_quiet(config: pytest.Config) -> None:
    """The suite tells what pytest would, unless all of it is wanted."""
    if of(config) is Detail.ALL:
        return
    config.option.verbose = _QUIET
    terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal._show_progress_info = False  # noqa: SLF001 - pytest has a setting for it, which the suite's own tests share
        if config.option.reportchars in {"", _USUAL_LIST}:
            terminal.reportchars = ""
