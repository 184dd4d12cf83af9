"""Sessions in a fork of an interpreter that has everything loaded: what starting Python and importing cost is paid once a worker.

A session forked here is the same program with the same command line; only its imports were done before. Whoever tests what happens
while the interpreter starts, or talks to a session while it runs, starts a process of its own instead (``Project.start``).
"""

import atexit
import gc
import importlib
import multiprocessing
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType

_PRELOADED = "tests.preloaded"
_LEFT_OUT = ("pam_rollback.sandbox.", "pam_rollback.adapters.load_process", "pam_rollback.plugin.sql_files")
"""Processes of their own (the load engine replaces sockets and threads where it is imported), and what pytest has to rewrite."""
_USED_BY_SESSIONS = ("pam_rollback.sandbox.launch", "pam_rollback.sandbox.remote")
_LIBRARIES = (
    "pytest",
    "_pytest.unittest",
    "_pytest.junitxml",
    "allure_commons.logger",
    "execnet",
    "psycopg",
    "sqlglot",
)
_SEEN_BY_THE_INTERPRETER = ("PYTHON", "LC_", "LANG", "TZ", "LD_")
_is_preloaded = False


def preload() -> None:
    """Import what sessions import: in the fork server, before the first fork."""
    global _is_preloaded  # noqa: PLW0603 - the one fact that a fork has to know
    for name in (*_LIBRARIES, *_USED_BY_SESSIONS, *_modules_of("pam_rollback")):
        importlib.import_module(name)
    # Forks share what was loaded as long as no collector of theirs writes to it.
    gc.collect()
    gc.freeze()
    _is_preloaded = True


def _modules_of(package: str) -> list[str]:
    found: ModuleType = importlib.import_module(package)
    names = [module.name for module in pkgutil.walk_packages(found.__path__, f"{package}.", onerror=lambda _: None)]
    return [name for name in names if not name.startswith(_LEFT_OUT) and not name.endswith("__main__")]


def can_be_forked(args: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a session is the same in a fork: not with workers of its own, nor with variables that an interpreter reads at its start."""
    if any(arg.startswith("-n") for arg in args):
        return False
    ours = {name: value for name, value in os.environ.items() if name.startswith(_SEEN_BY_THE_INTERPRETER)}
    theirs = {name: value for name, value in environment.items() if name.startswith(_SEEN_BY_THE_INTERPRETER)}
    return ours == theirs


def run_pytest(
    args: Sequence[str], *, folder: Path, environment: Mapping[str, str], within_s: float
) -> tuple[int, str]:
    """Run ``pytest ARGS`` in a folder to its end; its exit code (negative: the signal that ended it) and all that it printed.

    Raises subprocess.TimeoutExpired, with what it printed, when it has not ended within that time; it is killed then.
    """
    with tempfile.NamedTemporaryFile(prefix="session-", suffix=".txt") as printed:
        session = _server().Process(target=_session, args=(list(args), str(folder), dict(environment), printed.name))
        session.start()
        session.join(within_s)
        late = session.is_alive()
        if late:
            session.kill()
            session.join()
        out = Path(printed.name).read_text(encoding="utf-8", errors="replace")
        code = session.exitcode
        session.close()
        if late or code is None:
            raise subprocess.TimeoutExpired(["pytest", *args], within_s, out)
        return code, out


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    return context


def _session(args: list[str], folder: str, environment: dict[str, str], printed: str) -> None:
    if not _is_preloaded:
        raise RuntimeError(
            f"{_PRELOADED} was not loaded before the fork: sessions would be slow without anybody knowing"
        )
    _stand_alone(folder, environment, printed)

    import pytest  # noqa: PLC0415 - loaded before the fork, and no part of what tests of this module need
    from _pytest.assertion.rewrite import AssertionRewritingHook  # noqa: PLC0415 - the same

    sys.argv = [str(Path(pytest.__file__).with_name("__main__.py")), *args]
    # Loaded before, on purpose; there are no assertions in what was.
    AssertionRewritingHook._warn_already_imported = lambda *_: None  # type: ignore[method-assign]
    code = pytest.console_main()
    atexit._run_exitfuncs()
    sys.exit(code)


def _stand_alone(folder: str, environment: dict[str, str], printed: str) -> None:
    """Be like a process that was started in that folder: its streams, variables and path, and none of these tests' modules."""
    nothing, out = os.open(os.devnull, os.O_RDONLY), os.open(printed, os.O_WRONLY | os.O_APPEND)
    for found, wanted in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(found, wanted)
    for handle in (nothing, out):
        os.close(handle)
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    root = str(Path(__file__).resolve().parents[1])
    sys.path[:] = [folder, *(place for place in sys.path if place not in {"", root, folder})]
    for name in [name for name in sys.modules if name.partition(".")[0] in {"tests", "conftest", "checks"}]:
        del sys.modules[name]
