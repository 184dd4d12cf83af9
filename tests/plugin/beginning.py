"""How a session of the runbook begins, in this process: the same options, configuration, consent and identity, and no pytest around them.

What a whole session adds is shown once for each exit path in test_bad_input.py and test_smaller_selections.py.
"""

import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pam_rollback.core.outside_text import redact_with
from pam_rollback.plugin import entry, hookspecs, runbook
from pam_rollback.plugin.runbook import Runbook
from tests.listening import TOPICS

TESTPATHS = ("checks", "load")
"""As pyproject.toml has them."""
USAGE_ERROR = 4


@dataclass(frozen=True)
class Begun:
    """How far a session came before pytest would start anything: its exit code, None when it would go on, and what it said."""

    rc: int | None
    said: str
    runbook: Runbook | None = None


Begin = Callable[..., Begun]


def _topics() -> pytest.PytestPluginManager:
    """Those of the project's conftest.py, without whatever else the session of these tests has."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)
    for topic in TOPICS:
        manager.register(topic)
    return manager


def configured(config: pytest.Config, root: Path, *args: str, addopts: str = "") -> Any:
    """What pytest would make of this command line in that project, as far as the plugin looks at it before the start."""
    option = config._parser.parse([*shlex.split(addopts), *args])
    named = [str(arg) for arg in option.file_or_dir]
    source = pytest.Config.ArgsSource
    return SimpleNamespace(
        option=option,
        known_args_namespace=option,
        rootpath=root,
        inipath=root / "pyproject.toml",
        args=named or [*TESTPATHS],
        args_source=source.ARGS if named else source.TESTPATHS,
        stash=pytest.Stash(),
        invocation_params=SimpleNamespace(args=args, dir=root),
        pluginmanager=config.pluginmanager,
        hook=_topics().hook,
        cleanups=ExitStack(),
    )


@pytest.fixture
def begin(
    pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Begin]:
    """Begins a session with this command line in that project."""

    def begun(root: Path, *args: str) -> Begun:
        monkeypatch.chdir(root)
        config = configured(pytestconfig, root, *args)
        config.add_cleanup = config.cleanups.callback
        with config.cleanups:
            try:
                code = entry._begin(config)
            except pytest.UsageError as error:
                return Begun(USAGE_ERROR, " ".join(str(error).split()))
        told = capsys.readouterr()
        return Begun(code, " ".join(f"{told.out} {told.err}".split()), runbook.of(config))

    for variable in ("PAM_ENV", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(variable, raising=False)
    yield begun
    redact_with(str)
